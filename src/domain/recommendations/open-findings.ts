import { addWork, shareOfWork, workKey, type Work } from './encode-time.js';
import type { Recommendation } from './recommendation.js';
import type { Severity } from '../rules/rule.js';

/** An open recommendation, and what it needs to be added up. */
export interface OpenFinding {
  row: Recommendation;
  /** `<codec>/<resolution>` of its file; null when that is unknown. */
  group: string | null;
  /** What carrying it out takes; null when nothing would be encoded or copied. */
  work: Work | null;
}

export interface FindingSum {
  findings: number;
  savesBytes: number;
}

/** Everything that is open, added up. A file counts once, with the largest saving that any rule promises for it. */
export interface OpenSums {
  /** Recommendations. */
  findings: number;
  /** Files that they name one by one. */
  files: number;
  savesBytes: number;
  lowBytes: number;
  highBytes: number;
  /** How many of those that promise something rest on finished jobs. */
  learned: number;
  promising: number;
  work: readonly Work[];
  /** Also what is merged into another: each rule with all that it found. */
  byRule: ReadonlyMap<string, FindingSum>;
  bySeverity: ReadonlyMap<Severity, FindingSum>;
}

/** Keeps the sums of all open recommendations as they come, change and go; one of them costs microseconds. */
export class OpenFindings {
  readonly #byId = new Map<string, OpenFinding>();
  /** Those that another one stands for: they count for their rule, and for nothing else. */
  readonly #merged = new Map<string, OpenFinding>();
  readonly #byFile = new Map<string, OpenFinding[]>();
  /** Recommendations about groups of files; a few dozen at most. */
  readonly #groups = new Map<string, OpenFinding>();
  readonly #byRule = new Map<string, FindingSum>();
  readonly #bySeverity = new Map<Severity, FindingSum>();
  readonly #savesIn = new Map<string, number>();
  readonly #work = new Map<string, Work>();
  readonly #of = { savesBytes: 0, lowBytes: 0, highBytes: 0, learned: 0, promising: 0 };

  /** Takes in a recommendation as it is now; null when neither it nor the one that it is merged into is open. */
  set(id: string, finding: OpenFinding | null): void {
    const before = this.#byId.get(id);
    if (before) this.#remove(id, before);
    const merged = this.#merged.get(id);
    if (merged && this.#merged.delete(id)) this.#countOne(this.#byRule, merged.row.ruleId, merged, -1);
    if (finding?.row.state === 'merged') {
      this.#merged.set(id, finding);
      this.#countOne(this.#byRule, finding.row.ruleId, finding, 1);
    } else if (finding) this.#insert(id, finding);
  }

  sums(): OpenSums {
    const { savesBytes, lowBytes, highBytes } = this.#of;
    const work = [...this.#work.values()].filter(
      (some) => (some.kind === 'copy' ? some.bytes : some.megapixels) > 1e-6,
    );
    const all = {
      findings: this.#byId.size,
      files: this.#byFile.size,
      savesBytes,
      lowBytes,
      highBytes,
      learned: this.#of.learned,
      promising: this.#of.promising,
      work,
      byRule: this.#byRule,
      bySeverity: this.#bySeverity,
    };
    // Of a group counts what its files do not promise one by one already.
    const best = new Map<string, OpenFinding>();
    for (const finding of this.#groups.values()) {
      const other = best.get(finding.group ?? '');
      if (!other || finding.row.savesBytes > other.row.savesBytes) best.set(finding.group ?? '', finding);
    }
    for (const [group, { row, work: ofGroup }] of best) {
      const rest = row.savesBytes - (this.#savesIn.get(group) ?? 0);
      if (rest <= 0) continue;
      const share = rest / row.savesBytes;
      all.savesBytes += rest;
      all.lowBytes += row.savesLowBytes * share;
      all.highBytes += row.savesHighBytes * share;
      if (ofGroup) work.push(shareOfWork(ofGroup, share));
    }
    return { ...all, lowBytes: Math.round(all.lowBytes), highBytes: Math.round(all.highBytes) };
  }

  /** The `count` with the highest priority, the larger saving first among equals. One pass. */
  top(count: number): Recommendation[] {
    if (count === 0) return [];
    const best: Recommendation[] = [];
    for (const { row } of this.#byId.values()) {
      const last = best.at(-1);
      if (best.length === count && last && comparePriority(row, last) >= 0) continue;
      best.push(row);
      best.sort(comparePriority);
      best.length = Math.min(best.length, count);
    }
    return best;
  }

  #insert(id: string, finding: OpenFinding): void {
    this.#byId.set(id, finding);
    this.#count(finding, 1);
    if (finding.row.group !== null) this.#groups.set(id, finding);
    // Not by spreading: that leaves room for a dozen more, and nearly every file has one.
    else this.#changeFile(fileKey(finding), (all) => (all.length === 0 ? [finding] : all.concat(finding)));
  }

  #remove(id: string, finding: OpenFinding): void {
    this.#byId.delete(id);
    this.#count(finding, -1);
    if (finding.row.group !== null) this.#groups.delete(id);
    else this.#changeFile(fileKey(finding), (all) => all.filter((other) => other !== finding));
  }

  #changeFile(key: string, change: (all: readonly OpenFinding[]) => OpenFinding[]): void {
    const before = this.#byFile.get(key) ?? [];
    const after = change(before);
    if (after.length > 0) this.#byFile.set(key, after);
    else this.#byFile.delete(key);
    const [old, now] = [bestOf(before), bestOf(after)];
    if (old === now) return;
    if (old) this.#countFile(old, -1);
    if (now) this.#countFile(now, 1);
  }

  #countFile({ row, group, work }: OpenFinding, sign: 1 | -1): void {
    this.#of.savesBytes += sign * row.savesBytes;
    this.#of.lowBytes += sign * row.savesLowBytes;
    this.#of.highBytes += sign * row.savesHighBytes;
    if (group !== null) this.#savesIn.set(group, (this.#savesIn.get(group) ?? 0) + sign * row.savesBytes);
    if (!work) return;
    const known = this.#work.get(workKey(work));
    const change = shareOfWork(work, sign);
    this.#work.set(workKey(work), known ? addWork(known, change) : change);
  }

  #countOne<Key>(sums: Map<Key, FindingSum>, key: Key, { row }: OpenFinding, sign: 1 | -1): void {
    const { findings, savesBytes } = sums.get(key) ?? { findings: 0, savesBytes: 0 };
    if (findings + sign === 0) sums.delete(key);
    else sums.set(key, { findings: findings + sign, savesBytes: savesBytes + sign * row.savesBytes });
  }

  #count(finding: OpenFinding, sign: 1 | -1): void {
    const { row } = finding;
    this.#countOne(this.#byRule, row.ruleId, finding, sign);
    this.#countOne(this.#bySeverity, row.severity, finding, sign);
    if (row.savesBytes <= 0) return;
    this.#of.promising += sign;
    if (row.basis === 'learned') this.#of.learned += sign;
  }
}

/** Joined: a template would keep the parts beside what it makes of them. */
const fileKey = ({ row }: OpenFinding): string => [row.itemId, row.fileId].join('.');

/** The largest saving of a file; the first of equals. */
function bestOf(all: readonly OpenFinding[]): OpenFinding | null {
  let best: OpenFinding | null = null;
  for (const finding of all) if (!best || finding.row.savesBytes > best.row.savesBytes) best = finding;
  return best;
}

const comparePriority = (a: Recommendation, b: Recommendation): number =>
  b.priority - a.priority || b.savesBytes - a.savesBytes || (a.id < b.id ? -1 : 1);
