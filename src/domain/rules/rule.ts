import { z } from 'zod';
import type { LibraryItem } from '../library/library.js';
import type { MediaFile, Resolution } from '../library/media.js';
import { PresetId } from '../presets/preset.js';

export const Severity = z.enum(['low', 'medium', 'high']);
export type Severity = z.infer<typeof Severity>;

/** What a rule proposes for a file. */
export const Finding = z.object({
  /** `transcode` and `remux` can be queued; `review` and `search` only inform. */
  kind: z.enum(['transcode', 'remux', 'review', 'search']),
  preset: PresetId.nullable(),
  /** One sentence with figures, for the owner. */
  reason: z.string().min(1).max(400),
  severity: Severity,
  /** Only with `review`: this file may go to quarantine, because that copy of the same title stays. */
  keep: z.object({ itemId: z.string(), fileId: z.string() }).optional(),
});
export type Finding = z.infer<typeof Finding>;

/** The item and the one of its files that the rule looks at. */
export interface Subject {
  item: LibraryItem;
  file: MediaFile;
}

/** What a rule may know beyond its file. Kept up to date item by item: one new item costs microseconds, not a pass. */
export interface LibraryFacts {
  /** Mean video bitrate of the library at this resolution in kbit/s; null when there are fewer than five files. */
  averageBitrateKbps(resolution: Resolution): number | null;
  /** The same, with every file's bit rate as H.264 would need it for its picture: fair where codecs are mixed. */
  averageWorthKbps(resolution: Resolution): number | null;
  /** 1 for the largest file of the library; counts only files whose video is not yet efficient (HEVC, AV1, VP9). */
  sizeRank(file: MediaFile): number;
  /** Files with the same codec and resolution that a rule may propose to encode, this one included. */
  similar(file: MediaFile): number;
  /** Other titles of the same server that are the same film or episode in the same edition, whatever their library. */
  copiesOf(item: LibraryItem): readonly LibraryItem[];
}

export interface RuleDocs {
  what: string;
  why: string;
  whenNotToUse: string;
}

/** A rule looks at one file and says what would be better, or null. Pure and synchronous: no clock, no disk, no network. */
export interface Rule<Options extends z.ZodObject = z.ZodObject> {
  title: string;
  docs: RuleDocs;
  options: Options;
  /**
   * Its findings are about all files of one codec and resolution: they become one recommendation for the whole group.
   * `evaluate` may then look at nothing but `file.video` and `facts.similar(file)`.
   */
  perGroup?: true;
  evaluate(subject: Subject, options: z.infer<Options>, facts: LibraryFacts): Finding | null;
  /** One sentence with figures: why `evaluate` said null. Asked only where a title is shown by itself. */
  whyNot?(subject: Subject, options: z.infer<Options>, facts: LibraryFacts): string;
}

/** Declares a rule; the file name is its id. Only there for the types: the value is returned as it is. */
export const defineRule = <Options extends z.ZodObject>(rule: Rule<Options>): Rule<Options> => rule;

/** How the owner set a rule. `automatic` queues by itself; `recommend` waits for a click. */
export const RuleSetting = z.object({
  id: z.string(),
  mode: z.enum(['off', 'recommend', 'automatic']),
  /** Checked by the rule's own schema; missing ones take their default. */
  options: z.record(z.string(), z.json()),
  /** Ids of tags: with any, the rule looks at no titles but those that have one of them. */
  onlyTags: z.array(z.string()).optional(),
  /** Ids of tags: titles with one of them are left alone. */
  exceptTags: z.array(z.string()).optional(),
  /** Its jobs run only on workers that have all of these tags. */
  workerTags: z.array(z.string()).optional(),
});
export type RuleSetting = z.infer<typeof RuleSetting>;

/** A loaded rule as the rest of the program sees it: data only, the code stays in its worker thread. */
export const RuleInfo = z.object({
  id: z.string(),
  title: z.string(),
  docs: z.object({ what: z.string(), why: z.string(), whenNotToUse: z.string() }),
  /** JSON schema of the options, drawn as a form. */
  optionsSchema: z.record(z.string(), z.json()),
  defaults: z.record(z.string(), z.json()),
  /** See `Rule.perGroup`. */
  perGroup: z.boolean(),
  /** Shipped with MediaFlow, or from the owner's rules folder. */
  origin: z.enum(['built-in', 'user']),
  file: z.string(),
  /** Why it cannot run, or null. A broken rule is skipped and shown. */
  problem: z.string().nullable(),
  /** Milliseconds of the last run over all items it saw. */
  lastRunMs: z.number().nullable(),
  /** How often it had to be left out since MediaFlow started. */
  failures: z.int(),
  /** The last time, in the owner's words; ISO time. */
  lastFailure: z.object({ message: z.string(), at: z.string() }).nullable(),
});
export type RuleInfo = z.infer<typeof RuleInfo>;

/** One rule's word on one file. */
export interface Decision {
  itemId: string;
  fileId: string;
  ruleId: string;
  finding: Finding | null;
  /** Why there is no finding, in the rule's own words; absent when it does not say. */
  whyNot?: string;
}

/** One of the files that a rule matched when it was tried. */
export interface RuleSample {
  itemId: string;
  fileId: string;
  title: string;
  reason: string;
  presetId: string | null;
  savesBytes: number;
}

/** What trying a rule showed; the samples are the first of its matches. */
export interface RuleTrial {
  matches: number;
  looked: number;
  savesBytes: number;
  samples: RuleSample[];
}

/** Which rules to run and how. */
export interface RuleCall {
  ruleId: string;
  options: Record<string, unknown>;
}

/** Runs rules away from the main thread. Implemented by `catalog/rules.ts`. */
export interface RuleRunner {
  list(): RuleInfo[];
  /** Throws `not_found`. */
  get(id: string): RuleInfo;
  /** Checks options against the rule's schema and fills in defaults. Throws `invalid` with a message per field. */
  parseOptions(id: string, options: Record<string, unknown>): Promise<Record<string, z.core.util.JSONType>>;
  /** A rule that throws or takes too long is marked broken and left out; the others' decisions come back. */
  evaluate(subjects: readonly Subject[], calls: readonly RuleCall[], facts: Facts): Promise<Decision[]>;
  /** The same for a whole library, batch by batch, and only what was found. `ruleIds`: the rules that answered. */
  evaluateMany(
    subjects: Iterable<Subject>,
    calls: readonly RuleCall[],
    facts: Facts,
  ): AsyncIterable<{ subjects: readonly Subject[]; findings: Decision[]; ruleIds: string[] }>;
}

/** Library facts as plain data, small enough to send to the worker thread with every call. */
export const FactsSnapshot = z.object({
  /** Resolution -> [sum of kbit/s, count]. */
  bitrates: z.record(z.string(), z.tuple([z.number(), z.number()])),
  /** The same in kbit/s of H.264; files of unknown codecs are not in it. */
  worths: z.record(z.string(), z.tuple([z.number(), z.number()])),
  /** Sizes of the largest not-yet-efficient files, descending, at most 1,000. */
  largestBytes: z.array(z.number()),
  /** `codec/resolution` -> [how many files, their bytes]. */
  groups: z.record(z.string(), z.tuple([z.number(), z.number()])),
});
export type FactsSnapshot = z.infer<typeof FactsSnapshot>;

/** What is known of the whole library, on the side of the main thread. */
export interface Facts {
  snapshot: FactsSnapshot;
  /** See `LibraryFacts.copiesOf`; sent to the thread only for titles that have any. */
  copiesOf: (itemId: string) => readonly LibraryItem[];
}
