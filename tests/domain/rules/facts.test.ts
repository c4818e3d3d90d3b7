import { expect } from 'chai';
import fc from 'fast-check';
import type { LibraryItem } from '../../../src/domain/library/library.js';
import { collectFacts, factsOf, LiveFacts } from '../../../src/domain/rules/facts.js';
import { aFile, anItem } from '../../support/builders.js';

describe('library facts', () => {
  const items = [
    ...Array.from({ length: 5 }, (_, n) =>
      anItem({ file: { sizeBytes: (n + 1) * 1e9, video: { bitrateKbps: 1000 * (n + 1) } } }),
    ),
    anItem({ file: { sizeBytes: 90e9, video: { codec: 'hevc', width: 3840, height: 2160 } } }),
  ];
  const facts = factsOf(collectFacts(items).snapshot);

  it('averages bit rates per resolution, and not from a handful', () => {
    expect(facts.averageBitrateKbps('1080')).to.equal(3000);
    expect(facts.averageBitrateKbps('4k')).to.equal(null);
  });

  it('ranks by size among what is not yet efficient', () => {
    expect(facts.sizeRank(aFile({ sizeBytes: 5e9 }))).to.equal(1);
    expect(facts.sizeRank(aFile({ sizeBytes: 3e9 }))).to.equal(3);
    expect(facts.sizeRank(aFile({ sizeBytes: 1 }))).to.equal(6);
  });

  it('counts files alike', () => {
    expect(facts.similar(aFile())).to.equal(5);
    expect(facts.similar(aFile({ video: { codec: 'vc1' } }))).to.equal(0);
  });

  it('knows which titles are the same film in the same edition', () => {
    const known = new Map([
      ['1', anItem({ id: '1' })],
      ['2', anItem({ id: '2', sectionId: '2' })],
      ['3', anItem({ id: '3', edition: "Director's Cut" })],
      ['4', anItem({ id: '4', guid: 'local://4', title: 'Amélie', year: 2001 })],
      ['5', anItem({ id: '5', guid: 'local://5', title: 'AMELIE', year: 2001 })],
      ['6', anItem({ id: '6', guid: 'local://6', title: 'Amelie', year: null })],
      ['7', anItem({ id: '7', serverId: 'another' })],
    ]);
    const live = new LiveFacts((id) => known.get(id) ?? null);
    for (const [id, item] of known) live.set(id, item);
    const copies = (id: string) => live.copiesOf(id).map((item) => item.id);
    expect(['1', '2', '3', '4', '5', '6', '7'].map(copies)).to.deep.equal([['2'], ['1'], [], ['5'], ['4'], [], []]);
    live.set('2', null);
    expect(copies('1')).to.deep.equal([]);
    live.set('2', anItem({ id: '2' }));
    live.set('1', { ...anItem({ id: '1' }), state: 'missing' });
    expect(copies('2')).to.deep.equal([]);
  });

  it('knows who is in a group, and an example of it', () => {
    const live = new LiveFacts(() => null);
    live.set('1', anItem());
    live.set('2', { ...anItem(), files: [aFile(), aFile({ video: { hdr: 'dolby-vision' } })] });
    expect(live.itemIdsOf('h264/1080')).to.deep.equal(['1', '2']);
    expect(live.snapshot().groups['h264/1080']).to.deep.equal([2, 24e9]);
    live.set('1', anItem({ file: { video: { codec: 'hevc' } } }));
    expect(live.examples()).to.deep.equal([
      { group: 'h264/1080', itemId: '2' },
      { group: 'hevc/1080', itemId: '1' },
    ]);
  });

  it('follow changes item by item without drifting', () => {
    const file = fc.record({
      sizeBytes: fc.integer({ min: 1, max: 9 }),
      codec: fc.constantFrom('h264', 'hevc', 'mpeg4'),
      height: fc.constantFrom(480, 1080),
      bitrateKbps: fc.option(fc.double({ min: 0.1, max: 9, noNaN: true })),
    });
    const change = fc.record({
      id: fc.nat(4),
      files: fc.option(fc.array(file, { maxLength: 3 })),
      missing: fc.boolean(),
      film: fc.nat(2),
    });
    const idsOf = (items: readonly LibraryItem[]): string[] => items.map(({ id }) => id).sort();
    fc.assert(
      fc.property(fc.array(change, { maxLength: 150 }), fc.nat(3), (changes, every) => {
        const now = new Map<string, LibraryItem>();
        const live = new LiveFacts((id) => now.get(id) ?? null);
        changes.forEach(({ id, files, missing, film }, n) => {
          const item = files && {
            ...anItem({ id: String(id), guid: `plex://movie/${film}`, state: missing ? 'missing' : 'present' }),
            files: files.map(({ sizeBytes, codec, height, bitrateKbps }) =>
              aFile({ sizeBytes, video: { codec, width: 640, height, bitrateKbps } }),
            ),
          };
          live.set(String(id), item);
          if (item) now.set(String(id), item);
          else now.delete(String(id));
          if (every > 0 && n % every === 0) live.snapshot();
        });
        const anew = collectFacts(now.values());
        expect(live.snapshot()).to.deep.equal(anew.snapshot);
        for (const id of now.keys()) expect(idsOf(live.copiesOf(id))).to.deep.equal(idsOf(anew.copiesOf(id)));
        const present = [...now.values()].filter(({ state }) => state === 'present').flatMap(({ files }) => files);
        const ranked = present.filter(({ video }) => video?.codec !== 'hevc').map(({ sizeBytes }) => sizeBytes);
        expect(live.snapshot().largestBytes).to.deep.equal(ranked.sort((a, b) => b - a));
      }),
      { numRuns: 200 },
    );
  });
});
