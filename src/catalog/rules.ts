import { realpath } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { AppError, invalid, notFound } from '../domain/errors.js';
import type { LibraryItem } from '../domain/library.js';
import type { Decision, Facts, RuleCall, RuleInfo, RuleRunner, Subject } from '../domain/rule.js';
import { Breather } from '../lib/breather.js';
import type { Log } from '../lib/log.js';
import { cut, type Batch } from './rules-batches.js';
import { findRuleFiles, type RuleFile } from './rules-files.js';
import type { Answer, Ask, EvaluateAnswer, LoadAnswer, ParseAnswer } from './rules-protocol.js';
import { RuleThread, ThreadEnded, type RuleLimits } from './rules-thread.js';

export interface OpenRulesOptions {
  builtInDir: string;
  userDir: string | null;
  log: Log;
  limits?: Partial<RuleLimits>;
}

const LIMITS: RuleLimits = { batchMs: 2000, loadMs: 1500, loadAllMs: 5000, memoryMb: 256 };

/** So many batches are on their way: while the caller works on one, the thread never waits for the next. */
const AHEAD = 3;

interface Entry {
  number: number;
  file: RuleFile;
  info: RuleInfo;
  /** The thread that holds it, or held it last; null when it never loaded. */
  thread: RuleThread | null;
}

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
  const { files, problem } = await findRuleFiles(options);
  if (problem !== null) options.log.warn(problem);
  const rules = new Rules(files, options);
  await rules.load();
  return rules;
}

/** The loaded rules. Their code runs in a worker thread that is watched, and replaced when a rule breaks it. */
export class Rules implements RuleRunner {
  readonly #entries: Entry[];
  readonly #options: OpenRulesOptions;
  readonly #limits: RuleLimits;
  /** The living thread, every usable rule loaded. */
  #thread: RuleThread | null = null;
  #opening: Promise<RuleThread> | null = null;
  /** Threads whose end was looked into. */
  readonly #examined = new WeakSet<RuleThread>();
  #isClosed = false;

  constructor(files: readonly RuleFile[], options: OpenRulesOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#entries = files.map((file, number) => ({ number, file, thread: null, info: unloaded(file) }));
  }

  /** Loads what was found; called once by `openRules`. */
  async load(): Promise<void> {
    await this.#living();
  }

  list(): RuleInfo[] {
    return this.#entries.map(({ info }) => info);
  }

  get(id: string): RuleInfo {
    return this.#entry(id).info;
  }

  async parseOptions(id: string, options: Record<string, unknown>): Promise<LoadAnswer['defaults']> {
    const entry = this.#entry(id);
    // New options may be the cure: a rule that failed while running gets another chance.
    if (entry.thread) await this.#revive(entry);
    const parsed = await this.#ask<ParseAnswer>(entry, { kind: 'parse', rule: entry.number, options });
    if ('options' in parsed) return parsed.options;
    throw invalid('Please check the highlighted options', parsed.fields);
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
    const broken = new Set(this.#entries.filter(({ info }) => info.problem !== null).map(({ info }) => info.id));
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
    this.#isClosed = true;
    await this.#opening?.catch(() => undefined);
    await this.#thread?.close();
  }

  #entry(id: string): Entry {
    const entry = this.#entries.find(({ info }) => info.id === id);
    if (!entry) throw notFound('rule', id);
    return entry;
  }

  async *#batches(
    subjects: Iterable<Subject>,
    calls: readonly RuleCall[],
    facts: Facts,
    reasons: boolean,
  ): AsyncGenerator<{ subjects: readonly Subject[] } & Answered> {
    const wanted = calls.map((call) => ({ ...call, entry: this.#entry(call.ruleId) }));
    const tookMs = new Map<Entry, number>();
    const ahead: { batch: Batch; result: Promise<Answered> }[] = [];
    // Answers that come while the next batch is being sent are handed out in the same turn, one after the other.
    const breather = new Breather();
    for (const batch of cut(subjects)) {
      if (breather.isDue) await breather.pause();
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
      const thread = await this.#living();
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
        const answer = await thread.ask<EvaluateAnswer>(ask, this.#limits.batchMs);
        if ('problem' in answer) throw new AppError('rule_failed', `The rules cannot run: ${answer.problem}`);
        return this.#read(answer.answer, batch, calls, tookMs);
      } catch (error) {
        this.#blame(error, thread);
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
      if (entry) this.#break(entry, problem);
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

  /** Asks one rule something; breaking the thread breaks the rule. Throws `rule_failed`. */
  async #ask<T>(entry: Entry, ask: Ask): Promise<T> {
    const thread = await this.#living();
    if (entry.info.problem !== null) throw this.#failed(entry);
    try {
      const answer = await thread.ask<T>(ask, this.#limits.batchMs);
      if ('answer' in answer) return answer.answer;
      this.#break(entry, answer.problem);
    } catch (error) {
      this.#blame(error, thread);
    }
    throw this.#failed(entry);
  }

  async #revive(entry: Entry): Promise<void> {
    if (entry.info.problem === null) return;
    const thread = await this.#living();
    entry.info = { ...entry.info, problem: null };
    if (entry.thread === thread) return;
    try {
      await this.#loadOne(thread, entry);
    } catch (error) {
      this.#blame(error, thread);
    }
  }

  #failed({ info }: Entry): AppError {
    return new AppError('rule_failed', `The rule ${info.id} cannot be used: ${info.problem ?? 'it failed'}`);
  }

  async #living(): Promise<RuleThread> {
    if (this.#isClosed) throw new AppError('unavailable', 'MediaFlow is stopping');
    if (this.#thread) return this.#thread;
    this.#opening ??= this.#openLoaded().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Opens threads until every rule that is left lets one live. */
  async #openLoaded(): Promise<RuleThread> {
    const spent = { ms: 0 };
    for (;;) {
      const thread = await this.#open();
      if (!(await this.#loadAll(thread, spent))) continue;
      this.#thread = thread;
      return thread;
    }
  }

  async #open(): Promise<RuleThread> {
    const { userDir, log } = this.#options;
    const isSource = import.meta.url.endsWith('.ts');
    try {
      return await RuleThread.open({
        places: {
          rule: new URL(isSource ? '../domain/rule.ts' : '../domain/rule.js', import.meta.url).href,
          parent: import.meta.url,
          userDir: userDir === null ? null : await folderUrl(userDir),
        },
        memoryMb: this.#limits.memoryMb,
        ruleOfStack: (stack) => this.#entries.find(({ file }) => stack.includes(file.url))?.number ?? null,
        log,
      });
    } catch (error) {
      throw new AppError('rule_failed', 'The thread for rules could not be started', { cause: error });
    }
  }

  /** False when the thread died of a rule. */
  async #loadAll(thread: RuleThread, spent: { ms: number }): Promise<boolean> {
    for (const entry of this.#entries) {
      if (entry.info.problem !== null) continue;
      const isNew = entry.file.origin === 'user' && !entry.thread;
      if (isNew && spent.ms > this.#limits.loadAllMs) {
        this.#break(entry, 'it was not loaded, because the rules before it took too long');
        continue;
      }
      const start = performance.now();
      try {
        await this.#loadOne(thread, entry);
      } catch (error) {
        this.#blame(error, thread);
        return false;
      } finally {
        if (isNew) spent.ms += performance.now() - start;
      }
    }
    return true;
  }

  async #loadOne(thread: RuleThread, entry: Entry): Promise<void> {
    // The thread itself gives up a little earlier, with a better message; the watch is for endless loops.
    const { loadMs } = this.#limits;
    const ask: Ask = { kind: 'load', rule: entry.number, url: entry.file.url, limitMs: loadMs };
    const answer: Answer<LoadAnswer> = await thread.ask<LoadAnswer>(ask, loadMs + 500);
    if ('problem' in answer) {
      this.#break(entry, answer.problem);
      return;
    }
    entry.thread = thread;
    entry.info = { ...entry.info, ...answer.answer };
  }

  #break(entry: Entry, problem: string): void {
    if (entry.info.problem !== null) return;
    entry.info = { ...entry.info, problem: problem.charAt(0).toUpperCase() + problem.slice(1) };
    this.#options.log.warn({ rule: entry.info.id, file: entry.file.file, problem }, 'A rule is left out');
  }

  /** Finds the rule that ended the thread. When nobody can tell, all of the owner's rules are left out. Throws what is no such end. */
  #blame(error: unknown, thread: RuleThread): void {
    if (!(error instanceof ThreadEnded) || this.#isClosed) throw error;
    if (this.#thread === thread) this.#thread = null;
    // Every request that was under way tells of the same end.
    if (this.#examined.has(thread)) return;
    this.#examined.add(thread);
    const guilty = error.rule === null ? undefined : this.#entries[error.rule];
    if (guilty?.info.problem === null) {
      this.#break(guilty, error.message);
      return;
    }
    const suspects = this.#entries.filter(({ file, info }) => file.origin === 'user' && info.problem === null);
    if (suspects.length === 0)
      throw new AppError('rule_failed', `The rules cannot run: ${error.message}`, { cause: error });
    for (const entry of suspects) {
      this.#break(entry, `the rules stopped working and nobody can tell by which of yours: ${error.message}`);
    }
  }
}

const folderUrl = async (dir: string): Promise<string> =>
  `${pathToFileURL(await realpath(dir).catch(() => dir)).href.replace(/\/$/, '')}/`;

const keyOf = ({ itemId, fileId, ruleId }: Decision): string => `${itemId}\n${fileId}\n${ruleId}`;

function copiesOf({ items }: Batch, facts: Facts): Map<string, readonly LibraryItem[]> {
  const copies = items.map(({ id }): [string, readonly LibraryItem[]] => [id, facts.copiesOf(id)]);
  return new Map(copies.filter(([, others]) => others.length > 0));
}

const unloaded = ({ id, origin, file, problem }: RuleFile): RuleInfo => ({
  id,
  title: id,
  docs: { what: '', why: '', whenNotToUse: '' },
  perGroup: false,
  optionsSchema: {},
  defaults: {},
  origin,
  file,
  problem,
  lastRunMs: null,
});
