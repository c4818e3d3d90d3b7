import { expect } from 'chai';
import type { z } from 'zod';
import { collectFacts, factsOf } from '../../src/domain/facts.js';
import type { LibraryItem } from '../../src/domain/library.js';
import { Finding, type LibraryFacts, type Rule } from '../../src/domain/rule.js';

interface Case {
  /** The first file of the item is looked at. */
  item: LibraryItem;
  options?: Record<string, unknown>;
  /** The rest of the library; the item itself is always part of it. */
  library?: readonly LibraryItem[];
}

/** What a rule knows of a library of these. */
function known(item: LibraryItem, library: readonly LibraryItem[]): LibraryFacts {
  const { snapshot, copiesOf } = collectFacts([item, ...library]);
  return factsOf(snapshot, copiesOf);
}

/** A table of what a rule flags and what it leaves alone. `finding` may name only the parts that matter. */
export function ruleTest<Options extends z.ZodObject>(
  id: string,
  rule: Rule<Options>,
  table: { flags: Record<string, Case & { finding: Partial<Finding> }>; ignores: Record<string, Case> },
): void {
  const ask = ({ item, options = {}, library = [] }: Case): string | undefined => {
    const file = item.files[0];
    if (!file) throw new Error('the item has no file');
    return rule.whyNot?.({ item, file }, rule.options.parse(options), known(item, library));
  };
  const look = ({ item, options = {}, library = [] }: Case): Finding | null => {
    const file = item.files[0];
    if (!file) throw new Error('the item has no file');
    return rule.evaluate({ item, file }, rule.options.parse(options), known(item, library));
  };

  describe(`rule ${id}`, () => {
    it('says what it does, why, and when not to use it', () => {
      for (const text of Object.values(rule.docs)) expect(text).to.match(/^\p{Lu}.*\.$/u);
    });
    for (const [title, { finding, ...given }] of Object.entries(table.flags)) {
      it(`flags ${title}`, () => {
        expect(Finding.parse(look(given))).to.deep.include(finding);
      });
    }
    for (const [title, given] of Object.entries(table.ignores)) {
      it(`ignores ${title}`, () => {
        expect(look(given)).to.equal(null);
        if (rule.whyNot)
          expect(ask(given))
            .to.match(/^[\p{Lu}\d.].*\w\.$|^\w+ is .*\.$/u)
            .and.not.match(/undefined|NaN/);
      });
    }
  });
}
