import { expect } from 'chai';
import { describePlan, planEncode } from '../../../src/domain/presets/plan-encode.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import type { Probe, ProbedStream } from '../../../src/domain/jobs/probe.js';
import { EncodePlan } from '../../../src/domain/presets/plan.js';

const aStream = (change: Partial<ProbedStream>): ProbedStream => ({
  index: 0,
  kind: 'video',
  codec: 'h264',
  profile: null,
  language: null,
  title: null,
  bitrateKbps: null,
  flags: [],
  width: null,
  height: null,
  pixelFormat: null,
  bitDepth: null,
  fps: null,
  variableFrameRate: false,
  interlaced: false,
  colorPrimaries: null,
  colorTransfer: null,
  colorSpace: null,
  colorRange: null,
  channels: null,
  channelLayout: null,
  sampleRate: null,
  filename: null,
  mimetype: null,
  ...change,
});
const film = (change: Partial<ProbedStream> = {}): ProbedStream =>
  aStream({ width: 1920, height: 1080, pixelFormat: 'yuv420p', bitDepth: 8, fps: 24, ...change });
const aProbe = (streams: ProbedStream[], change: Partial<Probe> = {}): Probe => ({
  path: '/a.mkv',
  container: 'mkv',
  durationSec: 60,
  sizeBytes: 1e9,
  bitrateKbps: 8000,
  chapters: 3,
  hdr: 'sdr',
  dolbyVisionProfile: null,
  mastering: null,
  streams: streams.map((stream, index) => ({ ...stream, index })),
  ...change,
});
const aPreset = (change: { container?: string; video?: object; audio?: object; subtitles?: string } = {}): Preset =>
  Preset.parse({
    id: 'p',
    title: 'P',
    description: 'D',
    container: 'keep',
    ...change,
    video: { codec: 'hevc', quality: 22, ...change.video },
    audio: { codec: 'copy', ...change.audio },
  });
const audio = (codec: string, channels: number): ProbedStream =>
  aStream({ kind: 'audio', codec, channels, language: 'eng' });
const subtitle = (codec: string): ProbedStream => aStream({ kind: 'subtitle', codec });

describe('planEncode', () => {
  it('encodes the film and keeps everything else in Matroska', () => {
    const font = aStream({ kind: 'attachment', codec: 'ttf' });
    const cover = aStream({ kind: 'cover', codec: 'mjpeg' });
    const plan = planEncode(
      aProbe([film(), audio('truehd', 8), subtitle('hdmv_pgs_subtitle'), font, cover]),
      aPreset(),
    );
    expect(EncodePlan.parse(plan)).to.include({
      container: 'mkv',
      extension: '.mkv',
      pixelFormat: 'yuv420p',
      chapters: 3,
    });
    expect(plan.streams.map(({ action, codec }) => `${action} ${codec}`)).to.deep.equal([
      'encode hevc',
      'copy truehd',
      'copy hdmv_pgs_subtitle',
      'copy ttf',
      'copy mjpeg',
    ]);
    expect(plan.dropped).to.deep.equal([]);
  });

  it('names what MP4 cannot hold and converts what it can', () => {
    const probe = aProbe([
      film(),
      audio('pcm_s16le', 2),
      subtitle('ass'),
      subtitle('dvd_subtitle'),
      aStream({ kind: 'attachment', codec: 'ttf' }),
    ]);
    const plan = planEncode(probe, aPreset({ container: 'mp4' }));
    expect(plan.streams.map(({ codec }) => codec)).to.deep.equal(['hevc', 'aac', 'mov_text']);
    expect(plan.dropped.map(({ reason }) => reason)).to.deep.equal([
      'MP4 cannot hold picture subtitles',
      'MP4 cannot hold attached fonts',
    ]);
    expect(describePlan(plan).join('\n')).to.contain('ass -> mov_text, styling is lost');
  });

  it('turns mov_text into srt for Matroska', () => {
    const plan = planEncode(
      aProbe([film(), subtitle('mov_text')], { container: 'mp4' }),
      aPreset({ container: 'mkv' }),
    );
    expect(plan.streams[1]).to.include({ action: 'encode', codec: 'subrip' });
  });

  it('keeps 10 bit and HDR10', () => {
    const mastering = { display: 'G(1,2)B(3,4)R(5,6)WP(7,8)L(9,1)', lightLevel: '1000,400' };
    const plan = planEncode(
      aProbe([film({ bitDepth: 10, pixelFormat: 'yuv420p10le' })], { hdr: 'hdr10', mastering }),
      aPreset(),
    );
    expect(plan).to.deep.include({ pixelFormat: 'yuv420p10le', isHdr10: true, mastering });
  });

  it('turns HDR10 and HLG into SDR when told so, and nothing else', () => {
    const toSdr = aPreset({ video: { bitDepth: '8', toneMap: 'sdr' } });
    const tenBit = film({ bitDepth: 10, pixelFormat: 'yuv420p10le' });
    const mastering = { display: null, lightLevel: '1000,400' };
    for (const hdr of ['hdr10', 'hlg'] as const) {
      const plan = planEncode(aProbe([tenBit], { hdr, mastering }), toSdr);
      expect(plan).to.deep.include({ toneMap: true, isHdr10: false, mastering: null, pixelFormat: 'yuv420p' });
      expect(describePlan(plan).join('\n')).to.contain('HDR -> SDR');
    }
    expect(planEncode(aProbe([film()]), toSdr)).to.include({ toneMap: false, pixelFormat: 'yuv420p' });
    const h264 = aPreset({ video: { codec: 'h264', toneMap: 'sdr' } });
    expect(planEncode(aProbe([tenBit], { hdr: 'hdr10' }), h264)).to.include({ toneMap: true, pixelFormat: 'yuv420p' });
    const copying = { codec: 'copy', quality: null, toneMap: 'sdr' };
    expect(() => aPreset({ video: copying })).to.throw(/cannot be set when the video is copied/);
  });

  it('encodes nothing but lossless sound when told so', () => {
    const preset = aPreset({ audio: { codec: 'eac3', tracks: 'lossless', kbpsPerChannel: 128, maxChannels: 6 } });
    const dts = (profile: string): ProbedStream => ({ ...audio('dts', 8), profile });
    const tracks = [audio('truehd', 8), audio('ac3', 6), dts('DTS-HD MA'), dts('DTS-HD HRA'), audio('pcm_s24le', 2)];
    const plan = planEncode(aProbe([film(), ...tracks]), preset);
    expect(
      plan.streams.slice(1).map(({ codec, channels, bitrateKbps }) => [codec, channels, bitrateKbps]),
    ).to.deep.equal([
      ['eac3', 6, 768],
      ['ac3', null, null],
      ['eac3', 6, 768],
      ['dts', null, null],
      ['eac3', 2, 256],
    ]);
    // What MP4 cannot hold is encoded in any case.
    const mp4 = planEncode(aProbe([film(), audio('vorbis', 2)]), { ...preset, container: 'mp4' });
    expect(mp4.streams[1]).to.include({ action: 'encode', codec: 'eac3' });
  });

  it('scales down, never up, to even numbers', () => {
    const size = (width: number, height: number): number[] => {
      const plan = planEncode(aProbe([film({ width, height })]), aPreset({ video: { maxHeight: 720 } }));
      return [plan.width, plan.height];
    };
    expect(size(1920, 1080)).to.deep.equal([1280, 720]);
    expect(size(3840, 1608)).to.deep.equal([1280, 536]);
    expect(size(640, 360)).to.deep.equal([640, 360]);
  });

  it('mixes down when told so', () => {
    const plan = planEncode(
      aProbe([film(), audio('ac3', 6)]),
      aPreset({ audio: { codec: 'aac', maxChannels: 2, kbpsPerChannel: 80 } }),
    );
    expect(plan.streams[1]).to.include({
      codec: 'aac',
      channels: 2,
      bitrateKbps: 160,
      note: 'ac3 -> aac at 160 kbit/s, 6 -> 2 channels',
    });
  });

  const refusals: Record<string, [Probe, Preset, RegExp]> = {
    'Dolby Vision': [aProbe([film()], { hdr: 'dolby-vision' }), aPreset(), /Dolby Vision/],
    'Dolby Vision in another container': [
      aProbe([film()], { hdr: 'dolby-vision' }),
      aPreset({ container: 'mp4', video: { codec: 'copy', quality: null } }),
      /container changes/,
    ],
    'HDR10+': [aProbe([film()], { hdr: 'hdr10plus' }), aPreset(), /HDR10\+/],
    'Dolby Vision even where HDR becomes SDR': [
      aProbe([film()], { hdr: 'dolby-vision', dolbyVisionProfile: 5 }),
      aPreset({ video: { bitDepth: '8', toneMap: 'sdr' } }),
      /Dolby Vision/,
    ],
    'HDR10+ even where HDR becomes SDR': [
      aProbe([film()], { hdr: 'hdr10plus' }),
      aPreset({ video: { bitDepth: '8', toneMap: 'sdr' } }),
      /HDR10\+/,
    ],
    'HDR in 8 bit': [aProbe([film()], { hdr: 'hdr10' }), aPreset({ video: { codec: 'h264' } }), /8-bit/],
    'interlaced video': [aProbe([film({ interlaced: true })]), aPreset(), /interlaced/],
    '4:2:2 colour': [aProbe([film({ pixelFormat: 'yuv422p' })]), aPreset(), /yuv422p/],
    'a file without video': [aProbe([audio('aac', 2)]), aPreset(), /no video/],
    'an unknown duration': [aProbe([film()], { durationSec: null }), aPreset(), /how long/],
    'two video tracks': [aProbe([film(), film()]), aPreset(), /more than one video/],
  };
  for (const [what, [probe, preset, message]] of Object.entries(refusals)) {
    it(`refuses ${what} and says why`, () => {
      expect(() => planEncode(probe, preset))
        .to.throw(message)
        .with.property('code', 'plan_refused');
    });
  }

  it('copies Dolby Vision into Matroska untouched', () => {
    const plan = planEncode(
      aProbe([film()], { hdr: 'dolby-vision' }),
      aPreset({ video: { codec: 'copy', quality: null } }),
    );
    expect([plan.streams[0]?.action, plan.pixelFormat]).to.deep.equal(['copy', null]);
  });
});
