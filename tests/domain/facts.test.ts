import { expect } from 'chai';
import { collectFacts, factsOf } from '../../src/domain/facts.js';
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
});
