import type { LibraryItem } from '../domain/library/library.js';
import type { Preset } from '../domain/presets/preset.js';
import type { FactsSnapshot, Finding, RuleDocs } from '../domain/rules/rule.js';
import type { z } from 'zod';

type Json = z.core.util.JSONType;

/** What the worker thread is given when it starts. All are file URLs. */
export interface ThreadPlaces {
  /** Two 32-bit numbers shared with the main thread: which rule runs (-1: none), and a count of steps. */
  state: SharedArrayBuffer;
  /** What `import 'mediaflow/rule'` means. */
  rule: string;
  /** From where `zod` is looked up. */
  parent: string;
  /** The owner's rules folder, or null. */
  userDir: string | null;
}

/** What the main thread asks of the worker thread. `rule` is the rule's number. */
export type Ask =
  | { kind: 'load'; rule: number; url: string; limitMs: number }
  | { kind: 'parse'; rule: number; options: Record<string, unknown> }
  | { kind: 'check'; rule: number; options: Record<string, unknown>; presets: readonly Preset[]; limitMs: number }
  | {
      kind: 'evaluate';
      items: readonly LibraryItem[];
      /** Each subject as [index of the item, index of the file in it]. */
      picks: readonly (readonly [number, number])[];
      calls: readonly { rule: number; options: Record<string, unknown> }[];
      facts: FactsSnapshot;
      /** Of the titles in `items`: id -> the other titles that are the same film or episode. */
      copies: ReadonlyMap<string, readonly LibraryItem[]>;
      /** Whether to say why there is no finding, too. */
      reasons: boolean;
    };

export interface LoadAnswer {
  title: string;
  docs: RuleDocs;
  perGroup: boolean;
  optionsSchema: Record<string, Json>;
  defaults: Record<string, Json>;
}

export type ParseAnswer = { options: Record<string, Json> } | { fields: Record<string, string> };

/** Why the rule would find its own results again, or null. */
export interface CheckAnswer {
  loop: string | null;
}

export interface EvaluateAnswer {
  /** [index of the call, index of the subject, finding] */
  findings: [number, number, Finding][];
  /** [index of the call, index of the subject, why there is no finding] */
  refusals: [number, number, string][];
  /** Milliseconds per call. */
  ms: number[];
  /** Calls whose rule failed: [index of the call, why]. Their findings are left out. */
  problems: [number, string][];
}

/** What comes back: an answer, or why a rule could not be used. */
export type Answer<T> = { answer: T } | { problem: string };
