import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import type { Finding, RuleSample, Subject } from '../../domain/rules/rule.js';

/** One file of one title. */
export const keyOf = (itemId: string, fileId: string): string => `${itemId}\n${fileId}`;

/** What a trial of a rule shows of a file it speaks of. */
export const toSample = ({ item, file }: Subject, { reason, preset }: Finding, savesBytes: number): RuleSample => {
  const title = displayTitle(item);
  return { itemId: item.id, fileId: file.id, title, reason, presetId: preset, savesBytes };
};

/** Every file that is there, with its title. */
export function* subjectsOf(items: Iterable<LibraryItem>): Generator<Subject> {
  for (const item of items) {
    if (item.state !== 'present') continue;
    for (const file of item.files) yield { item, file };
  }
}
