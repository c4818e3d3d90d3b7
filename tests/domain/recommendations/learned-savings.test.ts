import { expect } from 'chai';
import fc from 'fast-check';
import {
  LearnedSavings,
  savingSampleOf,
  type SavingSample,
} from '../../../src/domain/recommendations/learned-savings.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import { estimateSaving } from '../../../src/domain/recommendations/savings.js';
import { aFile, aJob } from '../../support/builders.js';

const KIND = { fromCodec: 'h264', toCodec: 'hevc', resolution: '1080', recipe: 'p' } as const;
const preset = Preset.parse({
  id: 'p',
  title: 'P',
  description: 'D',
  container: 'mkv',
  video: { codec: 'hevc', quality: 23 },
  audio: { codec: 'copy' },
});

function taught(samples: readonly number[], kind: Partial<SavingSample> = {}): LearnedSavings {
  const learned = new LearnedSavings();
  for (const remains of samples) learned.add({ ...KIND, ...kind, remains });
  return learned;
}

const RANK = { low: 0, medium: 1, high: 2 };
/** Shares around `of`, none further away than `by`. */
const around = (of: number, by: number) => fc.double({ min: of - by, max: of + by, noNaN: true });
const ratio = fc.double({ min: 0.2, max: 0.9, noNaN: true });
const anything = fc.double({ min: 0.001, max: 5, noNaN: true });

describe('learned savings', () => {
  it('come within 10 % of the true ratio after 20 samples', () => {
    const scattered = ratio.chain((truth) =>
      fc.record({
        truth: fc.constant(truth),
        samples: fc.array(around(truth, truth * 0.12), { minLength: 20, maxLength: 60 }),
      }),
    );
    fc.assert(
      fc.property(scattered, ({ truth, samples }) => {
        // The mean of what was drawn is the truth these samples tell of.
        const told = samples.reduce((sum, value) => sum + value, 0) / samples.length;
        fc.pre(Math.abs(told / truth - 1) < 0.03);
        expect((taught(samples).ratioOf(KIND)?.remains ?? 0) / truth).to.be.within(0.9, 1.1);
      }),
    );
  });

  it('are not moved beyond 10 % by a few wild samples', () => {
    const polluted = ratio.chain((truth) =>
      fc.record({
        truth: fc.constant(truth),
        samples: fc.array(around(truth, truth * 0.05), { minLength: 20, maxLength: 40 }),
        wild: fc.array(anything, { minLength: 1, maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(polluted, fc.boolean(), ({ truth, samples, wild }, first) => {
        const learned = taught(first ? [...wild, ...samples] : [...samples, ...wild]);
        expect((learned.ratioOf(KIND)?.remains ?? 0) / truth).to.be.within(0.9, 1.1);
      }),
    );
  });

  it('keep estimate and range inside the file, in order, whatever they were taught', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 30 }), fc.nat(1e11), (samples, sizeBytes) => {
        const { lowBytes, savesBytes, highBytes } = estimateSaving(aFile({ sizeBytes }), preset, taught(samples));
        expect(lowBytes).to.be.within(0, savesBytes);
        expect(highBytes).to.be.within(savesBytes, sizeBytes);
      }),
    );
  });

  it('change nothing before the third sample, however wild the first two are', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 2 }), fc.nat(1e11), (samples, sizeBytes) => {
        const file = aFile({ sizeBytes });
        expect(estimateSaving(file, preset, taught(samples))).to.deep.equal(estimateSaving(file, preset));
      }),
    );
    expect(estimateSaving(aFile(), preset, taught([0.5, 0.5, 0.5]))).to.include({ basis: 'learned', samples: 3 });
  });

  it('never lose confidence when samples of the same ratio are added, from whatever resolution and preset', () => {
    const kind = fc.record({
      resolution: fc.constantFrom('1080' as const, '720' as const),
      recipe: fc.constantFrom('p', 'q'),
    });
    fc.assert(
      fc.property(ratio, fc.array(kind, { maxLength: 40 }), (remains, kinds) => {
        const learned = new LearnedSavings();
        let before = RANK[estimateSaving(aFile(), preset, learned).confidence];
        for (const some of kinds) {
          learned.add({ ...KIND, ...some, remains });
          const now = RANK[estimateSaving(aFile(), preset, learned).confidence];
          expect(now).to.be.at.least(before);
          before = now;
        }
      }),
    );
  });

  it('become certain with many samples that agree, and stay careful with few or scattered ones', () => {
    const many = Array.from({ length: 8 }, () => 0.5);
    expect(taught(many).ratioOf(KIND)?.confidence).to.equal('high');
    expect(taught([0.5, 0.5, 0.5]).ratioOf(KIND)?.confidence).to.equal('medium');
    expect(taught([0.2, 0.5, 0.8]).ratioOf(KIND)?.confidence).to.equal('low');
    expect(taught(many, { recipe: 'q' }).ratioOf(KIND)?.confidence).to.equal('medium');
  });

  it('prefer the same preset, then the same resolution, then the same codecs', () => {
    const learned = taught([0.9, 0.9, 0.9], { resolution: '4k', recipe: 'other' });
    expect(learned.ratioOf(KIND)?.remains).to.equal(0.9);
    for (const remains of [0.7, 0.7, 0.7]) learned.add({ ...KIND, recipe: 'other', remains });
    expect(learned.ratioOf(KIND)?.remains).to.equal(0.7);
    for (const remains of [0.4, 0.4, 0.4]) learned.add({ ...KIND, remains });
    expect(learned.ratioOf(KIND)?.remains).to.equal(0.4);
    expect(learned.ratioOf({ ...KIND, fromCodec: 'vc1' })).to.equal(null);
  });

  it('narrow their range the more jobs agree', () => {
    const width = (samples: number[]): number => {
      const answer = taught(samples).ratioOf(KIND);
      return (answer?.mostRemains ?? 0) - (answer?.leastRemains ?? 0);
    };
    const few = [0.45, 0.5, 0.55];
    expect(width([...few, ...few, ...few, ...few])).to.be.lessThan(width(few));
  });
});

describe('savingSampleOf', () => {
  const done = aJob({ state: 'done', outputVideoCodec: 'hevc', sizeBeforeBytes: 1000, sizeAfterBytes: 400 });
  const source = { codec: 'h264', width: 1920, height: 804, fps: 24, durationSec: 60 };

  it('reads a finished job', () => {
    expect(savingSampleOf({ ...done, source }, 'balanced')).to.deep.equal({
      ...KIND,
      recipe: 'balanced',
      remains: 0.4,
    });
  });

  it('reads jobs of older versions by their streams, past the cover', () => {
    const streamsBefore = ['cover mjpeg 600x900', 'video mpeg2video 720x576 8 bit, eng', 'audio ac3 6 channels'];
    const sample = savingSampleOf({ ...done, streamsBefore }, 'balanced');
    expect(sample).to.include({ fromCodec: 'mpeg2video', resolution: '576' });
  });

  it('learns nothing of copies, of jobs that did not end well and of those that do not tell', () => {
    expect(savingSampleOf({ ...done, source, outputVideoCodec: null }, 'balanced')).to.equal(null);
    expect(savingSampleOf({ ...done, source, state: 'failed' }, 'balanced')).to.equal(null);
    expect(savingSampleOf({ ...done, source, sizeAfterBytes: 0 }, 'balanced')).to.equal(null);
    expect(savingSampleOf(done, 'balanced')).to.equal(null);
  });
});
