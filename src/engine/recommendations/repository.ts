import type { Events } from '../../domain/events.js';
import { isFinished } from '../../domain/jobs/job.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { mergeOfFile } from '../../domain/recommendations/merge.js';
import type { Decision, Subject } from '../../domain/rules/rule.js';
import type { Bus } from '../../lib/bus.js';
import { itemIdOf } from '../../store/row-keys.js';
import type { Store } from '../../store/store.js';
import { GroupRepository } from './group-repository.js';
import { RecommendationWriter } from './writer.js';
import { outOfReach } from './rule-scope.js';
import { close, isAlive, settle, type Known } from './upkeep.js';

export interface Changes {
  added: number;
  changed: number;
  closed: number;
  /** Recommendations of the files that were looked at which are open now. */
  openIds: string[];
}

/** What rules said about some files. */
interface Said {
  ruleIds: readonly string[];
  /** By the item. */
  found: ReadonlyMap<string, readonly Decision[]>;
  offRules: ReadonlySet<string>;
  /** When, as an ISO time: one text for all of them. */
  at: string;
}

/** A first look at 100,000 titles fills four dozen files of recommendations a second. */
const GATHERING_MS = 100;

const NONE: readonly Recommendation[] = [];
const SWITCHED_OFF = 'The rule was switched off.';

/** Keeps the stored recommendations true to what the rules say. */
export class RecommendationRepository {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  readonly #estimates: Known;
  readonly #now: () => Date;
  /** Recommendations about groups of files. */
  readonly groups: GroupRepository;

  constructor(parts: { store: Store; bus: Bus<Events>; now: () => Date } & Known) {
    this.#store = parts.store;
    this.#bus = parts.bus;
    this.#estimates = parts;
    this.#now = parts.now;
    this.groups = new GroupRepository(parts);
  }

  start(): void {
    this.groups.forget();
    for (const row of this.#store.recommendations.values()) if (row.group !== null) this.groups.remember(row.id);
  }

  /**
   * Notes what the rules in `ruleIds` said about these files; `offRules` are switched off. Resolves when all of it is readable;
   * `saved`, when it is on disk, which may wait a little for the next part when it `isOneOfMany`.
   */
  async apply(
    part: { subjects: readonly Subject[]; findings: readonly Decision[]; ruleIds: readonly string[] },
    offRules: ReadonlySet<string>,
    { isOneOfMany = false } = {},
  ): Promise<{ changes: Changes; saved: Promise<void> }> {
    const found = new Map<string, Decision[]>();
    for (const row of part.findings) {
      const ofItem = found.get(row.itemId);
      if (ofItem) ofItem.push(row);
      else found.set(row.itemId, [row]);
    }
    const writer = new RecommendationWriter(this.#store, this.#bus, { mayWaitMs: isOneOfMany ? GATHERING_MS : 0 });
    const changes: Changes = { added: 0, changed: 0, closed: 0, openIds: [] };
    const said = { ruleIds: part.ruleIds, found, offRules, at: this.#now().toISOString() };
    for (const subject of part.subjects) {
      for (const row of this.#settleFile(subject, said, changes)) writer.put(row);
      if (writer.isDue) await writer.pause();
    }
    return { changes, saved: writer.done() };
  }

  /** Closes what stands open for files or titles that are gone. Returns how many. */
  async closeGone(itemIds: readonly string[]): Promise<number> {
    const ids = itemIds.flatMap((id) => this.#rowsOf(id).map((row) => row.id));
    return this.#closeAll(ids, (row) => this.#whyGone(row));
  }

  /** Closes whatever nobody stands behind: its rule was switched off or is gone, or its file or title is. One pass. Returns how many. */
  async closeUnfounded(offRules: ReadonlySet<string>, isThere: (ruleId: string) => boolean): Promise<number> {
    return this.#closeAll(this.#store.recommendations.ids(), (row) => {
      if (isAlive(row) && offRules.has(row.ruleId)) return SWITCHED_OFF;
      if (isAlive(row) && !isThere(row.ruleId)) return 'The rule was removed.';
      return this.#whyGone(row);
    });
  }

  #whyGone(row: Recommendation): string | null {
    if (row.group !== null) return null;
    const item = this.#store.library.find(row.itemId);
    if (!item) return 'The title is no longer in the library.';
    return item.files.some(({ id }) => id === row.fileId) ? null : 'The file was replaced or removed.';
  }

  /** Opens what was snoozed until now. */
  async wakeSnoozed(): Promise<void> {
    const writer = new RecommendationWriter(this.#store, this.#bus);
    const at = this.#now().toISOString();
    for (const id of this.#store.recommendations.ids()) {
      const row = this.#store.recommendations.find(id);
      if (row?.state === 'snoozed' && row.snoozedUntil !== null && row.snoozedUntil <= at)
        writer.put({ ...row, state: 'open', snoozedUntil: null, changedAt: at });
      if (writer.isDue) await writer.pause();
    }
    await writer.done();
  }

  /** All recommendations of an item, so that one item never costs a pass. */
  #rowsOf(itemId: string): readonly Recommendation[] {
    return this.#store.recommendations.by(itemIdOf).of(itemId);
  }

  #settleFile(subject: Subject, { ruleIds, found, offRules, at }: Said, changes: Changes): readonly Recommendation[] {
    // Of nearly every title nothing stands and nothing is said: that must cost next to nothing, for it is asked of a whole library.
    const isUnmentioned = this.#store.recommendations.by(itemIdOf).count(subject.item.id) === 0;
    if (isUnmentioned && !found.has(subject.item.id)) return NONE;
    const item = this.#store.library.find(subject.item.id);
    const file = item?.files.find(
      ({ id, sizeBytes }) => id === subject.file.id && sizeBytes === subject.file.sizeBytes,
    );
    // Changed while the rules were thinking: whoever changed it has it looked at again.
    if (!item || !file) return NONE;
    const standing = this.#rowsOf(item.id).filter(({ fileId }) => fileId === file.id);
    const said = (found.get(item.id) ?? []).filter(({ fileId }) => fileId === file.id);
    if (standing.length === 0 && said.length === 0) return NONE;
    const rows: Recommendation[] = [];
    for (const ruleId of ruleIds) {
      const known = ofRule(standing, ruleId);
      const decision = ofRule(said, ruleId);
      if (!known && !decision) continue;
      const whyNot = outOfReach(this.#store, ruleId, item);
      const finding = whyNot === null ? (decision?.finding ?? null) : null;
      const verdict = { itemId: item.id, plays: item.plays, file, group: null, ruleId, finding, whyNot };
      const row = settle(known, verdict, this.#estimates, at);
      if (row) rows.push(row);
      if (row) changes[known ? (row.state === 'closed' ? 'closed' : 'changed') : 'added']++;
    }
    for (const row of standing) {
      if (!isAlive(row) || !offRules.has(row.ruleId)) continue;
      changes.closed++;
      rows.push(close(row, SWITCHED_OFF, at));
    }
    return this.#merge(standing, rows, { at, ruleIds, changes });
  }

  /** Makes one of what several rules say of a file, before any of it is put. `rows` go before what is `standing`. */
  #merge(
    standing: readonly Recommendation[],
    rows: Recommendation[],
    { at, ruleIds, changes }: Pick<Said, 'at' | 'ruleIds'> & { changes: Changes },
  ): Recommendation[] {
    const isNew = (row: Recommendation): boolean => !rows.some(({ id }) => id === row.id);
    const all = standing.length === 0 ? rows : [...rows, ...standing.filter(isNew)];
    const merged = mergeOfFile(all, this.#estimates.presets, at);
    const result = merged.length === 0 ? rows : replaced(rows, merged);
    for (const row of merged.length === 0 ? all : replaced(all, merged))
      if (row.state === 'open' && ruleIds.includes(row.ruleId)) changes.openIds.push(row.id);
    return result;
  }

  /** Closes every row for which there is a reason. An approved one is left to its job as long as that is open. */
  async #closeAll(ids: Iterable<string>, reasonFor: (row: Recommendation) => string | null): Promise<number> {
    const writer = new RecommendationWriter(this.#store, this.#bus);
    let closed = 0;
    for (const id of ids) {
      const row = this.#store.recommendations.find(id);
      const reason = row && this.#mayClose(row) ? reasonFor(row) : null;
      if (row && reason !== null) {
        writer.put(close(row, reason, this.#now().toISOString()));
        closed++;
      }
      if (writer.isDue) await writer.pause();
    }
    await writer.done();
    return closed;
  }

  #mayClose(row: Recommendation): boolean {
    if (row.state !== 'approved') return isAlive(row);
    const job = row.jobId === null ? null : this.#store.jobs.find(row.jobId);
    return !job || isFinished(job.state);
  }
}

/** These rows with those of the same id in place of them, and the others behind. */
function replaced(rows: readonly Recommendation[], by: readonly Recommendation[]): Recommendation[] {
  const ids = new Set(by.map(({ id }) => id));
  return [...rows.filter(({ id }) => !ids.has(id)), ...by];
}

/** Not by `find`, which needs a function of its own for each file and rule. */
function ofRule<T extends { ruleId: string }>(rows: readonly T[], ruleId: string): T | null {
  for (const row of rows) if (row.ruleId === ruleId) return row;
  return null;
}
