import { expect } from 'chai';
import { z } from 'zod';
import { LibraryItem } from '../../src/domain/library/library.js';
import type { Presets } from '../../src/domain/presets/presets.js';
import { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import { Finding } from '../../src/domain/rules/rule.js';
import { settle } from '../../src/engine/recommendations/upkeep.js';
import { exactFitOf } from '../../src/store/exact-fit.js';
import { aFile, anItem } from '../support/builders.js';

describe('exactFitOf', () => {
  const item = LibraryItem.parse(
    anItem({ year: 1979, userRating: 8.5, labels: ['a'], files: [aFile(), aFile({ video: null })] }),
  );

  it('knows a row that its schema only copies', () => {
    expect(exactFitOf(LibraryItem)(item)).to.equal(true);
  });

  /** What no row may hold somewhere, or what is left of one when a schema has looked at it. */
  const STRANGE = [
    undefined,
    null,
    '',
    'x',
    true,
    0,
    -1,
    1.5,
    2 ** 60,
    NaN,
    Infinity,
    [],
    [7],
    {},
    [undefined],
    Array(1),
  ];

  const of = { itemId: 'a', plays: 1, file: aFile({ id: 'f' }), group: null, ruleId: 'r' };
  const finding = Finding.parse({ kind: 'review', preset: null, reason: 'Old', severity: 'high' });
  const presets: Presets = { list: () => [], get: () => expect.fail('nothing is to be encoded'), problems: [] };
  const made = settle(null, { ...of, finding }, { presets }, new Date(0).toISOString());
  const withKeep = { ...made, keep: { itemId: 'a', fileId: 'b' } };

  it('knows a recommendation as it is made, and as older versions of the program kept it', () => {
    const { basis, ...older } = made ?? {};
    expect(basis).to.be.a('string');
    expect([made, withKeep, older].map(exactFitOf(Recommendation))).to.deep.equal([true, true, true]);
  });

  for (const { schema, row, name } of [
    { schema: LibraryItem, row: item, name: 'title' },
    { schema: Recommendation, row: withKeep, name: 'recommendation' },
  ])
    it(`says no to everything that the schema of a ${name} refuses or changes, wherever in the row it stands`, () => {
      const fits = exactFitOf(schema);
      let refused = 0;
      for (const change of changesOf(row)) {
        const parsed = schema.safeParse(change.row);
        const isCopied = parsed.success && JSON.stringify(parsed.data) === JSON.stringify(change.row);
        // What is there and undefined is for the schema to judge.
        const isFor = change.what === 'basis is strange 0' ? false : isCopied;
        expect(fits(change.row), change.what).to.equal(isFor);
        if (!parsed.success) refused++;
      }
      expect(refused).to.be.greaterThan(200);
    });

  it('leaves to the schema whatever it does not know', () => {
    const mismatches: [z.ZodType, unknown][] = [
      [z.string().max(2), 'a'],
      [z.string().trim(), 'a'],
      [z.email(), 'a@example.org'],
      [z.coerce.string(), 'a'],
      [z.coerce.number(), 1],
      [z.coerce.boolean(), true],
      [z.number().multipleOf(2), 4],
      [z.int32(), 1],
      [z.array(z.string()).max(1), ['a']],
      [z.strictObject({ a: z.string() }), { a: 'a' }],
      [z.looseObject({ a: z.string() }), { a: 'a' }],
      [z.object({ a: z.string() }).refine(() => false), { a: 'a' }],
      [z.string().optional(), 'a'],
      [z.object({ a: z.string().prefault('b') }), { a: 'a' }],
      [z.object({ a: z.string().catch('b') }), { a: 'a' }],
      [z.string().transform(Number), '1'],
      [z.union([z.string(), z.number()]), 'a'],
      [z.literal('a'), 'a'],
      [z.record(z.string(), z.string()), { a: 'a' }],
    ];
    for (const [schema, value] of mismatches) expect(exactFitOf(schema)(value), schema.type).to.equal(false);
  });

  it('knows the limits of numbers', () => {
    const least = (schema: z.ZodType, values: number[]): boolean[] => values.map(exactFitOf(schema));
    expect(least(z.number(), [1.5, NaN, Infinity])).to.deep.equal([true, false, false]);
    expect(least(z.int(), [1, 1.5, 2 ** 53])).to.deep.equal([true, false, false]);
    expect(least(z.number().int(), [1, 1.5])).to.deep.equal([true, false]);
    expect(least(z.int().nonnegative(), [0, -1])).to.deep.equal([true, false]);
    expect(least(z.int().positive(), [1, 0])).to.deep.equal([true, false]);
    expect(least(z.number().min(3), [3, 2.9])).to.deep.equal([true, false]);
    expect(least(z.number().min(0).max(3), [3, 3.1, -0.1])).to.deep.equal([true, false, false]);
    expect(least(z.number().lt(3), [2.9, 3])).to.deep.equal([true, false]);
  });

  /** The row with each of its parts replaced by each strange value, left out, put last, or with a stranger beside it. */
  function* changesOf(row: unknown): Generator<{ row: unknown; what: string }> {
    for (const path of pathsOf(row)) {
      const parent = (copy: unknown): Record<string, unknown> =>
        path.slice(0, -1).reduce((part, key) => (part as Record<string, unknown>)[key], copy) as Record<
          string,
          unknown
        >;
      const name = path.at(-1) ?? '';
      const where = path.join('.');
      for (const [at, value] of STRANGE.entries()) {
        const copy = structuredClone(row);
        parent(copy)[name] = value;
        yield { row: copy, what: `${where} is strange ${at}` };
      }
      const [without, beside, last] = [structuredClone(row), structuredClone(row), structuredClone(row)];
      Reflect.deleteProperty(parent(without), name);
      yield { row: without, what: `without ${where}` };
      if (Array.isArray(parent(row))) continue;
      parent(beside)['stranger'] = 1;
      yield { row: beside, what: `a stranger beside ${where}` };
      const holder = parent(last);
      const value = holder[name];
      Reflect.deleteProperty(holder, name);
      holder[name] = value;
      yield { row: last, what: `${where} last` };
    }
  }

  function pathsOf(value: unknown): string[][] {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, part]) => [[name], ...pathsOf(part).map((path) => [name, ...path])]);
  }
});
