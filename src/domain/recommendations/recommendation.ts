import { z } from 'zod';
import { Resolution } from '../library/media.js';
import { Finding, Severity } from '../rules/rule.js';

export const Confidence = z.enum(['low', 'medium', 'high']);
export type Confidence = z.infer<typeof Confidence>;

/**
 * Where an estimate comes from. `learned`: finished jobs of this kind. `pair`: what is commonly published for these two
 * codecs. `model`: the bit rate the target needs, or what sound tracks lose. `fallback`: nothing is known. `exact`: no
 * estimate at all, such as the whole file when it goes.
 */
export const SavingBasis = z.enum(['learned', 'pair', 'model', 'fallback', 'exact']);
export type SavingBasis = z.infer<typeof SavingBasis>;

export const Recommendation = z.object({
  /** `<itemId>.<fileId>.<ruleId>`, or `group.<codec>-<resolution>.<ruleId>`: the same finding never stands twice. */
  id: z.string(),
  /** Empty for a group of many files, and so is `fileId`. */
  itemId: z.string(),
  fileId: z.string(),
  /** All files of one codec and resolution, when it is about those. */
  group: z.object({ codec: z.string(), resolution: Resolution, files: z.int().positive() }).nullable().default(null),
  /** The version that stays when this file goes to quarantine. */
  keep: z.object({ itemId: z.string(), fileId: z.string() }).nullable().default(null),
  /** The recommendation for the same file that stands for this one as well, while it is `merged`. */
  mergedInto: z.string().nullable().default(null),
  ruleId: z.string(),
  kind: Finding.shape.kind,
  presetId: z.string().nullable(),
  reason: z.string(),
  severity: Severity,
  /** 0 to 100: size 40, codec age 25, confidence 20, plays 15. */
  priority: z.number().min(0).max(100),
  /** Expected saving and its range, bytes. */
  savesBytes: z.int(),
  savesLowBytes: z.int(),
  savesHighBytes: z.int(),
  confidence: Confidence,
  /** Of the saving; absent in rows of older versions until they are looked at again. */
  basis: SavingBasis.optional(),
  /** `merged`: another one for the same file stands for it, and what becomes of that becomes of this. */
  state: z.enum(['open', 'approved', 'dismissed', 'snoozed', 'closed', 'merged']),
  /** Why it was dismissed or closed. */
  note: z.string().nullable(),
  snoozedUntil: z.string().nullable(),
  /** Size of the file when it was found: another size means another file, and a dismissed finding may come back. */
  fileSizeBytes: z.int().nonnegative(),
  jobId: z.string().nullable(),
  createdAt: z.string(),
  changedAt: z.string(),
});
export type Recommendation = z.infer<typeof Recommendation>;

/** The note of a recommendation that is closed for as long as there is a job for its file. */
export const COVERED_NOTE = 'Covered by the job for this file.';
