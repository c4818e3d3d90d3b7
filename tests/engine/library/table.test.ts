import { expect } from 'chai';
import fc from 'fast-check';
import {
  EVERYTHING,
  FACETS,
  facetsOf,
  LibraryFilter,
  measureOf,
  textOf,
  type Facet,
} from '../../../src/domain/library/filter.js';
import type { LibraryItem } from '../../../src/domain/library/library.js';
import { LibraryTable } from '../../../src/engine/library/table.js';
import { aFile, anItem } from '../../support/builders.js';

const NOTHING = { states: [], ruleIds: [], savesBytes: null, tagNames: [] };

const item = fc
  .record({
    key: fc.nat(30),
    title: fc.constantFrom('Ärger', 'arger', 'Zoo', 'Alien', 'alien 3', '東京'),
    year: fc.option(fc.integer({ min: 1980, max: 1983 })),
    plays: fc.nat(3),
    size: fc.constantFrom(1e9, 2e9, 3e9),
    codecs: fc.array(fc.constantFrom('h264', 'hevc', 'mpeg4'), { maxLength: 3 }),
    heights: fc.tuple(fc.constantFrom(1080, 2160), fc.constantFrom(1080, 720), fc.constantFrom(576, 2160)),
    section: fc.constantFrom('1', '2'),
    tags: fc.array(fc.constantFrom('kids', 'keep'), { maxLength: 2 }),
  })
  .map(({ key, title, year, plays, size, codecs, heights, section, tags }) =>
    anItem({
      id: `s-${key}`,
      title,
      year,
      plays,
      sectionId: section,
      tags: [...new Set(tags)],
      files: codecs.map((codec, at) =>
        aFile({
          id: String(at),
          sizeBytes: size + at * 1e9,
          path: `/f/${title}/${codec}-${at}.mkv`,
          video: { codec, width: 100, height: heights[at] ?? 480, bitrateKbps: ((at * 7 + key) % 5) * 1000 },
        }),
      ),
    }),
  );
const steps = fc.array(fc.oneof({ weight: 4, arbitrary: item }, { weight: 1, arbitrary: fc.nat(30) }), {
  maxLength: 60,
});
const filters = fc
  .record({
    codec: fc.subarray(['h264', 'hevc', 'mpeg4', 'av1']),
    resolution: fc.subarray(['4k', '1080', '720']),
    sectionId: fc.subarray(['1', '2']),
    tag: fc.subarray(['kids', 'keep']),
    maxPlays: fc.option(fc.nat(3), { nil: undefined }),
    minBitrateKbps: fc.option(fc.constantFrom(1000, 3000), { nil: undefined }),
    minSizeBytes: fc.option(fc.constantFrom(1, 2e9, 4e9), { nil: undefined }),
    q: fc.constantFrom('', 'ali', 'arger', 'MKV 264', '東', 'nothing such'),
  })
  .map((given) => LibraryFilter.parse(given));
const sorts = fc.constantFrom(
  'title',
  '-title',
  'sizeBytes',
  '-sizeBytes',
  'bitrateKbps',
  '-bitrateKbps',
  'year',
  '-year',
  'plays',
  '-plays' as const,
);

/** The files that match, each asked alone, the slow and obvious way. An item without files is asked itself. */
function matching(row: LibraryItem, filter: LibraryFilter, open?: Facet): LibraryItem[] {
  const each = row.files.length === 0 ? [row] : row.files.map((file) => ({ ...row, files: [file] }));
  return each.filter((one) => passesAlone(one, filter, open));
}

const passes = (row: LibraryItem, filter: LibraryFilter, open?: Facet): boolean =>
  matching(row, filter, open).length > 0;

/** What is shown and sorted of an item: it with only the files that match. */
const shownOf = (row: LibraryItem, filter: LibraryFilter): LibraryItem => ({
  ...row,
  files: matching(row, filter).flatMap(({ files }) => files),
});

function passesAlone(row: LibraryItem, filter: LibraryFilter, open?: Facet): boolean {
  const facets: Record<string, readonly string[]> = facetsOf(row);
  return (
    FACETS.every(
      (name) =>
        name === open || filter[name].length === 0 || filter[name].some((value) => facets[name]?.includes(value)),
    ) &&
    (filter.maxPlays === undefined || measureOf('plays', row) <= filter.maxPlays) &&
    (filter.minBitrateKbps === undefined || measureOf('bitrateKbps', row) >= filter.minBitrateKbps) &&
    (filter.minSizeBytes === undefined || measureOf('sizeBytes', row) >= filter.minSizeBytes) &&
    filter.q
      .toLowerCase()
      .split(' ')
      .every((word) => textOf(row, []).includes(word))
  );
}

describe('LibraryTable', () => {
  it('answers every filter, order and count as a plain walk over the rows does, after any changes', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.tuple(filters, sorts), { minLength: 1, maxLength: 4 }),
        async (changes, asks) => {
          const table = new LibraryTable();
          const rows = new Map<string, LibraryItem>();
          // An order that is in use from the start has to follow every change.
          await table.prepare('title');
          await table.prepare('-year');
          for (const change of changes) {
            const id = typeof change === 'number' ? `s-${change}` : change.id;
            const now = typeof change === 'number' ? null : change;
            if (now) rows.set(id, now);
            else rows.delete(id);
            table.put([{ id, item: now, standing: NOTHING }]);
            // Whoever looks in between finds those that are there then.
            if (now?.files.length === 1)
              expect(table.cut(table.match(EVERYTHING, false), 'title', 0, Infinity)).to.have.length(rows.size);
          }
          // What means everything is counted on the way; a bound that all keep to has it counted anew.
          expect(table.match(EVERYTHING, true)).to.deep.equal(table.match({ ...EVERYTHING, maxPlays: 1e9 }, true));
          for (const [filter, sort] of [[EVERYTHING, 'title'] as const, ...asks]) {
            await table.prepare(sort);
            const match = table.match(filter, true);
            const ids = table.cut(match, sort, 0, Infinity);
            const wanted = [...rows.values()].filter((row) => passes(row, filter));
            expect([...ids].sort()).to.deep.equal(wanted.map(({ id }) => id).sort());
            expect(match.total).to.equal(wanted.length);
            expect(match.sizeBytes).to.equal(
              wanted.reduce((sum, row) => sum + measureOf('sizeBytes', shownOf(row, filter)), 0),
            );
            expectSorted(
              ids.flatMap((id) => rows.get(id) ?? []).map((row) => shownOf(row, filter)),
              sort,
              rows,
            );
            const codecs = new Map<string, number>();
            for (const row of rows.values())
              if (passes(row, filter, 'codec'))
                for (const codec of new Set(matching(row, filter, 'codec').flatMap((one) => facetsOf(one).codec)))
                  codecs.set(codec, (codecs.get(codec) ?? 0) + 1);
            expect(
              Object.fromEntries(match.facets?.codec.map(({ value, count }) => [value, count]) ?? []),
            ).to.deep.equal(Object.fromEntries(codecs));
            for (const row of wanted)
              expect(table.filesOf(match, row.id) ?? row.files.map(({ id }) => id)).to.deep.equal(
                shownOf(row, filter).files.map(({ id }) => id),
              );
            expect(table.cut(match, sort, 2, 3)).to.deep.equal(ids.slice(2, 5));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  function expectSorted(rows: readonly LibraryItem[], sort: string, whole: ReadonlyMap<string, LibraryItem>): void {
    const values = rows.map((row) => {
      if (sort.endsWith('title')) return textOf(whole.get(row.id) ?? row, []);
      const value = measureOf(sort.replace('-', '') as 'year', row);
      return Number.isNaN(value) ? -Infinity : value;
    });
    if (sort.startsWith('-')) values.reverse();
    for (let at = 1; at < values.length; at++)
      expect((values[at] ?? 0) >= (values[at - 1] ?? 0), JSON.stringify(values)).to.equal(true);
  }

  it('finds by series and season, by day, and by what stands elsewhere', () => {
    const table = new LibraryTable();
    const row = (id: string, change: Partial<LibraryItem>, standing: object = {}) => ({
      id,
      item: anItem({ id, ...change }),
      standing: { ...NOTHING, ...standing },
    });
    table.put([
      row('a', { show: 'Northline', season: 1, episode: 1, addedAt: '2026-03-01T23:59:00.000Z' }),
      row('b', { show: 'Northline', season: 2, episode: 1, addedAt: '2026-03-02T00:01:00.000Z' }),
      row('c', { title: 'Northline', state: 'missing' }, { states: ['suggested'], ruleIds: ['old'], savesBytes: 5 }),
    ]);
    const found = (given: object): string[] => {
      const match = table.match(LibraryFilter.parse(given), false);
      return ['a', 'b', 'c'].filter((_, slot) => match.hits[slot] === 1);
    };
    expect(found({ show: 'Northline' })).to.deep.equal(['a', 'b']);
    expect(found({ show: 'Northline', season: '2' })).to.deep.equal(['b']);
    expect(found({ addedBefore: '2026-03-01' })).to.deep.equal(['a', 'c']);
    expect(found({ addedAfter: '2026-03-02' })).to.deep.equal(['b']);
    expect(found({ state: 'missing' })).to.deep.equal(['c']);
    expect(found({ state: 'suggested,done', ruleId: 'old' })).to.deep.equal(['c']);
    expect(found({ q: 's02e01' })).to.deep.equal(['b']);
    expect(found({})).to.deep.equal(['a', 'b', 'c']);
  });

  it('follows what stands beside a title without reading the title again', async () => {
    const table = new LibraryTable();
    const items = ['a', 'b', 'c'].map((id) => anItem({ id, title: id, files: [aFile({ id: `${id}1` })] }));
    table.put(items.map((item) => ({ id: item.id, item, standing: NOTHING })));
    await table.prepare('-savesBytes');
    const saves = (id: string, savesBytes: number | null) => ({
      id,
      item: anItem({ id, title: 'unread', files: [aFile({ id: `${id}1` })] }),
      standing: { ...NOTHING, states: ['suggested'] as const, ruleIds: ['old'], savesBytes },
    });
    table.putStandings([saves('b', 5), saves('c', 9), saves('d', 99)]);
    const ask = (given: object): string[] =>
      table.cut(table.match(LibraryFilter.parse(given), false), '-savesBytes', 0, Infinity);
    expect(ask({})).to.deep.equal(['c', 'b', 'a']);
    expect(ask({ ruleId: 'old' })).to.deep.equal(['c', 'b']);
    expect(ask({ q: 'unread' })).to.deep.equal([]);
    table.putStandings([saves('b', 10)]);
    expect(ask({ state: 'suggested' })).to.deep.equal(['b', 'c']);
  });
});
