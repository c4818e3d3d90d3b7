import type { LibraryItem } from '../domain/library.js';

/** Rows are never changed in place; whoever tries to change this one hears of it. */
const NONE = Object.freeze([]) as unknown as never[];

const shareEmpty = <T>(list: T[]): T[] => (list.length === 0 ? NONE : list);

/**
 * Lets library items share what is the same in most of them: with 100,000 of them it saves 18 MB, and the time to move
 * those about. Remembers the last server's id, for items of a server come one after the other.
 */
export function thriftyItems(): (item: LibraryItem) => LibraryItem {
  let serverId = '';
  return (item) => {
    if (item.serverId === serverId) item.serverId = serverId;
    else ({ serverId } = item);
    item.labels = shareEmpty(item.labels);
    item.collections = shareEmpty(item.collections);
    item.tags = shareEmpty(item.tags);
    for (const file of item.files) {
      file.audio = shareEmpty(file.audio);
      file.subtitles = shareEmpty(file.subtitles);
    }
    return item;
  };
}
