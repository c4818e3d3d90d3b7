import type { LibraryItem } from '../../domain/library/library.js';

/** Whether nothing about an item has to settle: it is described in full, and its files are the ones we know. */
export const isCalm = (item: LibraryItem, known: LibraryItem | null): boolean =>
  item.files.length === known?.files.length &&
  item.files.every(
    ({ id, path, sizeBytes, video, optimized }) =>
      (optimized || (video !== null && video.codec !== '')) &&
      known.files.some((file) => file.id === id && file.path === path && file.sizeBytes === sizeBytes),
  );
