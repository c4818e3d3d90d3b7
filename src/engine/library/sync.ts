import { toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Section } from '../../domain/library/library.js';
import type { ServerSection, Servers } from '../../domain/plex/media-server.js';
import type { Run } from '../../domain/recommendations/run.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { Details } from './details.js';
import { analyzeAfterSync } from '../recommendations/analyze-after-sync.js';
import { needsDetails } from './item-writer.js';
import { Frozen, SectionSync, type SectionReport } from './sync-section.js';

export interface SyncParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  newId: (prefix: string) => string;
  /** Throws `plex_not_configured`. */
  server: Servers;
  analyzer: {
    items(itemIds: string[], trigger: Run['trigger']): Promise<unknown>;
    library(trigger: Run['trigger']): Promise<Pick<Run, 'error'>>;
    /** See `MissedLooks.begin`. */
    willAnalyze(): Promise<(isAnalyzed: boolean) => void>;
  };
}

export interface SyncRequest {
  mode: 'full' | 'changed';
  sectionId?: string;
  trigger: Run['trigger'];
}

/** A run that is under way, or waits for its turn. */
interface Underway {
  run: Run;
  request: SyncRequest;
  /** The servers that were known when it was asked for. */
  serverIds: readonly string[];
  done: Promise<Run>;
}

/** Up to so many changed items are read with their streams before the sync ends; more follow in the background. */
const DETAILS_AT_ONCE = 200;
const TELL_EVERY_MS = 250;

/** Brings the library and the media server together. Errors end a run with a message and never remove anything. */
export class LibrarySync {
  readonly #parts: SyncParts;
  readonly #sections: SectionSync;
  readonly #details: Details;
  #abort = new AbortController();
  #running: Underway | null = null;
  /** Runs that begin one after the other when the one under way has ended. */
  readonly #queued: Underway[] = [];
  #after: Promise<void> = Promise.resolve();
  #progress = { done: 0, total: 0, toldAt: 0 };
  #lastRun: Run | null = null;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.#sections = new SectionSync(parts);
    this.#details = new Details(parts);
  }

  /** Closes the runs that a crash left open, and goes on reading streams. */
  async start(): Promise<void> {
    const { store, now } = this.#parts;
    this.#abort = new AbortController();
    const runs = store.runs.where(({ kind }) => kind === 'sync');
    const at = now().toISOString();
    const open = runs.filter(({ finishedAt }) => finishedAt === null);
    await store.runs.putMany(
      open.map((run) => ({ ...run, finishedAt: at, error: run.error ?? 'MediaFlow was stopped meanwhile.' })),
    );
    runs.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
    this.#lastRun = runs[0] ? store.runs.find(runs[0].id) : null;
    this.#details.start();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (let last = this.#last(); last !== null; last = this.#last()) await last.done.catch(() => undefined);
    await this.#after;
    await this.#details.stop();
  }

  /**
   * The run that does what is asked: the one under way, one that waits already, or a new one, which begins behind them.
   * `done` is the finished run, with its `error` when something went wrong.
   */
  run(request: SyncRequest): { runId: string; done: Promise<Run> } {
    const serverIds = [...this.#parts.store.servers.ids()];
    const covers = (other: Underway): boolean =>
      (other.request.mode === 'full' || request.mode === 'changed') &&
      [undefined, request.sectionId].includes(other.request.sectionId) &&
      serverIds.every((id) => other.serverIds.includes(id));
    const standing = [...(this.#running ? [this.#running] : []), ...this.#queued].find(covers);
    if (standing) return { runId: standing.run.id, done: standing.done };
    const run = this.#newRun(request);
    const before = this.#last();
    const underway: Underway = { run, request, serverIds, done: Promise.resolve(run) };
    if (before === null) this.#begin(underway);
    else {
      this.#queued.push(underway);
      underway.done = this.#wait(underway, before);
    }
    return { runId: run.id, done: underway.done };
  }

  #newRun({ mode, trigger, sectionId }: SyncRequest): Run {
    const { newId, now } = this.#parts;
    const counts = { items: 0, added: 0, changed: 0, removed: 0, findings: 0 };
    return {
      ...{ id: newId('run'), kind: 'sync', mode, trigger, sectionId: sectionId ?? null },
      ...{ startedAt: now().toISOString(), finishedAt: null, ...counts, error: null },
    };
  }

  /** The last one in the queue, or the one under way. */
  #last(): Underway | null {
    return this.#queued.at(-1) ?? this.#running;
  }

  #begin(underway: Underway): void {
    this.#progress = { done: 0, total: 0, toldAt: 0 };
    this.#running = underway;
    underway.done = this.#perform(underway.run, underway.request);
  }

  async #wait(underway: Underway, before: Underway): Promise<Run> {
    await before.done.catch(() => undefined);
    this.#queued.splice(this.#queued.indexOf(underway), 1);
    const begun = { ...underway, run: { ...underway.run, startedAt: this.#parts.now().toISOString() } };
    this.#begin(begun);
    return begun.done;
  }

  status(): { state: 'idle' | 'running'; done: number; total: number; lastRun: Run | null } {
    const { done, total } = this.#progress;
    return { state: this.#last() ? 'running' : 'idle', done, total, lastRun: this.#lastRun };
  }

  /** Resolves when the analysis that followed the last run is done. */
  async settled(): Promise<void> {
    await this.#last()?.done;
    await this.#after;
  }

  async #perform(run: Run, request: SyncRequest): Promise<Run> {
    const { store, bus, log, now, analyzer } = this.#parts;
    const { signal } = this.#abort;
    const report: SectionReport = { run, touched: [], removed: [], progressed: () => undefined };
    let looked: (isAnalyzed: boolean) => void = () => undefined;
    // Until the rules have looked: they need all of it once more.
    const letRest = store.library.keepAwake();
    try {
      signal.throwIfAborted();
      await store.runs.put(run);
      looked = await analyzer.willAnalyze();
      run.error = await this.#syncSections(request, report, signal);
      await this.#readFewDetails(report, signal);
    } catch (error) {
      run.error = signal.aborted ? 'MediaFlow was stopped meanwhile.' : toAppError(error).message;
      log.warn({ err: error }, 'The library sync ended early');
    }
    const finished = { ...run, finishedAt: now().toISOString() };
    this.#lastRun = finished;
    try {
      await store.runs.put(finished);
    } catch (error) {
      looked(false);
      letRest();
      throw error;
    } finally {
      this.#running = null;
    }
    bus.emit('sync.completed', finished);
    this.#after = this.#after.then(async () => {
      looked(await analyzeAfterSync(this.#parts, request, report, signal));
      letRest();
      if (!signal.aborted) this.#details.wake();
    });
    return finished;
  }

  /** One section after the other; a broken one does not keep the others from being read. Returns what went wrong. */
  async #syncSections(request: SyncRequest, report: SectionReport, signal: AbortSignal): Promise<string | null> {
    const problems: string[] = [];
    const sections: Section[] = [];
    for (const serverId of this.#parts.store.servers.ids()) {
      try {
        const listed = await this.#parts.server(serverId).sections(signal);
        sections.push(...(await this.#takeSections(serverId, listed)));
      } catch (error) {
        signal.throwIfAborted();
        // Of several servers the others are still read.
        if (this.#parts.store.servers.others.size === 0) throw error;
        problems.push(`${this.#parts.store.servers.nameOf(serverId)}: ${toAppError(error).message}`);
      }
    }
    const wanted = sections.filter(
      ({ id, enabled }) => enabled && (request.sectionId === undefined || request.sectionId === id),
    );
    if (wanted.length === 0 && request.sectionId !== undefined && problems.length === 0)
      return 'Plex has no such library, or it is switched off.';
    const totals = new Map(
      wanted.map(({ id, itemCount }) => [id, { done: 0, total: request.mode === 'full' ? itemCount : 0 }]),
    );
    for (const section of wanted) {
      report.progressed = (done, total) => {
        totals.set(section.id, { done, total });
        this.#tell(report.run, [...totals.values()]);
      };
      try {
        await this.#sections.run(section, request.mode, report, signal);
      } catch (error) {
        signal.throwIfAborted();
        problems.push(`${section.title}: ${await this.#freeze(section, error)}`);
      }
    }
    this.#tell(report.run, [...totals.values()], true);
    return problems.length > 0 ? problems.join(' ') : null;
  }

  /** Keeps what the server says about its libraries. One that it no longer lists is frozen, not removed. */
  async #takeSections(ofServer: string, listed: readonly ServerSection[]): Promise<Section[]> {
    const { store } = this.#parts;
    if (!store.servers.isKnown(ofServer)) return [];
    const rows = listed.map(({ id, serverId, title, type, locations }): Section => {
      const known = store.sections.find(id);
      const { enabled = true, frozen = null, itemCount = 0, syncedAt = null } = known ?? {};
      return { id, serverId, title, type, locations, enabled, frozen, itemCount, syncedAt };
    });
    const ids = new Set(rows.map(({ id }) => id));
    const isOfServer = ({ serverId }: Section): boolean => serverId === ofServer || store.servers.others.size === 0;
    const gone = store.sections.where(
      (section) => isOfServer(section) && !ids.has(section.id) && section.frozen === null,
    );
    await store.sections.putMany([
      ...rows,
      ...gone.map((section) => ({ ...section, frozen: 'Plex no longer lists this library.' })),
    ]);
    if (gone.length > 0) this.#parts.bus.emit('problem.changed', {});
    return rows;
  }

  async #freeze(section: Section, error: unknown): Promise<string> {
    const { store, bus, log } = this.#parts;
    const message = error instanceof Frozen ? error.message : toAppError(error).message;
    log.warn({ err: error, section: section.title }, 'A library is frozen: nothing in it is touched until it is back');
    const known = store.sections.find(section.id);
    if (known === null) return 'Its server was removed meanwhile.';
    await store.sections.put({ ...known, frozen: message });
    bus.emit('problem.changed', {});
    return message;
  }

  #tell(run: Run, parts: readonly { done: number; total: number }[], isLast = false): void {
    const done = parts.reduce((sum, part) => sum + part.done, 0);
    const total = Math.max(
      done,
      parts.reduce((sum, part) => sum + part.total, 0),
    );
    const at = performance.now();
    const isDue = isLast || at - this.#progress.toldAt >= TELL_EVERY_MS;
    this.#progress = { done, total, toldAt: isDue ? at : this.#progress.toldAt };
    if (isDue) this.#parts.bus.emit('sync.progressed', { runId: run.id, done, total });
  }

  async #readFewDetails({ touched }: SectionReport, signal: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    if (touched.length > DETAILS_AT_ONCE) return;
    const lacking = touched.filter((id) => {
      const item = store.library.find(id);
      return item !== null && needsDetails(item);
    });
    await this.#details.read(lacking, signal);
  }
}
