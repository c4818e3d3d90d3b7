import type { Learned } from '../../domain/recommendations/learned-savings.js';
import type { MediaFile } from '../../domain/library/media.js';
import type { Presets } from '../../domain/presets/presets.js';
import { priorityOf, priorityParts } from '../../domain/recommendations/priority.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import type { Finding } from '../../domain/rules/rule.js';
import { estimateSaving, type Saving } from '../../domain/recommendations/savings.js';

/** What a rule said about one file of one title, or about a group of files. */
export interface Verdict {
  /** Empty for a group, and so is the file's id. */
  itemId: string;
  plays: number;
  /** For a group: a file of its kind that is as large as all of them together. */
  file: MediaFile;
  group: Recommendation['group'];
  ruleId: string;
  finding: Finding | null;
  /** Why there is no finding, when that is not the rule's own word. */
  whyNot?: string | null;
}

/** The id of a rule's word on one file. Joined: a template would keep the parts beside what it makes of them. */
export const recommendationId = (itemId: string, fileId: string, ruleId: string): string =>
  [itemId, fileId, ruleId].join('.');

/** The id of a rule's word on all files of one codec and resolution. */
export const groupRecommendationId = (
  { codec, resolution }: NonNullable<Recommendation['group']>,
  ruleId: string,
): string => `group.${codec}-${resolution}.${ruleId}`;

/** What an estimate rests on. Without `learned`, nothing was learned yet. */
export interface Known {
  presets: Presets;
  learned?: Learned | undefined;
}

const nothing = { savesBytes: 0, lowBytes: 0, highBytes: 0, samples: 0 } as const;
const NO_SAVING: Saving = { ...nothing, confidence: 'low', basis: 'fallback' };

/** What a finding is expected to save; nothing is promised for a preset that is not there. */
export function savingOf(file: MediaFile, finding: Finding, { presets, learned }: Known): Saving {
  const all = file.sizeBytes;
  if (finding.keep)
    return { savesBytes: all, lowBytes: all, highBytes: all, confidence: 'high', basis: 'exact', samples: 0 };
  if (finding.kind !== 'transcode' && finding.kind !== 'remux') return NO_SAVING;
  const preset = presets.list().find(({ id }) => id === finding.preset);
  return preset ? estimateSaving(file, preset, learned) : NO_SAVING;
}

type Figures = Pick<
  Recommendation,
  | 'kind'
  | 'group'
  | 'keep'
  | 'presetId'
  | 'reason'
  | 'severity'
  | 'priority'
  | 'savesBytes'
  | 'savesLowBytes'
  | 'savesHighBytes'
  | 'confidence'
  | 'basis'
  | 'fileSizeBytes'
>;

function figuresOf({ file, group, plays }: Verdict, finding: Finding, known: Known): Figures {
  const saving = savingOf(file, finding, known);
  return {
    kind: finding.kind,
    group,
    keep: finding.keep ?? null,
    presetId: finding.preset,
    reason: finding.reason,
    severity: finding.severity,
    priority: priorityOf(priorityParts(file, plays, saving.confidence)),
    savesBytes: saving.savesBytes,
    savesLowBytes: saving.lowBytes,
    savesHighBytes: saving.highBytes,
    confidence: saving.confidence,
    basis: saving.basis,
    fileSizeBytes: file.sizeBytes,
  };
}

/**
 * What becomes of a recommendation when its rule has spoken again; null when nothing changes. The owner's word stands:
 * a dismissed one returns only for another file, a dismissed group never by itself, an approved one belongs to its job.
 */
export function settle(
  known: Recommendation | null,
  verdict: Verdict,
  estimates: Known,
  at: string,
): Recommendation | null {
  const { finding } = verdict;
  if (finding === null)
    return known && isAlive(known) ? close(known, verdict.whyNot ?? 'The rule no longer recommends it.', at) : null;
  const figures = figuresOf(verdict, finding, estimates);
  if (!known) return fresh(verdict, figures, at);
  const isSameFile = known.group !== null || known.fileSizeBytes === figures.fileSizeBytes;
  switch (known.state) {
    case 'open':
      return change(known, { ...figures, note: isSameFile ? known.note : null }, at);
    case 'snoozed':
      if (known.snoozedUntil !== null && known.snoozedUntil > at) return change(known, figures, at);
      return change(known, { ...figures, state: 'open', snoozedUntil: null }, at);
    case 'dismissed':
      return isSameFile
        ? null
        : change(known, { ...figures, state: 'open', note: null, jobId: null, mergedInto: null }, at);
    case 'closed':
      // Its job is done, but the server still describes the file that was replaced.
      if (known.jobId !== null && isSameFile) return null;
      return change(known, { ...figures, state: 'open', note: null, jobId: null, mergedInto: null }, at);
    case 'merged':
      return change(known, isSameFile ? figures : { ...figures, state: 'open', mergedInto: null }, at);
    case 'approved':
      return null;
  }
}

/** Still in front of the owner, now or later. */
export const isWaiting = ({ state }: Recommendation): boolean => state === 'open' || state === 'snoozed';

/** Not decided: in front of the owner, or behind another one that is. */
export const isAlive = (row: Recommendation): boolean => isWaiting(row) || row.state === 'merged';

/** Ends a recommendation with the reason. */
export const close = (known: Recommendation, note: string, at: string): Recommendation => ({
  ...known,
  state: 'closed',
  mergedInto: null,
  note,
  snoozedUntil: null,
  changedAt: at,
});

function fresh({ itemId, file, group, ruleId }: Verdict, figures: Figures, at: string): Recommendation {
  const fileId = group === null ? file.id : '';
  return {
    id: group === null ? recommendationId(itemId, fileId, ruleId) : groupRecommendationId(group, ruleId),
    itemId,
    fileId,
    // One by one and in the order of the schema: then the store need not copy it.
    group: figures.group,
    keep: figures.keep,
    mergedInto: null,
    ruleId,
    kind: figures.kind,
    presetId: figures.presetId,
    reason: figures.reason,
    severity: figures.severity,
    priority: figures.priority,
    savesBytes: figures.savesBytes,
    savesLowBytes: figures.savesLowBytes,
    savesHighBytes: figures.savesHighBytes,
    confidence: figures.confidence,
    basis: figures.basis,
    state: 'open',
    note: null,
    snoozedUntil: null,
    fileSizeBytes: figures.fileSizeBytes,
    jobId: null,
    createdAt: at,
    changedAt: at,
  };
}

function change(known: Recommendation, values: Partial<Recommendation>, at: string): Recommendation | null {
  // `group` and `keep` are small plain values.
  const isEqual = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
  const isSame = Object.entries(values).every(([key, value]) => isEqual(known[key as keyof Recommendation], value));
  return isSame ? null : { ...known, ...values, changedAt: at };
}
