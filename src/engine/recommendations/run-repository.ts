import type { Events } from '../../domain/events.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { addToDay, dayRunId, hasNews, type Run } from '../../domain/recommendations/run.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

/** Sums of a day go to the disk this long after the first run that changed them. */
const KEEP_AFTER_MS = 1000;

/**
 * The history of analyses. Those of a library or a section are rows of their own. A webhook or a socket starts one for
 * every title that changes, which would bury the others, so those are summed: a row for each day and trigger.
 */
export class RunRepository {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #newId: (prefix: string) => string;
  /** Sums of a day that are not on the disk yet. */
  readonly #days = new Map<string, Run>();
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: { store: Store; bus: Bus<Events>; log: Log; now: () => Date; newId: (prefix: string) => string }) {
    this.#store = parts.store;
    this.#bus = parts.bus;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#newId = parts.newId;
  }

  /** What was summed goes to the disk. */
  async stop(): Promise<void> {
    await this.#keepDays();
  }

  /** A run that begins now. */
  begin(of: Pick<Run, 'mode' | 'trigger'> & Partial<Pick<Run, 'sectionId' | 'ruleIds'>>): Run {
    return {
      id: this.#newId('run'),
      kind: 'analysis',
      sectionId: null,
      ...of,
      startedAt: this.#now().toISOString(),
      finishedAt: null,
      items: 0,
      added: 0,
      changed: 0,
      removed: 0,
      findings: 0,
      error: null,
      savesBytes: 0,
    };
  }

  /** Adds what these open recommendations promise: the largest of each file. All that there are of a file come at once. */
  promise(run: Run, openIds: readonly string[]): void {
    const best = new Map<string, number>();
    for (const id of openIds) {
      const row = this.#store.recommendations.find(id);
      if (row) best.set(fileKey(row), Math.max(best.get(fileKey(row)) ?? 0, row.savesBytes));
    }
    for (const savesBytes of best.values()) run.savesBytes = (run.savesBytes ?? 0) + Math.max(0, savesBytes);
  }

  /** Ends a run: keeps it, and tells of it when something came of it or the owner asked. */
  async finish(run: Run): Promise<Run> {
    const finishedAt = this.#now().toISOString();
    const durationMs = Math.max(0, Date.parse(finishedAt) - Date.parse(run.startedAt));
    const finished: Run = { ...run, finishedAt, durationMs };
    if (hasNews(finished) || finished.trigger === 'owner') this.#bus.emit('analysis.completed', finished);
    if (finished.mode === 'items') this.#sum(finished);
    else await this.#store.runs.put(finished);
    return finished;
  }

  #sum(run: Run): void {
    const id = dayRunId(run);
    this.#days.set(id, addToDay(this.#days.get(id) ?? this.#store.runs.find(id), run));
    this.#timer ??= setTimeout(() => void this.#keepDays(), KEEP_AFTER_MS).unref();
  }

  async #keepDays(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const rows = [...this.#days.values()];
    this.#days.clear();
    if (rows.length === 0) return;
    try {
      await this.#store.runs.putMany(rows);
    } catch (error) {
      this.#log.error({ err: error }, 'The history of analyses could not be kept');
    }
  }
}

const fileKey = ({ itemId, fileId }: Recommendation): string => `${itemId}.${fileId}`;
