import { expect } from 'chai';
import fc from 'fast-check';
import { collectFacts, factsOf, LiveFacts } from '../../src/domain/facts.js';
import { aFile, anItem } from '../support/builders.js';

describe('library facts', () => {
  const items = [
    ...Array.from({ length: 5 }, (_, n) =>
      anItem({ file: { sizeBytes: (n + 1) * 1e9, video: { bitrateKbps: 1000 * (n + 1) } } }),
    ),
    anItem({ file: { sizeBytes: 90e9, video: { codec: 'hevc', width: 3840, height: 2160 } } }),
  ];
  const facts = factsOf(collectFacts(items));

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
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 150 }), fc.nat(3), (changes, every) => {
        const live = new LiveFacts();
        const now = new Map<string, ReturnType<typeof anItem>>();
        changes.forEach(({ id, files, missing }, n) => {
          const item = files && {
            ...anItem({ id: String(id), state: missing ? 'missing' : 'present' }),
            files: files.map(({ sizeBytes, codec, height, bitrateKbps }) =>
              aFile({ sizeBytes, video: { codec, width: 640, height, bitrateKbps } }),
            ),
          };
          live.set(String(id), item);
          if (item) now.set(String(id), item);
          else now.delete(String(id));
          if (every > 0 && n % every === 0) live.snapshot();
        });
        expect(live.snapshot()).to.deep.equal(collectFacts(now.values()));
        const present = [...now.values()].filter(({ state }) => state === 'present').flatMap(({ files }) => files);
        const ranked = present.filter(({ video }) => video?.codec !== 'hevc').map(({ sizeBytes }) => sizeBytes);
        expect(live.snapshot().largestBytes).to.deep.equal(ranked.sort((a, b) => b - a));
      }),
      { numRuns: 200 },
    );
  });
});
