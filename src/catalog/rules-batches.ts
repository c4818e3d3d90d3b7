import type { LibraryItem } from '../domain/library/library.js';
import type { Subject } from '../domain/rules/rule.js';

/** What is sent to the thread in one piece. */
export interface Batch {
  items: readonly LibraryItem[];
  /** For each subject the index of its item, and of the file within that. */
  picks: readonly (readonly [number, number])[];
  subjects: readonly Subject[];
}

/** Small enough that sending it blocks the main thread for a few milliseconds only. */
const BATCH = 250;

/** Cuts subjects into batches in which no item is sent twice. */
export function* cut(subjects: Iterable<Subject>): Generator<Batch> {
  let part: Subject[] = [];
  for (const subject of subjects) {
    part.push(subject);
    if (part.length < BATCH) continue;
    yield toBatch(part);
    part = [];
  }
  if (part.length > 0) yield toBatch(part);
}

function toBatch(subjects: readonly Subject[]): Batch {
  const indexOf = new Map<LibraryItem, number>();
  const picks = subjects.map(({ item, file }): [number, number] => {
    const index = indexOf.get(item) ?? indexOf.size;
    indexOf.set(item, index);
    return [index, item.files.indexOf(file)];
  });
  return { items: [...indexOf.keys()], picks, subjects };
}
