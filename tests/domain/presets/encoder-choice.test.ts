import { expect } from 'chai';
import fc from 'fast-check';
import {
  afterHardwareFailure,
  chooseEncoder,
  encoderNeeds,
  type HardwareFallback,
  type EncoderNeeds,
} from '../../../src/domain/presets/encoder-choice.js';
import {
  ENCODERS,
  hardwareEncoders,
  isHardwareEncoder,
  softwareEncoder,
} from '../../../src/domain/presets/encoders.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import type { EncoderSupport } from '../../../src/domain/workers/worker.js';

const found = (name: string, change: Partial<EncoderSupport> = {}): EncoderSupport => ({
  ...{ name, works: true, tenBit: true, error: null, device: null },
  ...change,
});
const broken = (name: string, error = 'Cannot load libcuda.so.1'): EncoderSupport =>
  found(name, { works: false, tenBit: false, error });
const needs = (change: Partial<EncoderNeeds> = {}): EncoderNeeds => ({
  ...{ codec: 'hevc', tenBit: false, mastering: false },
  ...change,
});
const x265 = found('libx265');
const nvenc = found('hevc_nvenc');
const qsv = found('hevc_qsv', { device: '/dev/dri/renderD129' });
const vaapi = found('hevc_vaapi', { device: '/dev/dri/renderD128' });
const eightBit = { tenBit: false };

describe('the choice of an encoder', () => {
  const cases: [string, EncoderNeeds, EncoderSupport[], 'gpu' | 'cpu', string | null, RegExp][] = [
    ['a proved card', needs(), [x265, nvenc], 'gpu', 'hevc_nvenc', /graphics card.*passed its test in 8 bit/],
    ['a card proved in 10 bit', needs({ tenBit: true }), [x265, nvenc], 'gpu', 'hevc_nvenc', /10 bit/],
    ['NVENC before the others', needs(), [x265, vaapi, qsv, nvenc], 'gpu', 'hevc_nvenc', /./],
    ['Quick Sync before VAAPI', needs(), [x265, vaapi, qsv, broken('hevc_nvenc')], 'gpu', 'hevc_qsv', /./],
    ['VAAPI before Apple', needs(), [found('hevc_videotoolbox'), vaapi], 'gpu', 'hevc_vaapi', /./],
    ['Apple when there is no other', needs(), [x265, found('hevc_videotoolbox')], 'gpu', 'hevc_videotoolbox', /./],
    ['a card where the processor has no encoder', needs(), [broken('libx265'), nvenc], 'gpu', 'hevc_nvenc', /./],
    [
      'the next card when the first makes 8 bit only',
      needs({ tenBit: true }),
      [x265, { ...nvenc, ...eightBit }, vaapi],
      'gpu',
      'hevc_vaapi',
      /10 bit/,
    ],
    [
      'the processor when cards make 8 bit only',
      needs({ tenBit: true }),
      [x265, { ...nvenc, ...eightBit }],
      'gpu',
      'libx265',
      /hevc_nvenc makes 8 bit only here, and this film needs 10/,
    ],
    ['the processor without a card', needs(), [x265, broken('hevc_nvenc')], 'gpu', 'libx265', /no graphics card.*HEVC/],
    ['no card of another codec', needs(), [x265, found('h264_nvenc')], 'gpu', 'libx265', /no graphics card/],
    ['the processor for HDR10 metadata', needs({ mastering: true }), [x265, nvenc], 'gpu', 'libx265', /HDR10 metadata/],
    ['the processor when asked for', needs(), [x265, nvenc], 'cpu', 'libx265', /leaves the graphics card out/],
    ['nothing when the processor is asked for and fails', needs(), [broken('libx265'), nvenc], 'cpu', null, /libx265/],
    ['nothing that does not work', needs(), [broken('libx265', 'no such thing')], 'gpu', null, /\(no such thing\)/],
    [
      'no card for HDR10 metadata, even when the processor cannot',
      needs({ mastering: true }),
      [broken('libx265'), nvenc],
      'gpu',
      null,
      /libx265.*graphics card would do, but may lose/,
    ],
    ['nothing where nothing is', needs({ codec: 'av1' }), [], 'gpu', null, /libsvtav1.*Install a full ffmpeg/],
    [
      'nothing when 10 bit is needed and 8 is there',
      needs({ tenBit: true }),
      [{ ...x265, ...eightBit }],
      'gpu',
      null,
      /libx265 makes 8 bit only/,
    ],
  ];
  for (const [what, wanted, encoders, preference, encoder, why] of cases) {
    it(`takes ${what}`, () => {
      const choice = chooseEncoder(wanted, encoders, preference);
      expect(choice.encoder).to.equal(encoder);
      expect(choice.why).to.match(why).and.match(/\.$/);
    });
  }

  it('names the render node', () => {
    expect(chooseEncoder(needs(), [x265, qsv], 'gpu')).to.include({ device: '/dev/dri/renderD129', isHardware: true });
    expect(chooseEncoder(needs(), [x265, qsv], 'cpu')).to.include({ device: null, isHardware: false });
  });

  const support = fc.record({
    name: fc.constantFrom(...ENCODERS.map(({ name }) => name)),
    works: fc.boolean(),
    tenBit: fc.boolean(),
    error: fc.constant(null),
    device: fc.constantFrom(null, '/dev/dri/renderD128'),
  });
  it('never takes what is not proved, loses no metadata, and obeys', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(support, { selector: ({ name }) => name }),
        fc.record({ codec: fc.constantFrom('hevc', 'h264', 'av1'), tenBit: fc.boolean(), mastering: fc.boolean() }),
        fc.constantFrom('gpu', 'cpu'),
        (encoders, wanted, preference) => {
          const choice = chooseEncoder(wanted, encoders, preference);
          const fits = encoders.filter(({ works, tenBit }) => works && (tenBit || !wanted.tenBit));
          if (choice.encoder === null) {
            expect(fits.map(({ name }) => name)).not.to.include(softwareEncoder(wanted.codec).name);
            return;
          }
          expect(fits.map(({ name }) => name)).to.include(choice.encoder);
          const own = [softwareEncoder(wanted.codec), ...hardwareEncoders(wanted.codec)];
          expect(own.map(({ name }) => name)).to.include(choice.encoder);
          expect(choice.isHardware).to.equal(isHardwareEncoder(choice.encoder));
          if (preference === 'cpu' || wanted.mastering) expect(choice.isHardware).to.equal(false);
        },
      ),
    );
  });
});

describe('what a plan needs of an encoder', () => {
  const plan = (codec: string, pixelFormat: string | null, mastering: object | null) => ({
    preset: Preset.parse({
      ...{ id: 'p', title: 'P', description: 'D', container: 'mkv', audio: { codec: 'copy' } },
      video: { codec, quality: codec === 'copy' ? null : 22 },
    }),
    pixelFormat,
    mastering: mastering as { display: string | null; lightLevel: string | null } | null,
  });

  it('is its codec, its depth, and whether metadata must survive', () => {
    const nothing = { display: null, lightLevel: null };
    expect(encoderNeeds(plan('copy', null, null))).to.equal(null);
    expect(encoderNeeds(plan('h264', 'yuv420p', null))).to.deep.equal(needs({ codec: 'h264' }));
    expect(encoderNeeds(plan('hevc', 'yuv420p10le', nothing))).to.deep.equal(needs({ tenBit: true }));
    for (const part of [{ display: 'G(1,1)' }, { lightLevel: '1000,400' }]) {
      expect(encoderNeeds(plan('av1', 'yuv420p10le', { ...nothing, ...part }))).to.include({ mastering: true });
    }
  });
});

describe('after a graphics card failed', () => {
  it('does what the owner chose, and fails when that is not possible', () => {
    const what = (policy: HardwareFallback, otherWorkers: number, softwareWorks: boolean): string =>
      afterHardwareFailure(policy, { otherWorkers, softwareWorks }).then;
    expect(what('fail', 3, true)).to.equal('fail');
    expect(what('other-worker', 1, false)).to.equal('other-worker');
    expect(what('other-worker', 0, true)).to.equal('fail');
    expect(what('cpu', 3, true)).to.equal('cpu');
    expect(what('cpu', 3, false)).to.equal('fail');
  });
});
