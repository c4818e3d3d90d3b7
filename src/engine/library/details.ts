import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../../domain/events.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { Servers } from '../../domain/plex/media-server.js';
import type { Run } from '../../domain/recommendations/run.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import { Loop } from '../../lib/loop.js';
import type { Store } from '../../store/store.js';
import { needsDetails, ItemWriter } from './item-writer.js';

export interface DetailsParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  server: Servers;
  analyzer: {
    items(itemIds: string[], trigger: Run['trigger']): Promise<unknown>;
    /** See `MissedLooks.begin`. */
    willAnalyze(): Promise<(isAnalyzed: boolean) => void>;
  };
}

const AT_A_TIME = 50;
/** Between two requests, so that people who browse Plex do not feel it. */
const PAUSE_MS = 50;
const LOOK_EVERY_MS = 60_000;
/** An item that was read in vain is asked for again so much later, unless it changes before. */
const VAIN_MS = 86_400_000;

/**
 * Reads the streams that a listing does not tell. A first sync of a large library ends after its listing; the streams
 * follow from here in the background, those with a finding first, and a restart goes on where it was: what is still to
 * be read is what is stored with `detailed: false`.
 */
export class Details {
  readonly #parts: DetailsParts;
  readonly #itemWriter: ItemWriter;
  readonly #loop: Loop;
  /** Items of which the server told no streams of some file: when they are asked for again, unless they change before. */
  readonly #vain = new Map<string, number>();
  /** Items without streams, up to the last change; null until the library was passed over once. */
  #lacking: Set<string> | null = null;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: DetailsParts) {
    this.#parts = parts;
    this.#itemWriter = new ItemWriter(parts);
    this.#loop = new Loop((signal) => this.#readRest(signal), {
      everyMs: LOOK_EVERY_MS,
      onError: (error) => {
        parts.log.warn({ err: error }, 'Streams could not be read from Plex; MediaFlow goes on later');
      },
    });
  }

  start(): void {
    this.#unsubscribe();
    this.#lacking = null;
    this.#unsubscribe = this.#parts.bus.on('library.changed', ({ itemIds }) => {
      for (const id of itemIds) this.#follow(id);
    });
    this.#loop.start();
  }

  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#loop.stop();
  }

  /** Reads these items with their streams. Ids that the server does not answer, or that news wait with, stay as they are. Throws a `plex_*` code. */
  async read(itemIds: readonly string[], signal?: AbortSignal): Promise<void> {
    const { store, server } = this.#parts;
    for (let start = 0; start < itemIds.length; start += AT_A_TIME) {
      const some = itemIds.slice(start, start + AT_A_TIME).flatMap((id) => store.library.find(id) ?? []);
      const rows = some.filter((row) => !this.#isAwaited(row));
      for (const serverId of new Set(rows.map((row) => row.serverId))) {
        const keys = rows.filter((row) => row.serverId === serverId).map(({ ratingKey }) => ratingKey);
        await this.#itemWriter.put(await server(serverId).details(keys, signal)).saved;
      }
    }
  }

  /** Whether it waits in the line of the intake, which reads it once it has settled. */
  #isAwaited({ serverId, ratingKey }: LibraryItem): boolean {
    return this.#parts.store.pending.has(`${serverId}/${ratingKey}`);
  }

  async #readRest(signal: AbortSignal): Promise<void> {
    const { store, analyzer } = this.#parts;
    if (store.settings.value.plex.url === '') return;
    const ids = await this.#missing();
    if (ids.length === 0) return;
    const looked = await analyzer.willAnalyze();
    let isDone = false;
    try {
      for (let start = 0; start < ids.length; start += AT_A_TIME) {
        signal.throwIfAborted();
        const some = ids.slice(start, start + AT_A_TIME);
        await this.read(some, signal);
        this.#noteVain(some);
        if (store.settings.value.intel.autoAnalyzeOnSync) await analyzer.items(some, 'sync');
        await sleep(PAUSE_MS, undefined, { signal });
      }
      isDone = true;
    } finally {
      looked(isDone);
    }
  }

  #follow(id: string): void {
    this.#vain.delete(id);
    const item = this.#parts.store.library.find(id);
    if (item !== null && needsDetails(item)) this.#lacking?.add(id);
    else this.#lacking?.delete(id);
  }

  /** What still lacks streams lacks them in Plex: a file that cannot be read, or is not analyzed yet. */
  #noteVain(itemIds: readonly string[]): void {
    for (const id of itemIds) if (this.#lacking?.has(id)) this.#vain.set(id, performance.now() + VAIN_MS);
  }

  /** Items without streams, those with an open recommendation first. */
  async #missing(): Promise<string[]> {
    const { store } = this.#parts;
    const wanted = new Set<string>();
    for (const { state, itemId } of store.recommendations.values()) if (state === 'open') wanted.add(itemId);
    const [first, rest]: [string[], string[]] = [[], []];
    const loopYield = new EventLoopYield();
    const nowMs = performance.now();
    for (const id of await this.#allLacking()) {
      if ((this.#vain.get(id) ?? 0) > nowMs) continue;
      const item = store.library.find(id);
      if (item !== null && !this.#isAwaited(item)) (wanted.has(id) ? first : rest).push(id);
      if (loopYield.isDue) await loopYield.pause();
    }
    return [...first, ...rest];
  }

  async #allLacking(): Promise<readonly string[]> {
    const { library } = this.#parts.store;
    if (this.#lacking) return [...this.#lacking];
    // From here on every change reaches it as well.
    const lacking = (this.#lacking = new Set<string>());
    try {
      await library.each((item) => {
        if (needsDetails(item)) lacking.add(item.id);
      });
    } catch (error) {
      this.#lacking = null;
      throw error;
    }
    return [...lacking];
  }
}
