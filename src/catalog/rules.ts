import { AppError, invalid } from '../domain/errors.js';
import type { LibraryItem } from '../domain/library/library.js';
import type { Decision, Facts, RuleCall, RuleInfo, RuleRunner, Subject } from '../domain/rules/rule.js';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import { refusalMessage } from '../lib/plain-refusals.js';
import { cut, type Batch } from './rules-batches.js';
import { RuleHost, type Entry, type OpenRulesOptions } from './rules-host.js';
import { RuleLoops } from './rules-loops.js';
import type { Ask, EvaluateAnswer, LoadAnswer, ParseAnswer } from './rules-protocol.js';
import { FolderWatch } from './rules-watch.js';

export type { OpenRulesOptions } from './rules-host.js';

/** So many batches are on their way: while the caller works on one, the thread never waits for the next. */
const AHEAD = 3;

type Call = RuleCall & { entry: Entry };

interface Answered {
  /** The calls whose rule works. */
  calls: Call[];
  findings: Decision[];
  /** Why there is none, by `keyOf`. */
  refusals: ReadonlyMap<string, string>;
}

/**
 * Finds and loads every rule in a worker thread. A rule that cannot be loaded is listed with its `problem`; the rest
 * work. Throws only when the built-in folder cannot be read or no thread can be started.
 */
export async function openRules(options: OpenRulesOptions): Promise<Rules> {
  const host = new RuleHost(options);
  await host.open();
  return new Rules(host, options);
}

/** The loaded rules. Their code runs in a worker thread that is watched, and replaced when a rule breaks it. */
export class Rules implements RuleRunner {
  readonly #host: RuleHost;
  readonly #loops: RuleLoops | null;
  readonly #userDir: string | null;
  #watch: FolderWatch | null = null;

  constructor(host: RuleHost, { presets, userDir }: OpenRulesOptions) {
    this.#host = host;
    this.#loops = presets ? new RuleLoops(host, presets) : null;
    this.#userDir = userDir;
  }

  list(): RuleInfo[] {
    return this.#host.list().map(({ info }) => info);
  }

  get(id: string): RuleInfo {
    return this.#host.entry(id).info;
  }

  /** Milliseconds that the thread has worked since it was opened. */
  async threadMs(): Promise<number> {
    return (await this.#host.living()).activeMs;
  }

  /**
   * From now on follows the owner's folder: rules that are added, changed or removed are exchanged within seconds, and
   * `changed` hears their ids. Ends with `close`.
   */
  watch(changed: (ids: string[]) => void, { everyMs = 3000, settleMs = 300 } = {}): void {
    if (this.#userDir === null || this.#watch) return;
    this.#watch = new FolderWatch({
      dir: this.#userDir,
      everyMs,
      settleMs,
      changed: async () => {
        const ids = await this.#host.reload();
        if (ids.length > 0) changed(ids);
      },
    });
    this.#watch.start();
  }

  async parseOptions(id: string, options: Record<string, unknown>): Promise<LoadAnswer['defaults']> {
    const entry = this.#host.entry(id);
    // New options may be the cure: a rule that failed while running gets another chance.
    await this.#host.revive(entry);
    const parsed = await this.#host.ask<ParseAnswer>(entry, { kind: 'parse', rule: entry.number, options });
    if (!('options' in parsed)) throw invalid(refusalMessage(parsed.fields), parsed.fields);
    const loop = (await this.#loops?.problemOf(entry, parsed.options)) ?? null;
    if (loop !== null) throw invalid(loop, 'preset' in parsed.options ? { preset: loop } : {});
    return parsed.options;
  }

  async evaluate(subjects: readonly Subject[], calls: readonly RuleCall[], facts: Facts): Promise<Decision[]> {
    const decisions: Decision[] = [];
    for await (const part of this.#batches(subjects, calls, facts, true)) {
      const found = new Map(part.findings.map((decision) => [keyOf(decision), decision]));
      for (const { item, file } of part.subjects) {
        for (const { entry } of part.calls) {
          const no: Decision = { itemId: item.id, fileId: file.id, ruleId: entry.info.id, finding: null };
          const whyNot = part.refusals.get(keyOf(no));
          decisions.push(found.get(keyOf(no)) ?? (whyNot === undefined ? no : { ...no, whyNot }));
        }
      }
    }
    const broken = new Set(
      this.#host
        .list()
        .filter(({ info }) => info.problem !== null)
        .map(({ info }) => info.id),
    );
    return broken.size === 0 ? decisions : decisions.filter(({ ruleId }) => !broken.has(ruleId));
  }

  async *evaluateMany(
    subjects: Iterable<Subject>,
    calls: readonly RuleCall[],
    facts: Facts,
  ): AsyncGenerator<{ subjects: readonly Subject[]; findings: Decision[]; ruleIds: string[] }> {
    for await (const part of this.#batches(subjects, calls, facts, false)) {
      const ruleIds = part.calls.map(({ ruleId }) => ruleId);
      yield { subjects: part.subjects, findings: part.findings, ruleIds };
    }
  }

  /** Ends the thread; nothing can be asked afterwards. */
  async close(): Promise<void> {
    await this.#watch?.stop();
    await this.#host.close();
  }

  async *#batches(
    subjects: Iterable<Subject>,
    calls: readonly RuleCall[],
    facts: Facts,
    reasons: boolean,
  ): AsyncGenerator<{ subjects: readonly Subject[] } & Answered> {
    const wanted = calls.map((call) => ({ ...call, entry: this.#host.entry(call.ruleId) }));
    await this.#loops?.leaveOut(wanted);
    const tookMs = new Map<Entry, number>();
    const ahead: { batch: Batch; result: Promise<Answered> }[] = [];
    // Answers that come while the next batch is being sent are handed out in the same turn, one after the other.
    const loopYield = new EventLoopYield();
    for (const batch of cut(subjects)) {
      if (loopYield.isDue) await loopYield.pause();
      const result = this.#evaluate(batch, wanted, { facts, reasons }, tookMs);
      // Awaited below, in order; a failure must not count as forgotten until then.
      result.catch(() => undefined);
      ahead.push({ batch, result });
      if (ahead.length < AHEAD) continue;
      const first = ahead.shift();
      if (first) yield { subjects: first.batch.subjects, ...(await first.result) };
    }
    for (const { batch, result } of ahead) yield { subjects: batch.subjects, ...(await result) };
    for (const [entry, ms] of tookMs) entry.info = { ...entry.info, lastRunMs: Math.round(ms * 10) / 10 };
  }

  async #evaluate(
    batch: Batch,
    wanted: readonly Call[],
    scope: { facts: Facts; reasons: boolean },
    tookMs: Map<Entry, number>,
  ): Promise<Answered> {
    const copies = copiesOf(batch, scope.facts);
    for (;;) {
      const thread = await this.#host.living();
      const calls = wanted.filter(({ entry }) => entry.info.problem === null);
      if (calls.length === 0) return { calls, findings: [], refusals: new Map() };
      const ask: Ask = {
        kind: 'evaluate',
        items: batch.items,
        picks: batch.picks,
        calls: calls.map(({ entry, options }) => ({ rule: entry.number, options })),
        facts: scope.facts.snapshot,
        copies,
        reasons: scope.reasons,
      };
      try {
        const answer = await thread.ask<EvaluateAnswer>(ask, this.#host.limits.batchMs);
        if ('problem' in answer) throw new AppError('rule_failed', `The rules cannot run: ${answer.problem}`);
        return this.#read(answer.answer, batch, calls, tookMs);
      } catch (error) {
        this.#host.blame(error, thread);
      }
    }
  }

  #read(
    { findings, refusals, ms, problems }: EvaluateAnswer,
    { subjects }: Batch,
    calls: Call[],
    tookMs: Map<Entry, number>,
  ): Answered {
    for (const [call, problem] of problems) {
      const entry = calls[call]?.entry;
      if (entry) this.#host.break(entry, problem);
    }
    calls.forEach(({ entry }, call) => tookMs.set(entry, (tookMs.get(entry) ?? 0) + (ms[call] ?? 0)));
    const decisions: Decision[] = [];
    for (const [call, pick, finding] of findings) {
      const [subject, ruleId] = [subjects[pick], calls[call]?.ruleId];
      if (!subject || ruleId === undefined) continue;
      decisions.push({ itemId: subject.item.id, fileId: subject.file.id, ruleId, finding });
    }
    const reasons = new Map<string, string>();
    for (const [call, pick, reason] of refusals) {
      const [subject, ruleId] = [subjects[pick], calls[call]?.ruleId];
      if (subject && ruleId !== undefined)
        reasons.set(keyOf({ itemId: subject.item.id, fileId: subject.file.id, ruleId, finding: null }), reason);
    }
    const usable = calls.filter(({ entry }) => entry.info.problem === null);
    return { calls: usable, findings: decisions, refusals: reasons };
  }
}

const keyOf = ({ itemId, fileId, ruleId }: Decision): string => `${itemId}\n${fileId}\n${ruleId}`;

function copiesOf({ items }: Batch, facts: Facts): Map<string, readonly LibraryItem[]> {
  const copies = items.map(({ id }): [string, readonly LibraryItem[]] => [id, facts.copiesOf(id)]);
  return new Map(copies.filter(([, others]) => others.length > 0));
}
