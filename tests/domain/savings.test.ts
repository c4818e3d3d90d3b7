import { expect } from 'chai';
import fc from 'fast-check';
import { Preset } from '../../src/domain/preset.js';
import { priorityOf, priorityParts } from '../../src/domain/priority.js';
import { estimateSaving } from '../../src/domain/savings.js';
import { aFile } from '../support/builders.js';

const preset = (video: object): Preset =>
  Preset.parse({
    id: 'p',
    title: 'P',
    description: 'D',
    container: 'mkv',
    video: { codec: 'hevc', quality: 23, ...video },
    audio: { codec: 'copy' },
  });

describe('estimateSaving', () => {
  it('takes about half of H.264 that fits its picture', () => {
    const file = aFile({ video: { bitrateKbps: 4000 }, bitrateKbps: 4400, sizeBytes: 4e9 });
    const { savesBytes, confidence } = estimateSaving(file, preset({}));
    expect(savesBytes / 4e9).to.be.within(0.35, 0.5);
    expect(confidence).to.equal('medium');
  });

  it('expects more of a file with bits to spare', () => {
    const lean = estimateSaving(aFile({ video: { bitrateKbps: 4000 } }), preset({})).savesBytes;
    expect(estimateSaving(aFile({ video: { bitrateKbps: 40_000 } }), preset({})).savesBytes).to.be.greaterThan(lean);
  });

  it('falls back to 40 % with low confidence', () => {
    const file = aFile({ bitrateKbps: null, video: { codec: 'cinepak', bitrateKbps: null }, sizeBytes: 1000 });
    expect(estimateSaving(file, preset({}))).to.include({ savesBytes: 360, confidence: 'low' });
  });

  it('promises nothing of a remux', () => {
    expect(estimateSaving(aFile(), preset({ codec: 'copy', quality: null })).savesBytes).to.equal(0);
  });

  it('keeps estimate and range inside the file, in order', () => {
    const codec = fc.constantFrom('h264', 'hevc', 'mpeg2video', 'vc1', 'cinepak');
    fc.assert(
      fc.property(
        codec,
        fc.nat(200_000),
        fc.nat(1e11),
        fc.integer({ min: 1, max: 51 }),
        (from, bitrateKbps, sizeBytes, quality) => {
          const saving = estimateSaving(aFile({ sizeBytes, video: { codec: from, bitrateKbps } }), preset({ quality }));
          expect(saving.lowBytes).to.be.within(0, saving.savesBytes);
          expect(saving.highBytes).to.be.within(saving.savesBytes, sizeBytes);
        },
      ),
    );
  });
});

describe('priority', () => {
  it('stays in 0 to 100 and grows with its parts', () => {
    fc.assert(
      fc.property(fc.nat(2e11), fc.nat(20), (sizeBytes, plays) => {
        const at = (size: number, views: number): number =>
          priorityOf(priorityParts(aFile({ sizeBytes: size }), views, 'medium'));
        expect(at(sizeBytes, plays)).to.be.within(0, 100);
        expect(at(sizeBytes * 2, plays)).to.be.at.least(at(sizeBytes, plays));
        expect(at(sizeBytes, plays + 1)).to.be.at.most(at(sizeBytes, plays));
      }),
    );
  });

  it('gives a huge old file that nobody plays the most', () => {
    const file = aFile({ sizeBytes: 60e9, video: { codec: 'mpeg2video' } });
    expect(priorityOf(priorityParts(file, 0, 'high'))).to.equal(100);
  });
});
