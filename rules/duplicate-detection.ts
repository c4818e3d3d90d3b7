import { z } from 'zod';
import {
  decidingFigures,
  describeCopy,
  notACopy,
  ownLanguages,
  rivalsOf,
  type CopyChoice,
} from '../src/domain/rules/copies.js';
import { defineRule, type LibraryFacts, type Subject } from '../src/domain/rules/rule.js';
import { formatBytes } from '../src/lib/units.js';

const HIGH_BYTES = 20e9;
const MEDIUM_BYTES = 5e9;

/** The file among the copies of its title, and the best of them; null when it has none. */
function placeOf(subject: Subject, choice: CopyChoice, facts: LibraryFacts) {
  const others = facts.copiesOf(subject.item);
  // Nearly every title: one file, and no other title like it.
  if (subject.item.files.length === 1 && others.length === 0) return null;
  if (notACopy(subject.file) !== null) return null;
  const rivals = rivalsOf(subject, others, choice);
  const [best] = rivals;
  const own = rivals.find(({ item, file }) => item.id === subject.item.id && file.id === subject.file.id);
  return best && rivals.length > 1 ? { best, own: own ?? null, count: rivals.length } : null;
}

export default defineRule({
  title: 'Find duplicates',
  docs: {
    what: 'Finds films and episodes that exist more than once, and says which version is the best.',
    why: 'A version that nobody needs takes as much space as the one that is watched.',
    whenNotToUse:
      'When you keep several versions on purpose, such as one for each television. Editions, cuts of other length, 3D, optimized versions and files with several episodes are told apart by themselves.',
  },
  options: z.object({
    acrossLibraries: z.boolean().default(false).meta({
      title: 'Across libraries',
      description: 'Compare with the other libraries too. A library for 4K is usually there on purpose.',
    }),
    keepBest4kAnd1080: z.boolean().default(true).meta({
      title: 'Keep one in 4K and one smaller',
      description:
        'The smaller version often serves phones and distant players. Without it, only the best version stays.',
    }),
    keepLanguages: z.boolean().default(true).meta({
      title: 'Keep languages',
      description: 'Skip a version with sound in a language that the better version lacks.',
    }),
  }),

  evaluate(subject, choice, facts) {
    const place = placeOf(subject, choice, facts);
    if (!place?.own || place.own === place.best) return null;
    const { best, own } = place;
    if (choice.keepLanguages && ownLanguages(own, best).length > 0) return null;
    const figures = decidingFigures(best, own);
    const why = figures ? `has ${figures.better} instead of ${figures.other}` : 'is just as good';
    const { sizeBytes } = subject.file;
    return {
      kind: 'review',
      preset: null,
      severity: sizeBytes >= HIGH_BYTES ? 'high' : sizeBytes >= MEDIUM_BYTES ? 'medium' : 'low',
      reason: `Held ${place.count} times; the version that stays ${why} (${describeCopy(best)}, against ${describeCopy(own)} here), and this one takes ${formatBytes(sizeBytes)}`,
      keep: { itemId: best.item.id, fileId: best.file.id },
    };
  },

  whyNot(subject, choice, facts) {
    const place = placeOf(subject, choice, facts);
    const hasOthers = subject.item.files.length > 1 || facts.copiesOf(subject.item).length > 0;
    const left = hasOthers ? notACopy(subject.file) : null;
    if (left !== null) return left;
    if (!place) {
      if (!hasOthers) return 'No other version of this title is known.';
      return choice.acrossLibraries
        ? 'Its other versions are another cut, edition or class of resolution.'
        : 'Its other versions are in another library, or another cut, edition or class of resolution.';
    }
    if (!place.own) return 'Plex lists the same file twice; it is one version.';
    if (place.own === place.best) return `The best of ${place.count} versions: ${describeCopy(place.best)}.`;
    return `There is a better version, but only this one has sound in ${ownLanguages(place.own, place.best).join(', ')}.`;
  },
});
