import { realpath } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { AppError, notFound } from '../domain/errors.js';
import type { Preset } from '../domain/presets/preset.js';
import type { RuleInfo } from '../domain/rules/rule.js';
import type { Log } from '../lib/log.js';
import { findRuleFiles, type RuleFile } from './rules-files.js';
import type { Answer, Ask, LoadAnswer } from './rules-protocol.js';
import { RuleThread, ThreadEnded, type RuleLimits } from './rules-thread.js';

export interface OpenRulesOptions {
  builtInDir: string;
  userDir: string | null;
  log: Log;
  /** What proposals mean. Without it, rules are not looked through for loops. */
  presets?: () => Promise<readonly Preset[]>;
  now?: () => Date;
  limits?: Partial<RuleLimits>;
}

const LIMITS: RuleLimits = { batchMs: 2000, loadMs: 1500, loadAllMs: 5000, memoryMb: 256 };

/** A rule and what is known of it. */
export interface Entry {
  /** Never given twice: a rule whose file changed is another entry. */
  number: number;
  file: RuleFile;
  info: RuleInfo;
  /** The thread that holds it, or held it last; null when it never loaded. */
  thread: RuleThread | null;
}

/** Keeps a thread alive with every usable rule in it, finds out which rule broke it, and exchanges rules whose files changed. */
export class RuleHost {
  readonly limits: RuleLimits;
  readonly #options: OpenRulesOptions;
  readonly #now: () => Date;
  #entries: Entry[] = [];
  /** Also those whose file has changed: an old thread may still tell of them. */
  readonly #byNumber = new Map<number, Entry>();
  #thread: RuleThread | null = null;
  #opening: Promise<RuleThread> | null = null;
  /** Threads whose end was looked into. */
  readonly #examined = new WeakSet<RuleThread>();
  #isClosed = false;

  constructor(options: OpenRulesOptions) {
    this.#options = options;
    this.#now = options.now ?? ((): Date => new Date());
    this.limits = { ...LIMITS, ...options.limits };
  }

  /** Finds and loads every rule. Throws when the built-in folder cannot be read or no thread can be started. */
  async open(): Promise<void> {
    const { files, problem } = await findRuleFiles(this.#options);
    if (problem !== null) this.#options.log.warn(problem);
    this.#entries = files.map((file) => this.#newEntry(file));
    await this.living();
  }

  list(): readonly Entry[] {
    return this.#entries;
  }

  /** Throws `not_found`. */
  entry(id: string): Entry {
    const entry = this.#entries.find(({ info }) => info.id === id);
    if (!entry) throw notFound('rule', id);
    return entry;
  }

  /**
   * Loads rules whose files were added or changed, and forgets those that are gone; the ids of all of them. The rules
   * of before answer until the new ones are there. A folder that cannot be read changes nothing.
   */
  async reload(): Promise<string[]> {
    const { files, problem } = await findRuleFiles(this.#options);
    if (problem !== null) return [];
    const before = this.#entries;
    const next = files.map((file) => before.find((entry) => isSame(entry.file, file)) ?? this.#newEntry(file));
    const fresh = next.filter((entry) => !before.includes(entry));
    const gone = before.filter((entry) => !next.includes(entry));
    if (fresh.length === 0 && gone.length === 0) return [];
    const thread = await this.#openLoaded(next);
    // A thread that is just being opened has the old rules in it and would take the place of the new one.
    while (this.#opening) await this.#opening.catch(() => undefined);
    if (this.#isClosed) {
      await thread.close();
      return [];
    }
    this.#thread?.retire();
    this.#thread = thread;
    this.#entries = next;
    // Whoever still works with them leaves them out from here on.
    for (const entry of gone) entry.info = { ...entry.info, problem: 'Its file was changed or removed.' };
    const ids = new Set([...fresh, ...gone].map(({ info }) => info.id));
    this.#options.log.info({ rules: [...ids] }, 'The rules were read again');
    return [...ids];
  }

  /** Asks one rule something; breaking the thread breaks the rule. Throws `rule_failed`. */
  async ask<T>(entry: Entry, ask: Ask): Promise<T> {
    for (;;) {
      const thread = await this.living();
      if (entry.info.problem !== null) throw failed(entry);
      try {
        const answer = await thread.ask<T>(ask, this.limits.batchMs);
        if ('answer' in answer) return answer.answer;
        this.break(entry, answer.problem);
      } catch (error) {
        this.blame(error, thread);
        if (thread.isRetired) continue;
      }
      throw failed(entry);
    }
  }

  /** Gives a rule that failed while it ran another chance. */
  async revive(entry: Entry): Promise<void> {
    if (entry.info.problem === null || !entry.thread) return;
    const thread = await this.living();
    entry.info = { ...entry.info, problem: null };
    if (entry.thread === thread) return;
    try {
      await this.#loadOne(thread, entry);
    } catch (error) {
      this.blame(error, thread);
    }
  }

  /** The living thread, every usable rule loaded. Throws `unavailable` and `rule_failed`. */
  async living(): Promise<RuleThread> {
    if (this.#isClosed) throw new AppError('unavailable', 'MediaFlow is stopping');
    if (this.#thread) return this.#thread;
    this.#opening ??= this.#openLoaded(this.#entries)
      .then((thread) => (this.#thread = thread))
      .finally(() => {
        this.#opening = null;
      });
    return this.#opening;
  }

  /** Leaves a rule out, and says why on its page. */
  break(entry: Entry, problem: string): void {
    if (entry.info.problem !== null) return;
    const message = problem.charAt(0).toUpperCase() + problem.slice(1);
    const lastFailure = { message, at: this.#now().toISOString() };
    entry.info = { ...entry.info, problem: message, failures: entry.info.failures + 1, lastFailure };
    this.#options.log.warn({ rule: entry.info.id, file: entry.file.file, problem }, 'A rule is left out');
  }

  /**
   * Finds the rule that ended the thread. When nobody can tell, all of the owner's rules are left out. Throws what is no
   * such end.
   */
  blame(error: unknown, thread: RuleThread, entries: readonly Entry[] = this.#entries): void {
    if (!(error instanceof ThreadEnded) || this.#isClosed) throw error;
    if (thread.isRetired) return;
    if (this.#thread === thread) this.#thread = null;
    // Every request that was under way tells of the same end.
    if (this.#examined.has(thread)) return;
    this.#examined.add(thread);
    const guilty = error.rule === null ? undefined : this.#byNumber.get(error.rule);
    if (guilty?.info.problem === null) {
      this.break(guilty, error.message);
      return;
    }
    const suspects = entries.filter(({ file, info }) => file.origin === 'user' && info.problem === null);
    if (suspects.length === 0)
      throw new AppError('rule_failed', `The rules cannot run: ${error.message}`, { cause: error });
    for (const entry of suspects) {
      this.break(entry, `the rules stopped working and nobody can tell by which of yours: ${error.message}`);
    }
  }

  /** Ends the thread; nothing can be asked afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => undefined);
    await this.#thread?.close();
  }

  #newEntry(file: RuleFile): Entry {
    const before = this.#entries.find(({ info }) => info.id === file.id)?.info;
    const history = before ? { failures: before.failures, lastFailure: before.lastFailure } : {};
    const entry = { number: this.#byNumber.size, file, thread: null, info: { ...unloaded(file), ...history } };
    this.#byNumber.set(entry.number, entry);
    return entry;
  }

  /** Opens threads until every rule that is left lets one live. */
  async #openLoaded(entries: readonly Entry[]): Promise<RuleThread> {
    const spent = { ms: 0 };
    for (;;) {
      const thread = await this.#openThread();
      if (await this.#loadAll(thread, entries, spent)) return thread;
    }
  }

  async #openThread(): Promise<RuleThread> {
    const { userDir, log } = this.#options;
    const isSource = import.meta.url.endsWith('.ts');
    try {
      return await RuleThread.open({
        places: {
          rule: new URL(isSource ? '../domain/rules/rule.ts' : '../domain/rules/rule.js', import.meta.url).href,
          parent: import.meta.url,
          userDir: userDir === null ? null : await folderUrl(userDir),
        },
        memoryMb: this.limits.memoryMb,
        ruleOfStack: (stack) => this.#ruleOfStack(stack),
        log,
      });
    } catch (error) {
      throw new AppError('rule_failed', 'The thread for rules could not be started', { cause: error });
    }
  }

  /** The newest entry of the file that a stack trace names. */
  #ruleOfStack(stack: string): number | null {
    const named = [...this.#byNumber.values()].filter(({ file }) => stack.includes(file.url));
    return named.at(-1)?.number ?? null;
  }

  /** False when the thread died of a rule. */
  async #loadAll(thread: RuleThread, entries: readonly Entry[], spent: { ms: number }): Promise<boolean> {
    for (const entry of entries) {
      if (entry.info.problem !== null) continue;
      const isNew = entry.file.origin === 'user' && !entry.thread;
      if (isNew && spent.ms > this.limits.loadAllMs) {
        this.break(entry, 'it was not loaded, because the rules before it took too long');
        continue;
      }
      const start = performance.now();
      try {
        await this.#loadOne(thread, entry);
      } catch (error) {
        this.blame(error, thread, entries);
        return false;
      } finally {
        if (isNew) spent.ms += performance.now() - start;
      }
    }
    return true;
  }

  async #loadOne(thread: RuleThread, entry: Entry): Promise<void> {
    // The thread itself gives up a little earlier, with a better message; the watch is for endless loops.
    const { loadMs } = this.limits;
    const ask: Ask = { kind: 'load', rule: entry.number, url: entry.file.url, limitMs: loadMs };
    const answer: Answer<LoadAnswer> = await thread.ask<LoadAnswer>(ask, loadMs + 500);
    if ('problem' in answer) {
      this.break(entry, answer.problem);
      return;
    }
    entry.thread = thread;
    entry.info = { ...entry.info, ...answer.answer };
  }
}

const isSame = (one: RuleFile, other: RuleFile): boolean =>
  one.id === other.id && one.file === other.file && one.stamp === other.stamp && one.problem === other.problem;

const failed = ({ info }: Entry): AppError =>
  new AppError('rule_failed', `The rule ${info.id} cannot be used: ${info.problem ?? 'it failed'}`);

const folderUrl = async (dir: string): Promise<string> =>
  `${pathToFileURL(await realpath(dir).catch(() => dir)).href.replace(/\/$/, '')}/`;

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
  failures: 0,
  lastFailure: null,
});
