import { groupOf, type LiveFacts } from '../../domain/rules/facts.js';
import { resolutionOf } from '../../domain/library/media.js';
import type { Facts, RuleCall, RuleRunner, Subject } from '../../domain/rules/rule.js';
import type { Store } from '../../store/store.js';
import type { GroupVerdict } from './group-repository.js';
import { outOfReach } from './rule-scope.js';

/** Asks rules that speak for whole groups: one file of each is shown to them, and there are a few dozen groups at most. */
export class GroupAnalysis {
  readonly #store: Store;
  readonly #rules: RuleRunner;
  readonly #facts: LiveFacts;

  constructor(parts: { store: Store; rules: RuleRunner; facts: LiveFacts }) {
    this.#store = parts.store;
    this.#rules = parts.rules;
    this.#facts = parts.facts;
  }

  /** What those of the rules say that speak for groups; `ruleIds` are the ones that answered. */
  async look(calls: readonly RuleCall[], facts: Facts): Promise<{ verdicts: GroupVerdict[]; ruleIds: Set<string> }> {
    const perGroup = calls.filter(({ ruleId }) => this.#rules.get(ruleId).perGroup);
    if (perGroup.length === 0) return { verdicts: [], ruleIds: new Set() };
    const subjects = new Map(
      this.#facts.examples().flatMap(({ group, itemId }) => {
        const [subject] = this.#subjectsIn(group, itemId);
        return subject ? [[`${itemId}\n${subject.file.id}`, { subject, group }] as const] : [];
      }),
    );
    const examples = [...subjects.values()].map(({ subject }) => subject);
    const verdicts: GroupVerdict[] = [];
    for (const { itemId, fileId, ruleId, finding } of await this.#rules.evaluate(examples, perGroup, facts)) {
      const seen = subjects.get(`${itemId}\n${fileId}`);
      const [files = 0, sizeBytes = 0] = facts.snapshot.groups[seen?.group ?? ''] ?? [];
      const video = seen?.subject.file.video;
      if (!seen || !video || files === 0) continue;
      const group = { codec: video.codec, resolution: resolutionOf(video), files };
      verdicts.push({ group, sizeBytes, example: seen.subject.file, ruleId, finding });
    }
    const working = perGroup.filter(({ ruleId }) => this.#rules.get(ruleId).problem === null);
    return { verdicts, ruleIds: new Set(working.map(({ ruleId }) => ruleId)) };
  }

  /** The files of a group that could be queued now: read, there, within the rule's reach, in a library that is looked at. */
  membersOf({ codec, resolution }: { codec: string; resolution: string }, ruleId: string): Subject[] {
    const group = `${codec}/${resolution}`;
    const subjects = this.#facts.itemIdsOf(group).flatMap((id) => this.#subjectsIn(group, id));
    return subjects.filter(({ item, file }) => {
      const section = this.#store.sections.find(item.sectionId);
      const isAnalyzed = !section || (section.frozen === null && section.enabled);
      return file.detailed && isAnalyzed && outOfReach(this.#store, ruleId, item) === null;
    });
  }

  #subjectsIn(group: string, itemId: string): Subject[] {
    const item = this.#store.library.find(itemId);
    if (item?.state !== 'present') return [];
    return item.files.filter((file) => groupOf(file) === group).map((file) => ({ item, file }));
  }
}
