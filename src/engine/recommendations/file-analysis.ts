import type { LibraryItem } from '../../domain/library/library.js';
import type { Decision, Facts, RuleRunner, Subject } from '../../domain/rules/rule.js';
import type { Run } from '../../domain/recommendations/run.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Automation } from './automate.js';
import type { RecommendationRepository } from './repository.js';
import type { RuleCalls, SetCall } from './rule-calls.js';
import type { RunRepository } from './run-repository.js';
import { subjectsOf } from './subjects.js';

/** So many parts of a look are on their way to the disk while the next is decided. */
const SAVES_AHEAD = 4;

interface Parts {
  rules: RuleRunner;
  repository: RecommendationRepository;
  calls: RuleCalls;
  runs: RunRepository;
  automation: Pick<Automation, 'consider'>;
}

/** Lets rules look at files one by one, and keeps what they say. */
export class FileAnalysis {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Adds what came of it to the run. Resolves when all of it is on disk; ends early when told to. */
  async look(
    run: Run,
    items: Iterable<LibraryItem>,
    calls: readonly SetCall[],
    facts: Facts,
    signal: AbortSignal,
  ): Promise<void> {
    const { rules } = this.#parts;
    const loopYield = new EventLoopYield();
    const perFile = calls.filter(({ ruleId }) => !rules.get(ruleId).perGroup);
    const saves: Promise<void>[] = [];
    try {
      for await (const part of rules.evaluateMany(subjectsOf(items), perFile, facts)) {
        const { saved } = await this.#note(run, part, perFile, saves.length > 0);
        // Awaited later; a refusal must not count as forgotten until then.
        saved.catch(() => undefined);
        saves.push(saved);
        // The rules think on while the disk writes.
        if (saves.length > SAVES_AHEAD) await saves.shift();
        if (signal.aborted) break;
        // Answers of the thread may come quicker than they are kept; they must not take every turn.
        if (loopYield.isDue) await loopYield.pause();
      }
    } finally {
      await Promise.allSettled(saves);
    }
    await Promise.all(saves);
  }

  /** Keeps what was said about some files: readable when it resolves, on disk and in the run when `saved` does. */
  async #note(
    run: Run,
    part: { subjects: readonly Subject[]; findings: Decision[]; ruleIds: string[] },
    asked: readonly SetCall[],
    isOneOfMany: boolean,
  ): Promise<{ saved: Promise<void> }> {
    const { repository, calls } = this.#parts;
    const stillSet = calls.stillSet(asked);
    const findings = part.findings.filter(({ ruleId }) => stillSet.has(ruleId));
    const ruleIds = part.ruleIds.filter((id) => stillSet.has(id));
    const { changes, saved } = await repository.apply({ ...part, findings, ruleIds }, calls.off(), { isOneOfMany });
    const add = (): void => {
      run.items += new Set(part.subjects.map(({ item }) => item.id)).size;
      run.findings += findings.length;
      run.added += changes.added;
      run.changed += changes.changed;
      run.removed += changes.closed;
      this.#parts.runs.promise(run, changes.openIds);
      this.#parts.automation.consider(changes.openIds.filter((id) => calls.isAutomatic(id)));
    };
    return { saved: saved.then(add) };
  }
}
