import { AppError, conflict, toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { LiveFacts } from '../../domain/rules/facts.js';
import type { Learned } from '../../domain/recommendations/learned-savings.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { Presets } from '../../domain/presets/presets.js';
import type { Decision, Facts, RuleRunner } from '../../domain/rules/rule.js';
import type { RuleTrial, Subject } from '../../domain/rules/rule.js';
import type { Run } from '../../domain/recommendations/run.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import type { Automation } from './automate.js';
import { ChangedRules } from './changed-rules.js';
import { FileAnalysis } from './file-analysis.js';
import { GroupAnalysis } from './group-analysis.js';
import { RecommendationRepository } from './repository.js';
import { RuleCalls, type SetCall } from './rule-calls.js';
import { RunRepository } from './run-repository.js';
import { MissedAnalyses } from './missed-analyses.js';
import { keyOf, subjectsOf, toSample } from './subjects.js';
import { outOfReach } from './rule-scope.js';
import { savingOf } from './upkeep.js';

export interface AnalyzerParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  newId: (prefix: string) => string;
  rules: RuleRunner;
  presets: Presets;
  /** What finished jobs taught; `settled` resolves when they were counted. Without it, nothing was learned yet. */
  learned?: Learned & { settled(): Promise<void> };
  automation: Pick<Automation, 'consider' | 'considerGroup' | 'stop'>;
}

const WAKE_EVERY_MS = 5 * 60_000;
const SAMPLES = 20;

/** Lets the rules look at the library and keeps what they find. Knows the facts of the whole library, up to the last item. */
export class Analyzer {
  readonly #parts: AnalyzerParts;
  readonly #facts: LiveFacts;
  readonly #repository: RecommendationRepository;
  readonly #files: FileAnalysis;
  readonly #groups: GroupAnalysis;
  readonly #calls: RuleCalls;
  readonly #runs: RunRepository;
  readonly #missed: MissedAnalyses;
  /** With which the library is looked at again once that is possible. */
  readonly #changed: ChangedRules;
  #library: Promise<Run> | null = null;
  #counting: Promise<void> = Promise.resolve();
  #abort = new AbortController();
  #listening: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: AnalyzerParts) {
    this.#parts = parts;
    this.#facts = new LiveFacts((id) => parts.store.library.find(id));
    this.#repository = new RecommendationRepository(parts);
    this.#groups = new GroupAnalysis({ ...parts, facts: this.#facts });
    this.#calls = new RuleCalls(parts);
    this.#runs = new RunRepository(parts);
    this.#files = new FileAnalysis({ ...parts, repository: this.#repository, calls: this.#calls, runs: this.#runs });
    this.#missed = new MissedAnalyses(parts);
    this.#changed = new ChangedRules(this.#missed);
  }

  /** Begins to count the library, which nobody has to wait for; from then on it follows `library.changed`. */
  async start(): Promise<void> {
    const { bus, log } = this.#parts;
    this.#abort = new AbortController();
    this.#listening = [
      bus.on('library.changed', ({ itemIds }) => {
        this.#count(itemIds);
      }),
      bus.on('rule.changed', ({ ids }) => this.#followRules(ids)),
    ];
    this.#repository.start();
    this.#counting = this.#countAll();
    await this.#repository.wakeSnoozed();
    this.#timer = setInterval(() => {
      this.#repository.wakeSnoozed().catch((error: unknown) => {
        log.warn({ err: error }, 'Snoozed recommendations could not be woken');
      });
    }, WAKE_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (const off of this.#listening.splice(0)) off();
    if (this.#timer) clearInterval(this.#timer);
    this.#changed.take();
    await this.#counting;
    await this.#library?.catch(() => undefined);
    await this.#parts.automation.stop();
    await this.#runs.stop();
  }

  /** Resolves when the library was counted. */
  async settled(): Promise<void> {
    await this.#counting;
  }

  /** Whether the rules look at the whole library now. */
  get isLooking(): boolean {
    return this.#library !== null;
  }

  /** Whether titles were taken in at which no rule has looked. */
  get hasMissed(): boolean {
    return this.#missed.any;
  }

  /** See `MissedLooks.begin`. */
  willAnalyze(): Promise<(isAnalyzed: boolean) => void> {
    return this.#missed.begin();
  }

  /** Runs the rules over these items and keeps what they say. Throws `rule_failed` when no rule can run. */
  async items(itemIds: string[], trigger: Run['trigger']): Promise<Run> {
    const { store } = this.#parts;
    this.#count(itemIds);
    const items = itemIds.map((id) => store.library.find(id)).filter((item) => item !== null);
    const run = this.#runs.begin({ mode: 'items', trigger });
    await this.#files.look(run, items, this.#calls.ready(), await this.#wholeFacts(), this.#abort.signal);
    await this.#analyzeGroups(run, this.#calls.ready());
    run.removed += await this.#repository.closeGone(itemIds);
    return this.#runs.finish(run);
  }

  /** Runs the rules over everything, or over one library of Plex. Throws `conflict` while one is running, `not_found`. */
  async library(trigger: Run['trigger'], sectionId: string | null = null): Promise<Run> {
    if (this.#library) throw conflict('The library is being analyzed already');
    if (sectionId !== null) this.#parts.store.sections.get(sectionId);
    const look = (): Promise<Run> =>
      this.#startLibrary(this.#runs.begin({ mode: 'full', trigger, sectionId }), this.#calls.ready());
    return sectionId === null ? this.#missed.makeUp(look) : look();
  }

  /** What every rule that works says about one item, those that are off included. Throws `not_found`. */
  async decide(itemId: string): Promise<Decision[]> {
    const { store, rules } = this.#parts;
    const item = store.library.get(itemId);
    const usable = rules.list().filter(({ problem }) => problem === null);
    const decisions = await rules.evaluate(
      [...subjectsOf([item])],
      usable.map(({ id }) => this.#calls.of(id)),
      await this.#wholeFacts(),
    );
    return decisions.map((decision) => {
      const whyNot = outOfReach(store, decision.ruleId, item);
      return whyNot === null ? decision : { ...decision, finding: null, whyNot };
    });
  }

  /** See `GroupLook.membersOf`. */
  membersOf(group: { codec: string; resolution: string }, ruleId: string): Subject[] {
    return this.#groups.membersOf(group, ruleId);
  }

  /** Throws `not_found`, `invalid` for options that do not fit, and `rule_failed`. */
  async try(request: { ruleId: string; options?: Record<string, unknown>; itemId?: string }): Promise<RuleTrial> {
    const { store, rules } = this.#parts;
    const { ruleId, itemId } = request;
    const call = this.#calls.of(rules.get(ruleId).id);
    if (request.options) call.options = await rules.parseOptions(ruleId, { ...call.options, ...request.options });
    const items = itemId === undefined ? store.library.values() : [store.library.get(itemId)];
    const result: RuleTrial = { matches: 0, looked: 0, savesBytes: 0, samples: [] };
    for await (const part of rules.evaluateMany(subjectsOf(items), [call], await this.#wholeFacts())) {
      result.looked += part.subjects.length;
      const subjects = new Map(part.subjects.map((subject) => [keyOf(subject.item.id, subject.file.id), subject]));
      for (const decision of part.findings) {
        const subject = subjects.get(keyOf(decision.itemId, decision.fileId));
        if (!subject || !decision.finding || outOfReach(store, ruleId, subject.item) !== null) continue;
        result.matches++;
        const { savesBytes } = savingOf(subject.file, decision.finding, this.#parts);
        result.savesBytes += savesBytes;
        if (result.samples.length < SAMPLES) result.samples.push(toSample(subject, decision.finding, savesBytes));
      }
    }
    const { problem } = rules.get(ruleId);
    if (problem !== null) throw new AppError('rule_failed', `The rule ${ruleId} cannot be used: ${problem}`);
    return result;
  }

  async #countAll(): Promise<void> {
    const { signal } = this.#abort;
    await this.#parts.store.library.each((item) => {
      this.#facts.set(item.id, item);
      return !signal.aborted;
    });
  }

  /** Facts about the whole library as it is now. */
  async #wholeFacts(): Promise<Facts> {
    await this.#counting;
    await this.#parts.learned?.settled();
    return { snapshot: this.#facts.snapshot(), copiesOf: (itemId) => this.#facts.copiesOf(itemId) };
  }

  #count(itemIds: readonly string[]): void {
    for (const id of itemIds) this.#facts.set(id, this.#parts.store.library.find(id));
  }

  #startLibrary(run: Run, calls: SetCall[]): Promise<Run> {
    const letRest = this.#parts.store.library.keepAwake();
    this.#library = this.#runLibrary(run, calls).finally(() => {
      this.#library = null;
      letRest();
      this.#rerunChanged();
    });
    return this.#library;
  }

  async #runLibrary(run: Run, calls: SetCall[]): Promise<Run> {
    const { store, log } = this.#parts;
    const { sectionId } = run;
    try {
      await this.#repository.wakeSnoozed();
      const items = sectionId === null ? store.library.values() : this.#itemsOf(sectionId);
      await this.#files.look(run, items, calls, await this.#wholeFacts(), this.#abort.signal);
      await this.#analyzeGroups(run, calls);
      run.removed += await this.#repository.closeUnfounded(this.#calls.off(), (id) => this.#isThere(id));
    } catch (error) {
      run.error = toAppError(error).message;
      log.error({ err: error }, 'The analysis of the library ended early');
    }
    if (this.#abort.signal.aborted) run.error ??= 'MediaFlow was stopped meanwhile.';
    return this.#runs.finish(run);
  }

  /** Those of one library of Plex. */
  *#itemsOf(sectionId: string): Generator<LibraryItem, undefined> {
    for (const item of this.#parts.store.library.values()) if (item.sectionId === sectionId) yield item;
  }

  async #analyzeGroups(run: Run, calls: readonly SetCall[]): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const { store, automation } = this.#parts;
    const said = await this.#groups.look(calls, await this.#wholeFacts());
    const stillSet = this.#calls.stillSet(calls);
    const verdicts = said.verdicts.filter(({ ruleId }) => stillSet.has(ruleId));
    const ruleIds = new Set([...said.ruleIds].filter((id) => stillSet.has(id)));
    const changes = await this.#repository.groups.apply(verdicts, ruleIds);
    run.findings += verdicts.filter(({ finding }) => finding !== null).length;
    run.added += changes.added;
    run.changed += changes.changed;
    run.removed += changes.closed;
    for (const id of changes.openIds) {
      const row = store.recommendations.find(id);
      if (row?.group && this.#calls.isAutomatic(id))
        automation.considerGroup(id, this.membersOf(row.group, row.ruleId));
    }
  }

  /** A rule that was switched off takes its findings along; one that was changed looks at the library again. */
  async #followRules(ids: readonly string[]): Promise<void> {
    const off = ids.filter((id) => this.#calls.modeOf(id) === 'off');
    this.#changed.add(ids.filter((id) => !off.includes(id)));
    if (off.length > 0 || ids.some((id) => !this.#isThere(id)))
      await this.#repository.closeUnfounded(new Set(off), (id) => this.#isThere(id));
    this.#rerunChanged();
  }

  #isThere(ruleId: string): boolean {
    return this.#parts.rules.list().some(({ id }) => id === ruleId);
  }

  #rerunChanged(): void {
    if (this.#library || this.#changed.isEmpty || this.#abort.signal.aborted) return;
    const { ids, over } = this.#changed.take();
    const calls = this.#calls.ready().filter(({ ruleId }) => ids.has(ruleId));
    const run = this.#runs.begin({ mode: 'full', trigger: 'owner', ruleIds: calls.map(({ ruleId }) => ruleId) });
    const looked = calls.length === 0 ? Promise.resolve(run) : this.#startLibrary(run, calls);
    looked
      .then(({ error }) => over(error === null))
      .catch((error: unknown) => {
        this.#parts.log.error({ err: error }, 'The library could not be analyzed again after a rule was changed');
        return over(false);
      });
  }
}
