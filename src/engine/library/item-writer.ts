import type { Events } from '../../domain/events.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { MediaFile } from '../../domain/library/media.js';
import { toLocalPath, type PathMapping } from '../../domain/settings/paths.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

/** How an item says that the server gave it no date. */
const NO_TIME = new Date(0).toISOString();
/** So many rows the store places in one turn. */
const READABLE_AT_ONCE = 60;
/** Of more rows everybody who follows the library hears in pieces, one a turn: a page need not wait until five hundred are counted. */
const MOST_AT_ONCE = 200;
const PIECE = 100;

export interface Written {
  /** Ids that were not there before. */
  added: string[];
  /** Ids that are different now. */
  changed: string[];
  /** Resolves when all of it is on disk. */
  saved: Promise<void>;
}

/** Puts items as the media server describes them into the library, adding what only we know. */
export class ItemWriter {
  readonly #store: Store;
  readonly #bus: Bus<Events>;

  constructor(parts: { store: Store; bus: Bus<Events> }) {
    this.#store = parts.store;
    this.#bus = parts.bus;
  }

  /**
   * Takes the items over. Readable at once; rows that are the same as before are not written. Where more follow right away the disk
   * may wait `mayWaitMs` for them.
   */
  put(items: readonly LibraryItem[], mayWaitMs = 0): Written {
    const rows: LibraryItem[] = [];
    const [added, changed]: [string[], string[]] = [[], []];
    const mappings = new Map<string, PathMapping[]>();
    for (const item of items) {
      // The owner removed its server while the answer was on its way.
      if (!this.#store.servers.isKnown(item.serverId)) continue;
      const known = this.#store.library.find(item.id);
      const own = mappings.get(item.serverId) ?? this.#store.servers.mappingsOf(item.serverId);
      mappings.set(item.serverId, own);
      const row = known ? toRow(this.#settled(item, known), known, own) : asNew(item, own);
      if (known && isSame(known, row)) continue;
      rows.push(row);
      (known ? changed : added).push(row.id);
    }
    return { added, changed, saved: this.#save(rows, mayWaitMs) };
  }

  /** Nothing moves into a library that nobody has heard of; a sync hears of all of them first. */
  #settled(item: LibraryItem, known: LibraryItem): LibraryItem {
    const isKnown = this.#store.sections.find(item.sectionId) !== null;
    return isKnown ? item : { ...item, sectionId: known.sectionId };
  }

  async #save(rows: LibraryItem[], mayWaitMs: number): Promise<void> {
    if (rows.length === 0) return;
    const isPiece = rows.length > MOST_AT_ONCE;
    const tell = (start = 0, end = rows.length): void => {
      const itemIds = rows.slice(start, end).map(({ id }) => id);
      this.#bus.emit('library.changed', { itemIds, ...(isPiece ? { isPiece } : {}) });
    };
    const saved = this.#store.library.putMany(rows, { mayWaitMs });
    // Few rows are readable in this turn, and nobody needs to wait for the disk; of a long list, when it is done.
    const isReadable = rows.length <= READABLE_AT_ONCE;
    if (isReadable) tell();
    try {
      await saved;
    } catch (error) {
      if (isReadable) tell();
      throw error;
    }
    if (isReadable) return;
    const loopYield = new EventLoopYield();
    const length = isPiece ? PIECE : rows.length;
    for (let start = 0; start < rows.length; start += length) {
      tell(start, start + length);
      if (loopYield.isDue) await loopYield.pause();
    }
  }
}

/** A new item as it is stored: itself. */
function asNew(item: LibraryItem, mappings: readonly PathMapping[]): LibraryItem {
  for (const file of item.files) file.localPath = toLocalPath(file.path, mappings);
  item.tags = [];
  item.state = 'present';
  return item;
}

/** An item as it is stored. Of an unchanged file that came without streams, as every file of a listing does, what is known is kept. */
function toRow(told: LibraryItem, known: LibraryItem, mappings: readonly PathMapping[]): LibraryItem {
  const item = withKnown(told, known);
  const isListed = item.files.every(({ detailed }) => !detailed);
  const isUntouched = known.updatedAt === item.updatedAt;
  const files = item.files.map((file) => {
    const before = known.files.find(({ id }) => id === file.id);
    const merged = before && !file.detailed && isSameFile(before, file) ? keepStreams(file, before, isUntouched) : file;
    return { ...merged, localPath: toLocalPath(file.path, mappings) };
  });
  const row: LibraryItem = { ...item, files, tags: known.tags, state: 'present' };
  if (!isListed) return row;
  // A listing does not tell labels either; they are read again with the streams.
  return {
    ...row,
    labels: row.labels.length > 0 ? row.labels : known.labels,
    collections: row.collections.length > 0 ? row.collections : known.collections,
  };
}

/** Names, files and their sizes are never taken away, only left out: of what a server does not tell, what is known stands. */
function withKnown(item: LibraryItem, known: LibraryItem): LibraryItem {
  const isWhole = item.files.every(({ sizeBytes, durationMs }) => sizeBytes > 0 && durationMs > 0);
  const isTold = item.title !== '' && item.show !== '' && item.guid !== '' && item.addedAt !== NO_TIME;
  if (isWhole && isTold && item.files.length > 0) return item;
  return {
    ...item,
    title: item.title || known.title,
    show: item.show === '' ? known.show : item.show,
    guid: item.guid || known.guid,
    addedAt: item.addedAt === NO_TIME ? known.addedAt : item.addedAt,
    files: item.files.length > 0 ? item.files.map((file) => withKnownSize(file, known)) : known.files.map(listed),
  };
}

function withKnownSize(file: MediaFile, known: LibraryItem): MediaFile {
  const before = known.files.find(({ id, path }) => id === file.id && path === file.path);
  if (before === undefined) return file;
  const { sizeBytes, durationMs } = before;
  return { ...file, sizeBytes: file.sizeBytes || sizeBytes, durationMs: file.durationMs || durationMs };
}

const listed = (file: MediaFile): MediaFile => ({ ...file, detailed: false });

const isSameFile = (a: MediaFile, b: MediaFile): boolean =>
  a.mediaId === b.mediaId && a.path === b.path && a.sizeBytes === b.sizeBytes;

/** After a change of the item the streams may be other ones: they stand until they are read again. */
const keepStreams = (file: MediaFile, before: MediaFile, isUntouched: boolean): MediaFile => ({
  ...file,
  video: wasRead(before) ? before.video : file.video,
  audio: before.audio,
  subtitles: before.subtitles,
  detailed: before.detailed && isUntouched,
});

/** Whether its streams were read once, though they may have to be read again. */
const wasRead = ({ detailed, video, audio, subtitles }: MediaFile): boolean =>
  detailed || audio.length > 0 || subtitles.length > 0 || (video !== null && (video.bitDepth ?? video.fps) !== null);

/** Plain data only, and several times quicker than Node's own comparison: a full sync compares every item. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]));
}

/** Whether streams are still to be read: a listing told of a file of it. */
export const needsDetails = (item: LibraryItem): boolean =>
  item.state === 'present' && item.files.some(({ detailed }) => !detailed);
