import { AppError, conflict, notFound, toAppError } from '../domain/errors.js';
import {
  keepsName,
  type Placed,
  type SwapPhase,
  type SwapPlan,
  type SwapProblem,
  type SwapRecord,
} from '../domain/replace/swap.js';
import { Gate } from '../lib/gate.js';
import { isOccupied } from './fingerprint.js';
import { SwapJournal } from './journal.js';
import { checkBeforePlace, completePlace, place } from './swap-place.js';
import { retire } from './swap-retire.js';
import { SwapRun, type OnStep } from './swap-run.js';
import { undo } from './swap-undo.js';

/** A swap at rest. */
export interface SettledSwap {
  plan: SwapPlan;
  state: 'undone' | 'placed' | 'retired';
  placed: Placed | null;
}

/**
 * Exchanges an original against a verified new file, and back. The only code that touches an original.
 *
 * Every change is written down before it happens, and what a crash leaves half done is decided by looking at the disk:
 * the name never stands empty, and the old file is deleted only after the new one and the kept original were seen.
 * A swap goes place -> retire -> finish, or place -> undo -> finish.
 */
export class Swapper {
  readonly #journal: SwapJournal;
  readonly #onStep: OnStep;
  readonly #opening = new Gate(1);
  readonly #lastById = new Map<string, Promise<void>>();
  readonly #stuckById = new Map<string, string>();

  constructor({ journalDir, onStep }: { journalDir: string; onStep?: OnStep }) {
    this.#journal = new SwapJournal(journalDir);
    this.#onStep = onStep ?? (() => undefined);
  }

  /**
   * Puts the new file at `targetPath`. With the same name the old file is then only in its stored place; with a new name
   * both stand side by side until `retire`. When it throws, everything is as before and nothing is remembered.
   *
   * Throws `file_changed`, `file_missing`, `file_linked`, `file_exists`, `file_denied`, `file_in_use`, `no_space`,
   * `verify_failed` (the new file is not the verified one), `conflict`, `invalid`, or the signal's reason.
   */
  async place(plan: SwapPlan, signal?: AbortSignal): Promise<Placed> {
    return this.#inLine(plan.id, async () => {
      const record = newRecord(plan);
      const run = new SwapRun(record, this.#journal, this.#onStep, signal);
      await this.#refuseWhileOpen(plan.id);
      signal?.throwIfAborted();
      await run.step('check', () => checkBeforePlace(run));
      await this.#open(run);
      try {
        await place(run);
      } catch (error) {
        await this.#goBack(run.record, error);
        throw error;
      }
      if (!run.record.placed) throw new Error('placed without a result');
      return run.record.placed;
    });
  }

  /** Takes the old file away when the new one has another name, and what was kept for a way back. Safe to call twice. Throws `file_changed`, `conflict`, `not_found`; then nothing was deleted. */
  async retire(id: string): Promise<void> {
    await this.#inLine(id, async () => {
      const record = await this.#need(id);
      if (!['placed', 'retiring', 'retired'].includes(record.phase)) throw notNow(record);
      await retire(this.#run(record));
    });
  }

  /** Forgets a swap that is retired or undone, or placed under the same name. Safe to call twice. Throws `conflict` for any other. */
  async finish(id: string): Promise<void> {
    await this.#inLine(id, async () => {
      const record = await this.#journal.read(id);
      if (!record) return;
      const needsNoMore = record.phase === 'placed' && keepsName(record.plan);
      if (needsNoMore || record.phase === 'retiring') await retire(this.#run(record));
      else if (!['retired', 'undone'].includes(record.phase)) throw notNow(record);
      await this.#journal.remove(id);
    });
  }

  /** The old file stands at its path again, the new one is back at `outputPath`. Safe to call twice. Throws `conflict` once `retire` has begun, or when the files are not where they should be. */
  async undo(id: string): Promise<void> {
    await this.#inLine(id, async () => {
      const record = await this.#need(id);
      if (['retiring', 'retired'].includes(record.phase)) throw notNow(record);
      await undo(this.#run(record));
    });
  }

  /** Every swap that is written down, in order of id. */
  async pending(): Promise<{ plan: SwapPlan; phase: SwapPhase; placed: Placed | null }[]> {
    return (await this.#records()).map(({ plan, phase, placed }) => ({ plan, phase, placed }));
  }

  /**
   * Brings every swap that was broken off to rest. One whose files cannot be found (a disk that is not mounted) or whose
   * note is damaged stays as it is, is missing in the answer and named by `problems()`; the next call tries again.
   */
  async recover(): Promise<SettledSwap[]> {
    const settled: SettledSwap[] = [];
    for (const id of await this.#journal.ids()) {
      try {
        const swap = await this.settle(id);
        if (swap !== null) settled.push(swap);
      } catch (error) {
        const { code, message } = toAppError(error);
        // A damaged note was set aside, where `problems` finds it.
        if (code !== 'damaged') this.#stuckById.set(id, message);
      }
    }
    return settled;
  }

  /** The same for one swap; null when none is written down. Throws when its files cannot be found. */
  async settle(id: string): Promise<SettledSwap | null> {
    return this.#inLine(id, async () => {
      const record = await this.#journal.read(id);
      if (!record) return null;
      const run = this.#run(record);
      const settled = await settle(run);
      const left = run.record.phase === 'undone' ? await leftOf(run) : null;
      if (left === null) this.#stuckById.delete(id);
      else this.#stuckById.set(id, left);
      return settled;
    });
  }

  /** What `recover` could not bring to rest, for the owner. */
  async problems(): Promise<SwapProblem[]> {
    const stuck = [...this.#stuckById].map(([id, message]) => ({ id, message }));
    return [...stuck, ...(await this.#journal.damaged())];
  }

  /** Writes the first record; from here on no other swap may have any of its paths. */
  async #open(run: SwapRun): Promise<void> {
    await this.#opening.run(async () => {
      for (const other of await this.#records()) {
        const isOpen = other.plan.id !== run.plan.id && !['retired', 'undone'].includes(other.phase);
        if (isOpen && pathsOf(other.plan).some((path) => pathsOf(run.plan).includes(path))) {
          throw conflict(`${run.plan.targetPath} is being exchanged by another job. Try again when it is done.`);
        }
      }
      await run.enter('staging');
    });
  }

  /** After a failed `place`: everything as before. A way back that fails too leaves the note, so that `recover` can go on. */
  async #goBack(record: SwapRecord, cause: unknown): Promise<void> {
    const { id } = record.plan;
    const run = this.#run(record);
    try {
      await undo(run);
      await this.#journal.remove(id);
    } catch (error) {
      const why = toAppError(error).message;
      this.#stuckById.set(id, why);
      throw because(cause, `Undoing it failed too and is tried again at the next start: ${why}`, error);
    }
    const left = await leftOf(run);
    if (left !== null) throw because(cause, left, cause);
  }

  async #refuseWhileOpen(id: string): Promise<void> {
    const before = await this.#journal.read(id);
    if (before && before.phase !== 'undone') throw notNow(before);
  }

  async #need(id: string): Promise<SwapRecord> {
    const record = await this.#journal.read(id);
    if (!record) throw notFound('file swap', id);
    return record;
  }

  async #records(): Promise<SwapRecord[]> {
    const records: SwapRecord[] = [];
    for (const id of await this.#journal.ids()) {
      try {
        const record = await this.#journal.read(id);
        if (record) records.push(record);
      } catch (error) {
        // Set aside just now; `problems` names it.
        if (toAppError(error).code !== 'damaged') throw error;
      }
    }
    return records;
  }

  #run(record: SwapRecord): SwapRun {
    return new SwapRun(record, this.#journal, this.#onStep);
  }

  /** One thing at a time for one swap. */
  async #inLine<T>(id: string, task: () => Promise<T>): Promise<T> {
    const before = this.#lastById.get(id) ?? Promise.resolve();
    const mine = before.then(task);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#lastById.set(id, settled);
    try {
      return await mine;
    } finally {
      if (this.#lastById.get(id) === settled) this.#lastById.delete(id);
    }
  }
}

/** Brings one record to rest, whatever point it was broken off at. */
async function settle(run: SwapRun): Promise<SettledSwap> {
  if (run.record.phase === 'retiring') await retire(run);
  if (run.record.phase === 'placing' && (await hasNewName(run))) await completePlace(run);
  if (!['undone', 'placed', 'retired'].includes(run.record.phase)) await undo(run);
  const { plan, phase, placed } = run.record;
  return { plan, state: phase === 'placed' || phase === 'retired' ? phase : 'undone', placed };
}

/** Whether the new file has the target's name already. */
const hasNewName = (run: SwapRun): Promise<boolean> => run.holdsOutput(run.plan.targetPath);

/** What an undone swap leaves behind on purpose: the old file, when somebody else took its place meanwhile. */
async function leftOf({ record, kept }: SwapRun): Promise<string | null> {
  if (!record.isSuperseded || kept === null || !(await isOccupied(kept))) return null;
  return `The file that stood at ${record.plan.sourcePath} before is at ${kept}. Delete it there if you do not want it.`;
}

function because(cause: unknown, more: string, inner: unknown): AppError {
  const { code, message } = toAppError(cause);
  return new AppError(code, `${message} ${more}`, { cause: inner });
}

const newRecord = (plan: SwapPlan): SwapRecord => ({
  version: 1,
  plan,
  phase: 'staging',
  mayBeKept: false,
  mayStand: false,
  isSuperseded: false,
  sourceSha256: null,
  stagedFingerprint: null,
  notKept: [],
  placed: null,
});

const pathsOf = (plan: SwapPlan): string[] =>
  [plan.sourcePath, plan.targetPath, plan.outputPath, plan.storedPath].filter((path) => path !== null);

const notNow = ({ plan, phase }: SwapRecord): AppError =>
  conflict(`The swap of ${plan.sourcePath} is ${phase}; this cannot be done now.`);
