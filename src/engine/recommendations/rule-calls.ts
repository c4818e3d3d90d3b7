import type { RuleCall, RuleRunner, RuleSetting } from '../../domain/rules/rule.js';
import type { Store } from '../../store/store.js';

/** A rule with the owner's setting of this moment. */
export interface SetCall extends RuleCall {
  /** Null where the owner never touched the rule. */
  setting: RuleSetting | null;
}

/** How the owner set the rules, as it is now. */
export class RuleCalls {
  readonly #store: Store;
  readonly #rules: RuleRunner;

  constructor(parts: { store: Store; rules: RuleRunner }) {
    this.#store = parts.store;
    this.#rules = parts.rules;
  }

  of(ruleId: string): SetCall {
    const setting = this.#store.rules.find(ruleId);
    return { ruleId, options: setting?.options ?? {}, setting };
  }

  modeOf(ruleId: string): RuleSetting['mode'] {
    return this.#store.rules.find(ruleId)?.mode ?? 'recommend';
  }

  /** Whether what a recommendation proposes is to be queued by itself. */
  isAutomatic(recommendationId: string): boolean {
    const row = this.#store.recommendations.find(recommendationId);
    return row !== null && this.modeOf(row.ruleId) === 'automatic';
  }

  /** The rules that are on and work. */
  ready(): SetCall[] {
    const usable = this.#rules.list().filter(({ id, problem }) => problem === null && this.modeOf(id) !== 'off');
    return usable.map(({ id }) => this.of(id));
  }

  off(): Set<string> {
    const off = this.#rules.list().filter(({ id }) => this.modeOf(id) === 'off');
    return new Set(off.map(({ id }) => id));
  }

  /**
   * Those of the rules that are still set as they were when they were called. What the others found must not be kept:
   * it came from options that the owner has changed since, and might be queued although nobody wants it any more.
   */
  stillSet(calls: readonly SetCall[]): Set<string> {
    const same = calls.filter(({ ruleId, setting }) => this.#store.rules.find(ruleId) === setting);
    return new Set(same.map(({ ruleId }) => ruleId));
  }
}
