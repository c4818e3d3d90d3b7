import { onAnswer, onHtmx } from './htmx-events.js';
import { refreshAll } from './live-regions.js';
import { closeMenus, elementOf, metaOf } from './page.js';
import { say } from './toasts.js';

/** What a form within the page did, or why not. */
export function startAnswers(): void {
  onHtmx('htmx:configRequest', ({ headers }) => {
    headers['X-CSRF-Token'] = metaOf('csrf-token');
  });
  onAnswer('mf:done', (message) => {
    say(message, false);
    // The menu or field it came from has done its work.
    closeMenus();
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
    refreshAll();
  });
  onAnswer('mf:refused', (message, event) => {
    // Where the answer itself is shown, it says so.
    if (!elementOf(event).hasAttribute('data-shows-refusal')) say(message, true);
    refreshAll();
  });
  for (const name of ['htmx:sendError', 'htmx:timeout'] as const) {
    onHtmx(name, () => {
      say('MediaFlow does not answer. Is it running?', true);
    });
  }
}
