import type { QuarantineEntry } from '../../domain/replace/quarantine.js';
import type { Receipt } from '../../domain/replace/receipt.js';
import {
  SavingsTally,
  type Replacement,
  type Saved,
  type SavedBy,
  type SavedByJob,
} from '../../domain/replace/savings.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Log } from '../../lib/log.js';
import { RowIndex } from '../../store/row-views.js';
import type { Store } from '../../store/store.js';

/** A receipt as the ledger remembers it. */
interface Entry extends Replacement {
  /** Of the receipt. */
  id: string;
  quarantineId: string;
  /** False once the original was restored. */
  stands: boolean;
}

export interface SavingsLedgerParts {
  store: Pick<Store, 'receipts' | 'quarantine'>;
  log: Log;
}

/**
 * What replacements freed: receipts minus restores, for every page and every answer. A replacement counts until its original is
 * restored; an original that was deleted or lost does not change it. Receipts are read once, in small turns after the start or
 * when somebody asks; from then on every change of a row is taken in when it happens.
 */
export class SavingsLedger {
  readonly #parts: SavingsLedgerParts;
  readonly #tally = new SavingsTally();
  readonly #entries = new Map<string, Entry>();
  readonly #byQuarantineId = new RowIndex<Entry>(({ quarantineId }) => quarantineId, []);
  readonly #byJobId = new RowIndex<Entry>(({ jobId }) => jobId, []);
  #isComplete = false;
  #isStopped = false;
  #reading: Promise<void> = Promise.resolve();

  constructor(parts: SavingsLedgerParts) {
    this.#parts = parts;
    parts.store.receipts.follow({
      follow: (before, after) => {
        if (after) this.#take(after);
        else if (before) this.#forget(before.id);
      },
    });
    parts.store.quarantine.follow({
      follow: (before, after) => {
        const id = (after ?? before)?.id ?? '';
        for (const entry of this.#byQuarantineId.of(id))
          if (entry.stands !== stands(after)) this.#put({ ...entry, stands: stands(after) });
      },
    });
  }

  /** Begins to read the receipts, which nobody has to wait for. */
  start(): void {
    this.#isStopped = false;
    this.#reading = this.#readAll().catch((error: unknown) => {
      this.#parts.log.error(
        { err: error },
        'Receipts could not be read ahead; they are read when savings are asked for',
      );
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#reading;
  }

  /** Resolves when the receipts were read, or the reading was given up. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  total(): Saved {
    return this.#complete().total();
  }

  /** Of one preset, rule or worker. */
  of(kind: SavedBy, key: string): Saved {
    return this.#complete().of(kind, key);
  }

  /** Replaced from a moment on and before another, milliseconds since 1970. */
  between(fromMs: number, untilMs: number, within?: { kind: SavedBy; key: string }): Saved {
    return this.#complete().between(fromMs, untilMs, within);
  }

  /** By month (UTC), oldest first. */
  byMonth(): (Saved & { month: string })[] {
    return this.#complete().byMonth();
  }

  ofJob(jobId: string): SavedByJob {
    this.#complete();
    const entry = this.#byJobId.of(jobId).at(-1);
    if (!entry) return null;
    return entry.stands ? entry.beforeBytes - entry.afterBytes : 'restored';
  }

  async #readAll(): Promise<void> {
    const loopYield = new EventLoopYield();
    for (const receipt of this.#parts.store.receipts.values()) {
      if (this.#isComplete || this.#isStopped) return;
      if (!this.#entries.has(receipt.id)) this.#take(receipt);
      if (loopYield.isDue) await loopYield.pause();
    }
    this.#isComplete = true;
  }

  /** Reads at once what was not read yet: no figure may depend on when it is asked for. */
  #complete(): SavingsTally {
    if (this.#isComplete) return this.#tally;
    for (const receipt of this.#parts.store.receipts.values()) if (!this.#entries.has(receipt.id)) this.#take(receipt);
    this.#isComplete = true;
    return this.#tally;
  }

  #take({ id, jobId, presetId, ruleId, workerId, at, before, after, quarantineId }: Receipt): void {
    this.#put({
      ...{ id, jobId, presetId, ruleId, quarantineId },
      workerId: workerId ?? LOCAL_WORKER_ID,
      atMs: Date.parse(at),
      beforeBytes: before.sizeBytes,
      afterBytes: after.sizeBytes,
      stands: stands(this.#parts.store.quarantine.find(quarantineId)),
    });
  }

  #put(entry: Entry): void {
    const before = this.#entries.get(entry.id) ?? null;
    if (before?.stands) this.#tally.remove(before);
    if (entry.stands) this.#tally.add(entry);
    this.#entries.set(entry.id, entry);
    this.#byQuarantineId.follow(before, entry);
    this.#byJobId.follow(before, entry);
  }

  #forget(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    if (entry.stands) this.#tally.remove(entry);
    this.#entries.delete(id);
    this.#byQuarantineId.follow(entry, null);
    this.#byJobId.follow(entry, null);
  }
}

/** Whether a replacement with this original in quarantine still counts; it does when nothing is known of its original. */
const stands = (original: QuarantineEntry | null): boolean => original?.state !== 'restored';
