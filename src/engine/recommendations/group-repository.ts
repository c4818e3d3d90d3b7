import type { Events } from '../../domain/events.js';
import { isFinished } from '../../domain/jobs/job.js';
import type { MediaFile } from '../../domain/library/media.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import type { Finding } from '../../domain/rules/rule.js';
import type { Bus } from '../../lib/bus.js';
import { recommendationIdOf } from '../../store/row-keys.js';
import type { Store } from '../../store/store.js';
import { RecommendationWriter } from './writer.js';
import { close, groupRecommendationId, isWaiting, settle, type Known, type Verdict } from './upkeep.js';

/** What a rule said about all files of one codec and resolution. */
export interface GroupVerdict {
  group: NonNullable<Recommendation['group']>;
  sizeBytes: number;
  /** One of them, for what they have in common. */
  example: MediaFile;
  ruleId: string;
  finding: Finding | null;
}

/** Keeps the recommendations about groups of files true to what the rules say: one row a group, whoever is in it. */
export class GroupRepository {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  readonly #estimates: Known;
  readonly #now: () => Date;
  readonly #ids = new Set<string>();

  constructor(parts: { store: Store; bus: Bus<Events>; now: () => Date } & Known) {
    this.#store = parts.store;
    this.#bus = parts.bus;
    this.#estimates = parts;
    this.#now = parts.now;
  }

  remember(id: string): void {
    this.#ids.add(id);
  }

  forget(): void {
    this.#ids.clear();
  }

  /** Notes what the rules in `ruleIds` said about every group there is; a group that is gone is closed. */
  async apply(
    verdicts: readonly GroupVerdict[],
    ruleIds: ReadonlySet<string>,
  ): Promise<{ added: number; changed: number; closed: number; openIds: string[] }> {
    const writer = new RecommendationWriter(this.#store, this.#bus);
    const at = this.#now().toISOString();
    const changes = { added: 0, changed: 0, closed: 0, openIds: [] as string[] };
    const told = new Map(verdicts.map((verdict) => [groupRecommendationId(verdict.group, verdict.ruleId), verdict]));
    for (const id of new Set([...told.keys(), ...this.#ids])) {
      const known = this.#store.recommendations.find(id);
      const verdict = told.get(id);
      if (!verdict && (!known || !ruleIds.has(known.ruleId))) continue;
      const row = this.#settle(known, verdict, at);
      if ((row ?? known)?.state === 'open') changes.openIds.push(id);
      if (row === null) continue;
      this.#ids.add(id);
      changes[known ? (row.state === 'closed' ? 'closed' : 'changed') : 'added']++;
      writer.put(row);
    }
    await writer.done();
    return changes;
  }

  #settle(known: Recommendation | null, verdict: GroupVerdict | undefined, at: string): Recommendation | null {
    // Once none of its jobs waits any more, what is left of the group may be proposed again.
    const hasEnded = known?.state === 'approved' && !this.#hasOpenJobs(known.id);
    const now = known && hasEnded ? close(known, 'Its jobs have ended.', at) : known;
    const row = verdict
      ? settle(now, toVerdict(verdict), this.#estimates, at)
      : now && isWaiting(now)
        ? close(now, 'There are no such files any more.', at)
        : null;
    return row ?? (hasEnded ? now : null);
  }

  #hasOpenJobs(id: string): boolean {
    const { jobs } = this.#store;
    return jobs
      .by(recommendationIdOf)
      .of(id)
      .some(({ state }) => !isFinished(state));
  }
}

/** The files together as one: what their bit rates are is not told of one of them. */
function toVerdict({ group, sizeBytes, example, ruleId, finding }: GroupVerdict): Verdict {
  const video = example.video && { ...example.video, bitrateKbps: null };
  return { itemId: '', plays: 0, file: { ...example, sizeBytes, bitrateKbps: null, video }, group, ruleId, finding };
}
