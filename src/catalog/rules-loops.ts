import type { Preset } from '../domain/presets/preset.js';
import type { Entry, RuleHost } from './rules-host.js';
import type { CheckAnswer } from './rules-protocol.js';

/** A rule that thinks long is not looked through to the end. Milliseconds. */
const LOOK_MS = 500;

/** Finds rules that would propose to encode their own results again. Each pair of rule and options is looked through once. */
export class RuleLoops {
  readonly #host: RuleHost;
  readonly #presets: () => Promise<readonly Preset[]>;
  readonly #known = new WeakMap<Entry, Map<string, string | null>>();

  constructor(host: RuleHost, presets: () => Promise<readonly Preset[]>) {
    this.#host = host;
    this.#presets = presets;
  }

  /** Why the rule must not run with these options, for the owner; null when it may. Throws `rule_failed`. */
  async problemOf(entry: Entry, options: Record<string, unknown>): Promise<string | null> {
    const presets = await this.#presets();
    const known = this.#known.get(entry) ?? new Map<string, string | null>();
    this.#known.set(entry, known);
    const key = JSON.stringify([options, presets]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const ask = { kind: 'check', rule: entry.number, options, presets, limitMs: LOOK_MS } as const;
    const { loop } = await this.#host.ask<CheckAnswer>(entry, ask);
    known.set(key, loop);
    return loop;
  }

  /** Leaves out those of the calls whose rule would go round in circles. */
  async leaveOut(calls: readonly { entry: Entry; options: Record<string, unknown> }[]): Promise<void> {
    for (const { entry, options } of calls) {
      if (entry.info.problem !== null) continue;
      // A rule that fails at this has been left out by then.
      const problem = await this.problemOf(entry, options).catch(() => null);
      if (problem !== null) this.#host.break(entry, problem);
    }
  }
}
