import { z } from 'zod';
import { Choices } from '../rules/choices.js';
import { invalid } from '../errors.js';
import { Recommendation } from './recommendation.js';
import { refusedFields } from '../../lib/plain-refusals.js';

/** What is merged into another one shows there, and nowhere by itself. */
export const ReviewState = Recommendation.shape.state.exclude(['merged']);
export type ReviewState = z.infer<typeof ReviewState>;

export const ReviewSort = z.enum(['priority', 'saving', 'size', 'newest']);
export type ReviewSort = z.infer<typeof ReviewSort>;

export const ReviewGrouping = z.enum(['rule', 'show', 'season', 'none']);
export type ReviewGrouping = z.infer<typeof ReviewGrouping>;

const Bound = z.preprocess((value) => (value === '' ? undefined : value), z.coerce.number().nonnegative().optional());

/** Which recommendations are meant. Choices within one name are "any of", names together are "all of". */
export const ReviewFilter = z.object({
  state: ReviewState.default('open'),
  /** Words that all occur in title, path or tags. */
  q: z.string().trim().max(200).default(''),
  /** Rules that speak for it, also where another one stands for what they found. */
  ruleId: Choices,
  /** Rules whose own proposal it is: a group by rule holds each recommendation once. */
  leadRuleId: Choices,
  kind: Choices,
  severity: Choices,
  confidence: Choices,
  sectionId: Choices,
  /** Risk flags; `none` stands for files without any. */
  risk: Choices,
  /** `film`, `episode`, or `group` for what is about many files at once. */
  about: Choices,
  minSavesBytes: Bound,
  show: z.string().default(''),
  season: Bound,
});
export type ReviewFilter = z.infer<typeof ReviewFilter>;

/** Made once: making it takes longer than reading a filter with it. */
const OnlyFilter = ReviewFilter.strict();

/** What is chosen among a short list of values, counted beside its choices. */
export const REVIEW_FACETS = ['ruleId', 'kind', 'severity', 'confidence', 'sectionId', 'risk'] as const;
export type ReviewFacet = (typeof REVIEW_FACETS)[number];

/** What may stand in the address of the page beside the filter. */
const BESIDE = ['sort', 'group', 'view', 'page', 'pageSize'];

/** What of a query has to be repeated in an address: everything but what is usual. */
export function queryOf(given: Partial<ReviewFilter> & { sort?: ReviewSort; group?: ReviewGrouping }): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    const text = Array.isArray(value) ? value.join(',') : String(value ?? '');
    const isUsual =
      (name === 'state' && text === 'open') ||
      (name === 'sort' && text === 'priority') ||
      (name === 'group' && text === 'rule');
    if (text !== '' && !isUsual) params.set(name, text);
  }
  return params.toString();
}

/** Reads a filter from a query string. Throws `invalid` for a name it does not know: ignored, it would match more than was meant. */
export function reviewFilterOf(query: string): ReviewFilter {
  const params = new URLSearchParams(query);
  for (const name of BESIDE) params.delete(name);
  const given = Object.fromEntries([...params.keys()].map((name) => [name, params.getAll(name).join(',')]));
  const parsed = OnlyFilter.safeParse(given);
  if (parsed.success) return parsed.data;
  const message = 'This filter cannot be read. Open the page again and select once more.';
  throw invalid(message, refusedFields(ReviewFilter, parsed.error));
}
