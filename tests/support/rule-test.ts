import assert from 'node:assert/strict';
import { collectFacts, factsOf } from '../../src/domain/rules/facts.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import { z } from 'zod';
import { Finding, type LibraryFacts, type Rule } from '../../src/domain/rules/rule.js';

export { aFile, anItem } from './builders.js';

/** What a rule is shown. */
export interface RuleCase {
  item: LibraryItem;
  /** Which of the item's files is looked at; the first one unless told otherwise. */
  file?: number;
  options?: Record<string, unknown>;
  /** The rest of the library; the item itself is always part of it. */
  library?: readonly LibraryItem[];
}

/** The functions of mocha, or those of Node's own runner where mocha is not there. */
type Runner = Record<'describe' | 'it', (title: string, body: () => void) => void>;
const { describe: suite, it: test } = ('describe' in globalThis
  ? globalThis
  : await import('node:test')) as unknown as Runner;

/** What a rule knows of a library of these. */
function known(item: LibraryItem, library: readonly LibraryItem[]): LibraryFacts {
  const { snapshot, copiesOf } = collectFacts([item, ...library]);
  return factsOf(snapshot, copiesOf);
}

/** One look of a rule at a case: what it finds, or why it does not. */
function look<Options extends z.ZodObject>(
  rule: Rule<Options>,
  { item, file: at = 0, options = {}, library = [] }: RuleCase,
): { finding: Finding | null; whyNot: string | undefined } {
  const file = item.files[at];
  if (!file) throw new Error(`the item has no file ${at}`);
  const subject = { item, file };
  const chosen = rule.options.parse(options);
  const facts = known(item, library);
  const finding = rule.evaluate(subject, chosen, facts);
  return {
    finding: finding === null ? null : Finding.parse(finding),
    whyNot: finding === null ? rule.whyNot?.(subject, chosen, facts) : undefined,
  };
}

/**
 * A table of what a rule flags and what it leaves alone. `finding` may name only the parts that matter. A rule that has
 * `whyNot` is asked wherever it ignores something; `whyNot` in a case says what the answer must hold.
 */
export function ruleTest<Options extends z.ZodObject>(
  id: string,
  rule: Rule<Options>,
  table: {
    flags: Record<string, RuleCase & { finding: Partial<Finding> }>;
    ignores: Record<string, RuleCase & { whyNot?: RegExp }>;
  },
): void {
  suite(`rule ${id}`, () => {
    test('says what it does, why, and when not to use it', () => {
      for (const text of Object.values(rule.docs) as string[]) assert.match(text, /^\p{Lu}.*\.$/u);
    });
    test('has a default, a title and, where it is a number, limits for every option', () => {
      rule.options.parse({});
      const { properties = {} } = z.toJSONSchema(rule.options, { io: 'input' });
      for (const [name, option] of Object.entries(properties)) {
        assert.ok(typeof option === 'object' && option.title, `${name} has no title`);
        if (option.type !== 'number' && option.type !== 'integer') continue;
        const hasLimits = option.minimum !== undefined && (option.maximum ?? Infinity) < Number.MAX_SAFE_INTEGER;
        assert.ok(hasLimits, `${name} has no limits`);
      }
    });
    for (const [title, { finding, ...given }] of Object.entries(table.flags)) {
      test(`flags ${title}`, () => {
        const found = look(rule, given).finding;
        assert.ok(found, 'nothing was found');
        const parts = Object.fromEntries(Object.keys(finding).map((key) => [key, found[key as keyof Finding]]));
        assert.deepEqual(parts, finding);
        assert.doesNotMatch(found.reason, /undefined|NaN|null|Infinity/);
      });
    }
    for (const [title, { whyNot, ...given }] of Object.entries(table.ignores)) {
      test(`ignores ${title}`, () => {
        const answer = look(rule, given);
        assert.equal(answer.finding, null);
        if (!rule.whyNot) return;
        assert.match(answer.whyNot ?? '', /^[\p{L}\d.].*\.$/u);
        assert.doesNotMatch(answer.whyNot ?? '', /undefined|NaN|null|Infinity/);
        if (whyNot) assert.match(answer.whyNot ?? '', whyNot);
      });
    }
  });
}
