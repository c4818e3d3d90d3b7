import { AppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { LibraryItem, Section } from '../../domain/library/library.js';
import type { Servers } from '../../domain/plex/media-server.js';
import { isInside, toLocalPath } from '../../domain/settings/paths.js';
import type { Run } from '../../domain/recommendations/run.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import { letHeapGrow } from '../../lib/heap.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { isMounted } from './mount.js';
import { ItemWriter } from './item-writer.js';

export interface SectionSyncParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  server: Servers;
}

/** What a sync of one section reports as it goes. */
export interface SectionReport {
  run: Run;
  /** Ids of new and changed items. */
  touched: string[];
  removed: string[];
  progressed: (done: number, total: number) => void;
}

/** Plex dates are whole seconds of another clock: look a little further back than the last sync. */
const OVERLAP_MS = 300_000;
/** A listing that is shorter than announced by more than this share proves nothing about what is missing. */
const COMPLETE_SHARE = 0.95;
const WRITES_AHEAD = 12;
/** By then the next page of a full listing is here, and fills the file that this one began. */
const GATHERING_MS = 150;
/** With fewer titles the heap may double, and still takes less than it does with 100,000 of them. */
const FILLED = 50_000;
/** By how much the heap may grow between two collections before that, and from then on until a first sync is over. */
const FILLING_PERCENT = 100;
const FILLED_PERCENT = 50;

/** Something is wrong with a library: nothing in it is touched until it is back. */
export class Frozen extends Error {}

/** Brings one library of the server and its stored copy together. */
export class SectionSync {
  readonly #parts: SectionSyncParts;
  readonly #itemWriter: ItemWriter;

  constructor(parts: SectionSyncParts) {
    this.#parts = parts;
    this.#itemWriter = new ItemWriter(parts);
  }

  /** Throws `Frozen` with the reason, or a `plex_*` code; nothing is removed then. */
  async run(section: Section, mode: 'full' | 'changed', report: SectionReport, signal: AbortSignal): Promise<void> {
    const { store, now } = this.#parts;
    const stored = store.idsOfSection(section.id);
    await this.#checkMounts(section, stored);
    const startedAt = now().toISOString();
    // What was frozen, or never read, cannot be brought up to date by its changes alone.
    const isFull = mode === 'full' || section.syncedAt === null || section.frozen !== null;
    const since = isFull ? null : new Date(new Date(section.syncedAt ?? 0).getTime() - OVERLAP_MS).toISOString();
    const { seen, total } = await this.#readPages(section, since, report, signal);
    if (isFull && seen.size === 0 && stored.length > 0)
      throw new Frozen(
        `Plex lists nothing in it, though there were ${stored.length} titles. Check its folders in Plex.`,
      );
    if (mode === 'full') await this.#sweep(section, stored, seen, total, report, signal);
    const isWhole = mode === 'full' || (isFull && stored.length === 0);
    const itemCount = isWhole ? seen.size : store.idsOfSection(section.id).length;
    const known = store.sections.find(section.id);
    // Its server was removed meanwhile; it must not come back.
    if (known !== null) await store.sections.put({ ...known, frozen: null, itemCount, syncedAt: startedAt });
  }

  /** A folder of ours that is empty although titles lie in it is a mount that is gone. */
  async #checkMounts(section: Section, stored: readonly string[]): Promise<void> {
    if (stored.length === 0) return;
    const { store } = this.#parts;
    const mappings = store.servers.mappingsOf(section.serverId);
    for (const location of section.locations) {
      const folder = toLocalPath(location, mappings);
      if (folder === null || (await isMounted(folder))) continue;
      for (const id of stored) {
        const isThere = store.library.find(id)?.files.some(({ path }) => isInside(path, location));
        if (isThere) throw new Frozen(`The folder ${folder} is missing or empty here. Is it mounted?`);
      }
    }
  }

  /** The next page is on its way while this one is put; it is looked at afterwards, so that it need not be kept long. */
  async #readPages(
    section: Section,
    since: string | null,
    report: SectionReport,
    signal: AbortSignal,
  ): Promise<{ seen: Set<string>; total: number }> {
    const seen = new Set<string>();
    const writes: Promise<void>[] = [];
    const server = this.#parts.server(section.serverId);
    let total = 0;
    const loopYield = new EventLoopYield();
    const isFilling = (): boolean => this.#parts.store.library.size < FILLED;
    let growSlowly = isFilling() ? letHeapGrow(FILLING_PERCENT) : null;
    let isFilled = growSlowly === null;
    try {
      for await (const page of server.items(section, { ...(since === null ? {} : { since }), signal })) {
        signal.throwIfAborted();
        total = page.total;
        if (loopYield.isDue) await loopYield.pause();
        if (!isFilled && !isFilling()) {
          isFilled = true;
          growSlowly = letHeapGrow(FILLED_PERCENT);
        }
        const fresh = page.items.filter(({ id }) => isFirst(id, seen));
        // A set this large takes a while to grow, and so does what the rows are put into.
        if (loopYield.isDue) await loopYield.pause();
        writes.push(this.#shelve(fresh, report, since === null ? GATHERING_MS : 0));
        if (writes.length > WRITES_AHEAD) await writes.shift();
        report.progressed(seen.size, total);
      }
    } finally {
      growSlowly?.();
      await Promise.allSettled(writes);
    }
    await Promise.all(writes);
    return { seen, total };
  }

  #shelve(fresh: readonly LibraryItem[], { run, touched }: SectionReport, mayWaitMs: number): Promise<void> {
    const { added, changed, saved } = this.#itemWriter.put(fresh, mayWaitMs);
    run.items += fresh.length;
    run.added += added.length;
    run.changed += changed.length;
    touched.push(...added, ...changed);
    // Awaited later; a refusal must not count as forgotten until then.
    saved.catch(() => undefined);
    return saved;
  }

  /** Missed for the first time: marked. Missed by a second full sync as well: removed. */
  async #sweep(
    section: Section,
    stored: readonly string[],
    seen: ReadonlySet<string>,
    total: number,
    report: SectionReport,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, bus, log } = this.#parts;
    signal.throwIfAborted();
    if (seen.size < total * COMPLETE_SHARE) {
      log.warn({ section: section.title, listed: seen.size, total }, 'Plex listed less than it announced');
      throw new AppError(
        'plex_bad_answer',
        `Plex listed only ${seen.size} of ${total} titles. Nothing was marked as missing.`,
      );
    }
    const unseen: LibraryItem[] = [];
    const loopYield = new EventLoopYield();
    for (const id of stored) {
      if (loopYield.isDue) await loopYield.pause();
      const item = seen.has(id) ? null : store.library.find(id);
      // It may have moved to another library meanwhile.
      if (item?.sectionId === section.id) unseen.push(item);
    }
    signal.throwIfAborted();
    const marked = unseen.filter(({ state }) => state === 'present');
    const removed = unseen.filter(({ state }) => state === 'missing').map(({ id }) => id);
    await store.library.putMany(marked.map((item) => ({ ...item, state: 'missing' as const })));
    await store.library.removeMany(removed);
    report.run.changed += marked.length;
    report.run.removed += removed.length;
    report.removed.push(...removed);
    const itemIds = [...marked.map(({ id }) => id), ...removed];
    if (itemIds.length > 0) bus.emit('library.changed', { itemIds });
  }
}

/** Adds the id, and says whether it was not there before: one look instead of two. */
function isFirst(id: string, seen: Set<string>): boolean {
  return seen.size < seen.add(id).size;
}
