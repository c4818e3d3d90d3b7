import { expect } from 'chai';
import fc from 'fast-check';
import { encoderNamed, ENCODERS } from '../../../src/domain/presets/encoders.js';
import type { EncodePlan } from '../../../src/domain/presets/plan.js';
import { planEncode } from '../../../src/domain/presets/plan-encode.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import { EncodeSpeed } from '../../../src/domain/presets/video-target.js';
import type { ProbedStream } from '../../../src/domain/jobs/probe.js';
import { encodeSteps } from '../../../src/ffmpeg/args.js';
import { videoArgs } from '../../../src/ffmpeg/video-args.js';

const HARDWARE = ENCODERS.filter(({ hardware }) => hardware !== null);
const SPEEDS = EncodeSpeed.options;
const node = '/dev/dri/renderD128';

const aPreset = (video: object = {}, container = 'mkv'): Preset =>
  Preset.parse({
    ...{ id: 'p', title: 'P', description: 'D', container, audio: { codec: 'copy' } },
    video: { codec: 'hevc', quality: 22, ...video },
  });

type Film = 'sdr' | 'ten-bit' | 'hdr10' | 'hlg';
const FILMS: readonly Film[] = ['sdr', 'ten-bit', 'hdr10', 'hlg'];
const stream = (change: Partial<ProbedStream>): ProbedStream => ({
  ...{ index: 0, kind: 'video', codec: 'h264', profile: null, language: null, title: null, bitrateKbps: null },
  ...{ flags: [], width: 320, height: 180, pixelFormat: 'yuv420p', bitDepth: 8, fps: 25, variableFrameRate: false },
  ...{ interlaced: false, colorPrimaries: null, colorTransfer: null, colorSpace: null, colorRange: null },
  ...{ channels: null, channelLayout: null, sampleRate: null, filename: null, mimetype: null },
  ...change,
});
function planOf(film: Film, preset: Preset, more: readonly ProbedStream[] = []): EncodePlan {
  const hdr = film === 'sdr' || film === 'ten-bit' ? 'sdr' : film;
  const depth = film === 'sdr' ? {} : { pixelFormat: 'yuv420p10le', bitDepth: 10 };
  const curve = film === 'hlg' ? 'arib-std-b67' : 'smpte2084';
  const colours = hdr === 'sdr' ? {} : { colorPrimaries: 'bt2020', colorTransfer: curve, colorSpace: 'bt2020nc' };
  return planEncode(
    {
      ...{ path: '/a', container: 'mkv', durationSec: 60, sizeBytes: 1e9, bitrateKbps: null, chapters: 0 },
      ...{ hdr, dolbyVisionProfile: null, mastering: null, streams: [stream({ ...depth, ...colours }), ...more] },
    },
    preset,
  );
}
const argsOf = (plan: EncodePlan, encoder: string, device: string | null): string[] =>
  (encodeSteps(plan, { encoder, device }).at(-1)?.args ?? []).map((arg) =>
    typeof arg === 'string' ? arg : JSON.stringify(arg),
  );

describe('arguments for graphics cards', () => {
  const cases: [string, Film, object, string, string | null, string[]][] = [
    [
      'NVENC in 8 bit',
      'sdr',
      { speed: 'slow', tune: 'grain' },
      'hevc_nvenc',
      null,
      [
        '-xerror -protocol_whitelist',
        '-c:v:0 hevc_nvenc -preset:v:0 p5 -tune:v:0 hq -rc:v:0 vbr -cq:v:0 22 -b:v:0 0 -pix_fmt:v:0 yuv420p',
      ],
    ],
    [
      'NVENC in 10 bit, with HDR colours',
      'hlg',
      {},
      'hevc_nvenc',
      null,
      [
        '-b:v:0 0 -pix_fmt:v:0 p010le',
        '-color_primaries:v:0 bt2020 -color_trc:v:0 arib-std-b67 -colorspace:v:0 bt2020nc',
      ],
    ],
    ['NVENC that scales', 'sdr', { maxHeight: 144 }, 'hevc_nvenc', null, ['-filter:v:0 scale=256:144:flags=lanczos']],
    [
      'Quick Sync at a node',
      'ten-bit',
      { speed: 'superfast' },
      'hevc_qsv',
      node,
      [
        `-init_hw_device vaapi=va:${node} -init_hw_device qsv=hw@va -protocol_whitelist`,
        '-c:v:0 hevc_qsv -preset:v:0 veryfast -global_quality:v:0 22 -pix_fmt:v:0 p010le',
      ],
    ],
    [
      'Quick Sync without nodes',
      'sdr',
      { codec: 'h264' },
      'h264_qsv',
      null,
      ['-init_hw_device qsv=hw -', '-c:v:0 h264_qsv -preset:v:0 medium -global_quality:v:0 22 -pix_fmt:v:0 nv12'],
    ],
    [
      'VAAPI, uploaded last',
      'sdr',
      { maxHeight: 144 },
      'hevc_vaapi',
      node,
      [
        `-vaapi_device ${node} -protocol_whitelist`,
        '-c:v:0 hevc_vaapi -rc_mode:v:0 CQP -qp:v:0 22 -filter:v:0 scale=256:144:flags=lanczos,format=nv12,hwupload -',
      ],
    ],
    [
      'VAAPI in 10 bit',
      'ten-bit',
      {},
      'hevc_vaapi',
      node,
      ['-qp:v:0 22 -filter:v:0 format=p010le,hwupload -disposition'],
    ],
    [
      'AV1 with VAAPI, which has no -qp',
      'sdr',
      { codec: 'av1', quality: 30 },
      'av1_vaapi',
      node,
      ['-rc_mode:v:0 CQP -global_quality:v:0 120 -filter'],
    ],
    [
      'HDR turned into SDR before the upload',
      'hdr10',
      { bitDepth: '8', toneMap: 'sdr' },
      'hevc_vaapi',
      node,
      ['zscale=t=bt709:m=bt709:r=tv,format=yuv420p,format=nv12,hwupload -color_primaries:v:0 bt709'],
    ],
    [
      'VideoToolbox',
      'ten-bit',
      {},
      'hevc_videotoolbox',
      null,
      ['-c:v:0 hevc_videotoolbox -q:v:0 65 -allow_sw:v:0 0 -pix_fmt:v:0 p010le'],
    ],
  ];
  for (const [what, clip, video, encoder, device, parts] of cases) {
    it(`are written for ${what}`, () => {
      const line = argsOf(planOf(clip, aPreset(video)), encoder, device).join(' ');
      for (const part of parts) expect(line).to.contain(part);
    });
  }

  it('keep the tag that Apple wants', () => {
    const line = argsOf(planOf('sdr', aPreset({}, 'mp4')), 'hevc_nvenc', null).join(' ');
    expect(line).to.contain('-tag:v:0 hvc1');
  });

  it('open no device to take out a cover, or to copy', () => {
    const cover = stream({ index: 1, kind: 'cover', codec: 'mjpeg' });
    const steps = encodeSteps(planOf('sdr', aPreset(), [cover]), { encoder: 'hevc_vaapi', device: node });
    expect(steps.map(({ args }) => args.includes('-vaapi_device'))).to.deep.equal([false, true]);
    const remux = planOf('sdr', aPreset({ codec: 'copy', quality: null }));
    expect(encodeSteps(remux, { encoder: 'hevc_vaapi', device: node })).to.deep.equal(encodeSteps(remux));
  });

  it('hold nothing that only software encoders know', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FILMS),
        fc.constantFrom(...HARDWARE),
        fc.constantFrom(...SPEEDS),
        fc.constantFrom('film', 'animation', 'grain', 'none'),
        fc.integer({ min: 1, max: 51 }),
        fc.constantFrom(null, 144),
        (film, { name, codec }, speed, tune, quality, maxHeight) => {
          // H.264 is planned in 8 bit only.
          if (codec === 'h264' && (film === 'hdr10' || film === 'hlg')) return;
          const args = argsOf(planOf(film, aPreset({ codec, speed, tune, quality, maxHeight })), name, node);
          expect(args.filter((arg) => /^-(crf|x264-params|x265-params|svtav1-params)\b/.test(arg))).to.deep.equal([]);
          const value = (option: string): string | undefined => args[args.indexOf(option) + 1];
          expect(['film', 'animation', 'grain']).not.to.include(args.includes('-tune:v:0') ? value('-tune:v:0') : '');
          if (args.includes('-pix_fmt:v:0')) expect(['yuv420p', 'nv12', 'p010le']).to.include(value('-pix_fmt:v:0'));
          if (args.includes('-preset:v:0')) {
            expect(value('-preset:v:0')).to.match(
              name.endsWith('nvenc') ? /^p[1-7]$/ : /^(very)?(fast|slow)(er)?$|^medium$/,
            );
          }
          const qualities = args.filter((arg) => /^-(cq|global_quality|qp|q):v:0$/.test(arg));
          expect(qualities).to.have.length(1);
          expect(Number(value(qualities[0] ?? ''))).to.be.within(1, name === 'av1_vaapi' ? 255 : 100);
        },
      ),
    );
  });
});

/** Every encoder with a plain film in 10 bit at CRF 22 and medium effort: what it is told, and how it is handed the pictures. */
const TOLD: Readonly<Record<string, string>> = {
  libx265: '-preset:v:0 medium -crf:v:0 22 -pix_fmt:v:0 yuv420p10le',
  libx264: '-preset:v:0 medium -crf:v:0 22 -pix_fmt:v:0 yuv420p10le',
  libsvtav1: '-preset:v:0 6 -crf:v:0 22 -pix_fmt:v:0 yuv420p10le',
  hevc_nvenc: '-preset:v:0 p4 -tune:v:0 hq -rc:v:0 vbr -cq:v:0 22 -b:v:0 0 -pix_fmt:v:0 p010le',
  h264_nvenc: '-preset:v:0 p4 -tune:v:0 hq -rc:v:0 vbr -cq:v:0 22 -b:v:0 0 -pix_fmt:v:0 p010le',
  av1_nvenc: '-preset:v:0 p4 -tune:v:0 hq -rc:v:0 vbr -cq:v:0 22 -b:v:0 0 -pix_fmt:v:0 p010le',
  hevc_qsv: '-preset:v:0 medium -global_quality:v:0 22 -pix_fmt:v:0 p010le',
  h264_qsv: '-preset:v:0 medium -global_quality:v:0 22 -pix_fmt:v:0 p010le',
  av1_qsv: '-preset:v:0 medium -global_quality:v:0 18 -pix_fmt:v:0 p010le',
  hevc_vaapi: '-rc_mode:v:0 CQP -qp:v:0 22 -filter:v:0 format=p010le,hwupload',
  h264_vaapi: '-rc_mode:v:0 CQP -qp:v:0 22 -filter:v:0 format=p010le,hwupload',
  av1_vaapi: '-rc_mode:v:0 CQP -global_quality:v:0 88 -filter:v:0 format=p010le,hwupload',
  hevc_videotoolbox: '-q:v:0 65 -allow_sw:v:0 0 -pix_fmt:v:0 p010le',
  h264_videotoolbox: '-q:v:0 65 -allow_sw:v:0 0 -pix_fmt:v:0 p010le',
};
const EFFORTS: readonly [string, string][] = [
  ['libx265', SPEEDS.join(' ')],
  ['libx264', SPEEDS.join(' ')],
  ['libsvtav1', '12 11 10 9 8 6 5 4 3'],
  ['hevc_nvenc', 'p1 p1 p1 p2 p3 p4 p5 p6 p7'],
  ['hevc_qsv', 'veryfast veryfast veryfast faster fast medium slow slower veryslow'],
];

describe('an encoder', () => {
  for (const { name } of ENCODERS) {
    it(`${name} is told all it needs`, () => {
      const plan = { ...planOf('ten-bit', aPreset()), pixelFormat: 'yuv420p10le' };
      const [planned] = plan.streams;
      expect(planned && videoArgs(plan, planned, 'v:0', name).join(' ')).to.equal(`-c:v:0 ${name} ${TOLD[name] ?? ''}`);
    });
  }

  it('works at its own efforts', () => {
    for (const [name, efforts] of EFFORTS) {
      const told = SPEEDS.map((speed) => encoderNamed(name)?.args({ quality: 22, speed, tune: 'none' }, 'v:0')[1]);
      expect(told.join(' '), name).to.equal(efforts);
    }
  });
});

describe("a preset's quality for each encoder", () => {
  const cases: [string, number, number][] = [
    ['libx265', 22, 22],
    ['libx264', 51, 51],
    ['libsvtav1', 63, 63],
    ['hevc_nvenc', 22, 22],
    ['h264_nvenc', 51, 51],
    ['av1_nvenc', 35, 35],
    ['av1_nvenc', 63, 51],
    ['hevc_qsv', 1, 1],
    ['h264_qsv', 60, 51],
    ['av1_qsv', 63, 51],
    ['av1_qsv', 30, 24],
    ['hevc_vaapi', 22, 22],
    ['h264_vaapi', 51, 51],
    ['av1_vaapi', 30, 120],
    ['av1_vaapi', 63, 252],
    ['hevc_videotoolbox', 1, 98],
    ['hevc_videotoolbox', 22, 65],
    ['h264_videotoolbox', 51, 18],
  ];
  for (const [encoder, crf, expected] of cases) {
    it(`of CRF ${crf} is ${expected} for ${encoder}`, () => {
      expect(encoderNamed(encoder)?.quality(crf)).to.equal(expected);
    });
  }

  it('is known of every one', () => {
    expect(new Set(cases.map(([name]) => name))).to.deep.equal(new Set(ENCODERS.map(({ name }) => name)));
  });

  it('is never 0, never out of range, and no better for a worse CRF', () => {
    for (const { name, hardware, quality, maxQuality } of HARDWARE) {
      const all = Array.from({ length: 63 }, (_, n) => quality(n + 1));
      expect(Math.min(...all), name).to.be.at.least(1);
      expect(Math.max(...all), name).to.be.at.most(maxQuality);
      const rising = hardware?.id === 'videotoolbox' ? all.toReversed() : all;
      expect(
        [...rising].sort((a, b) => a - b),
        name,
      ).to.deep.equal(rising);
    }
  });
});
