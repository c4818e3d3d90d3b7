// What the pages do in a browser. Every action of them also works without it.
import { startAnswers } from './answers.js';
import { startChangedForms } from './changed-forms.js';
import { startCopy } from './copy.js';
import { startConfirming, startQuestions } from './dialogs.js';
import { startDrawer } from './drawer.js';
import { startLibraryRows } from './library-rows.js';
import { startLibrarySelection, startPickAll } from './library-selection.js';
import { startLiveRegions } from './live-regions.js';
import { startLive } from './live-loader.js';
import { startMenus, startPageKeys } from './menus.js';
import { startMorphing } from './morphing.js';
import { one } from './page.js';
import { startPlexSignIn } from './plex-sign-in.js';
import { startDecisions, startReviewKeys } from './review-cards.js';
import { startReviewSelection } from './review-selection.js';
import { startSliders } from './sliders.js';
import { startTheme } from './theme.js';
import { startUnsaved } from './unsaved.js';

// Of several that listen to one event the first here acts first: a question is asked before a form counts as sent.
startTheme();
startAnswers();
startLiveRegions();
startLive();
startPickAll();
startCopy();
startPlexSignIn();
startChangedForms();
startConfirming();
startMenus();
startPageKeys();
startMorphing();
startLibraryRows();
startLibrarySelection();
startQuestions();
startUnsaved();
startDrawer();
startReviewKeys();
startDecisions();
startReviewSelection();
startSliders();

// Tabs keep their order on narrow screens, so the present one may lie outside.
one('.subnav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
document.getElementById('form-error')?.focus();
