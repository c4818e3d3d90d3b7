import { expect } from 'chai';
import fc from 'fast-check';
import { partsOf, priorityOf, priorityParts } from '../../../src/domain/recommendations/priority.js';
import { aFile, anItem, aRecommendation } from '../../support/builders.js';

const CONFIDENCES = ['low', 'medium', 'high'] as const;
const confidence = fc.constantFrom(...CONFIDENCES);
/** From new to old. */
const BY_AGE = ['av1', 'hevc', 'h264', 'vc1', 'mpeg4', 'msmpeg4v3', 'mpeg2video'];
const size = fc.nat(2e11);
const plays = fc.nat(20);

const of = (sizeBytes: number, codec: string, views: number, sure: (typeof CONFIDENCES)[number]): number =>
  priorityOf(priorityParts(aFile({ sizeBytes, video: { codec } }), views, sure));

describe('priority', () => {
  it('lies between 0 and 100, and so does each of its parts within its own share', () => {
    fc.assert(
      fc.property(size, fc.string(), plays, confidence, (sizeBytes, codec, views, sure) => {
        const parts = priorityParts(aFile({ sizeBytes, video: { codec } }), views, sure);
        expect(priorityOf(parts)).to.be.within(0, 100);
        expect(parts.size).to.be.within(0, 40);
        expect(parts.codecAge).to.be.within(0, 25);
        expect(parts.confidence).to.be.within(0, 20);
        expect(parts.plays).to.be.within(0, 15);
      }),
    );
  });

  it('grows with size and with confidence, and falls with plays', () => {
    fc.assert(
      fc.property(size, fc.constantFrom(...BY_AGE), plays, confidence, (sizeBytes, codec, views, sure) => {
        const here = of(sizeBytes, codec, views, sure);
        expect(of(sizeBytes * 2, codec, views, sure)).to.be.at.least(here);
        expect(of(sizeBytes, codec, views + 1, sure)).to.be.at.most(here);
        for (const more of CONFIDENCES.slice(CONFIDENCES.indexOf(sure)))
          expect(of(sizeBytes, codec, views, more)).to.be.at.least(here);
      }),
    );
  });

  it('grows with the age of the codec', () => {
    fc.assert(
      fc.property(size, plays, confidence, (sizeBytes, views, sure) => {
        const all = BY_AGE.map((codec) => of(sizeBytes, codec, views, sure));
        expect(all).to.deep.equal([...all].sort((a, b) => a - b));
        expect(all.at(-1)).to.be.greaterThan(all[0] ?? 0);
      }),
    );
  });

  it('gives a huge old file that nobody plays the most', () => {
    expect(of(60e9, 'mpeg2video', 0, 'high')).to.equal(100);
  });
});

describe('the parts of a recommendation', () => {
  it('add up to its priority', () => {
    fc.assert(
      fc.property(size, fc.constantFrom(...BY_AGE), plays, confidence, (sizeBytes, codec, views, sure) => {
        const item = anItem({ plays: views, file: { sizeBytes, video: { codec } } });
        const row = aRecommendation({ fileSizeBytes: sizeBytes, confidence: sure });
        expect(priorityOf(partsOf(row, item, item.files[0] ?? null))).to.equal(of(sizeBytes, codec, views, sure));
      }),
    );
  });

  it('of a group are those of its files together', () => {
    const row = aRecommendation({ group: { codec: 'vc1', resolution: '1080', files: 9 }, fileSizeBytes: 90e9 });
    expect(partsOf(row, null, null)).to.deep.equal({ size: 40, codecAge: 20, confidence: 12, plays: 15 });
  });

  it('are still told when the file is gone', () => {
    expect(partsOf(aRecommendation(), null, null)).to.include({ codecAge: 12.5, plays: 15 });
  });
});
