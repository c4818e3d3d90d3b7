import { expect } from 'chai';
import { execa } from 'execa';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EncodePlan } from '../../src/domain/presets/plan.js';
import { planEncode } from '../../src/domain/presets/plan-encode.js';
import { Preset } from '../../src/domain/presets/preset.js';
import type { Probe, ProbedStream } from '../../src/domain/jobs/probe.js';
import { encoderOf, encodeSteps } from '../../src/ffmpeg/args.js';
import { commandLine, placeArgs } from '../../src/ffmpeg/command-line.js';
import { probe } from '../../src/ffmpeg/probe.js';
import { Clips, type ClipName } from '../support/clips.js';

interface Change {
  container?: string;
  video?: object;
  audio?: object;
}

const aPreset = (change: Change = {}): Preset =>
  Preset.parse({
    id: 'p',
    title: 'P',
    description: 'D',
    container: 'mkv',
    ...change,
    video: { codec: 'h264', quality: 30, speed: 'ultrafast', ...change.video },
    audio: { codec: 'copy', ...change.audio },
  });
const copy = { video: { codec: 'copy', quality: null } };

const aStream = (change: Partial<ProbedStream>): ProbedStream => ({
  ...{
    index: 0,
    kind: 'audio',
    codec: 'ac3',
    profile: null,
    language: null,
    title: null,
    bitrateKbps: null,
    flags: [],
  },
  ...{ width: null, height: null, pixelFormat: null, bitDepth: null, fps: null, variableFrameRate: false },
  ...{ interlaced: false, colorPrimaries: null, colorTransfer: null, colorSpace: null, colorRange: null },
  ...{ channels: null, channelLayout: null, sampleRate: null, filename: null, mimetype: null },
  ...change,
});
const film = (change: Partial<ProbedStream> = {}): ProbedStream =>
  aStream({
    kind: 'video',
    codec: 'h264',
    width: 640,
    height: 360,
    pixelFormat: 'yuv420p',
    bitDepth: 8,
    fps: 25,
    ...change,
  });
const aPlan = (streams: ProbedStream[], preset: Preset, change: Partial<Probe> = {}): EncodePlan =>
  planEncode(
    {
      ...{ path: '/a', container: 'mkv', durationSec: 60, sizeBytes: 1e9, bitrateKbps: null, chapters: 0 },
      ...{ hdr: 'sdr', dolbyVisionProfile: null, mastering: null },
      ...change,
      streams: streams.map((stream, index) => ({ ...stream, index })),
    },
    preset,
  );
/** The last step as text, for reading in a table. */
const lineOf = (plan: EncodePlan): string =>
  (encodeSteps(plan).at(-1)?.args ?? []).map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg))).join(' ');

describe('encodeSteps', () => {
  const tenBit = { pixelFormat: 'yuv420p10le', bitDepth: 10, codec: 'hevc' };
  const pq = { ...tenBit, colorTransfer: 'smpte2084', colorPrimaries: 'bt2020', colorSpace: 'bt2020nc' };
  const mastering = {
    display: 'G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)',
    lightLevel: '1000,400',
  };
  const hdr10 = { hdr: 'hdr10', mastering } as const;
  const cover = aStream({ kind: 'cover', codec: 'png' });
  const five = aStream({ channels: 6, sampleRate: 96_000 });

  const cases: [string, EncodePlan, string[], RegExp?][] = [
    [
      'x264 with a tune',
      aPlan([film()], aPreset({ video: { tune: 'film' } })),
      ['-c:v:0 libx264 -preset:v:0 ultrafast -crf:v:0 30 -tune:v:0 film -pix_fmt:v:0 yuv420p'],
    ],
    [
      'x265 without the tune it does not have',
      aPlan([film()], aPreset({ video: { codec: 'hevc', tune: 'film', speed: 'slow' } })),
      ['-c:v:0 libx265 -preset:v:0 slow'],
      /tune|hvc1|params/,
    ],
    [
      'AV1 with a number for its effort',
      aPlan([film()], aPreset({ video: { codec: 'av1', quality: 35, speed: 'medium', bitDepth: '10' } })),
      ['-c:v:0 libsvtav1 -preset:v:0 6 -crf:v:0 35 -pix_fmt:v:0 yuv420p10le'],
    ],
    [
      'the tag that Apple wants, in MP4 only',
      aPlan([film()], aPreset({ container: 'mp4', video: { codec: 'hevc' } })),
      ['-tag:v:0 hvc1', '-movflags +faststart', '-write_tmcd 0', '-f mp4 {"file":"output"}'],
    ],
    [
      'HDR10 for x265',
      aPlan([film(pq)], aPreset({ video: { codec: 'hevc' } }), hdr10),
      [
        `-x265-params:v:0 repeat-headers=1:hdr10-opt=1:hdr10=1:master-display=${mastering.display}:max-cll=1000,400`,
        '-color_primaries:v:0 bt2020 -color_trc:v:0 smpte2084 -colorspace:v:0 bt2020nc',
        '-pix_fmt:v:0 yuv420p10le',
      ],
    ],
    [
      'HDR10 turned into SDR, scaled before it is converted',
      aPlan(
        [film({ ...pq, colorPrimaries: 'unknown' })],
        aPreset({ video: { codec: 'hevc', bitDepth: '8', maxHeight: 180, toneMap: 'sdr' } }),
        hdr10,
      ),
      [
        '-filter:v:0 scale=320:180:flags=lanczos,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc,',
        'zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p -pix_fmt:v:0 yuv420p',
        '-color_primaries:v:0 bt709 -color_trc:v:0 bt709 -colorspace:v:0 bt709',
      ],
      /x265-params|smpte2084 -|master/,
    ],
    [
      'SDR as it is, whatever the preset does to HDR',
      aPlan([film()], aPreset({ video: { codec: 'hevc', toneMap: 'sdr' } })),
      ['-pix_fmt:v:0 yuv420p'],
      /filter|zscale/,
    ],
    [
      'HDR10 for SVT-AV1',
      aPlan([film(pq)], aPreset({ video: { codec: 'av1' } }), hdr10),
      [
        '-svtav1-params:v:0 enable-hdr=1:mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.0001):content-light=1000,400',
      ],
    ],
    [
      'names of curves that the encoder knows',
      aPlan([film({ colorTransfer: 'bt470bg', colorPrimaries: 'unknown' })], aPreset()),
      ['-color_trc:v:0 gamma28'],
      /color_primaries/,
    ],
    [
      'scaling',
      aPlan([film({ width: 1280, height: 720 })], aPreset({ video: { maxHeight: 360 } })),
      ['-filter:v:0 scale=640:360:flags=lanczos'],
    ],
    ['an uneven frame rate', aPlan([film({ variableFrameRate: true })], aPreset()), ['-fps_mode:v:0 passthrough']],
    [
      'the audio of a preset',
      aPlan([film(), five], aPreset({ audio: { codec: 'opus' } })),
      ['-map 0:1', '-c:a:0 libopus -b:a:0 384k -ac:a:0 6 -ar:a:0 48000 -filter:a:0 aformat=channel_layouts=5.1'],
    ],
    [
      'flags and languages',
      aPlan([film(), aStream({ flags: ['default', 'comment', 'karaoke'], language: 'fre' }), aStream({})], aPreset()),
      [
        '-c:a:0 copy -disposition:a:0 default+comment -metadata:s:a:0 language=fre',
        '-c:a:1 copy -disposition:a:1 0',
        '-default_mode passthrough',
      ],
    ],
    [
      'titles and short languages in MP4',
      aPlan([film(), aStream({ title: 'Own words', language: 'en' })], aPreset({ container: 'mp4' })),
      ['language=eng -metadata:s:a:0 handler_name=Own words'],
    ],
    [
      'subtitles for Matroska',
      aPlan([film(), aStream({ kind: 'subtitle', codec: 'mov_text' })], aPreset()),
      ['-c:s:0 srt'],
    ],
    [
      'subtitles for MP4',
      aPlan([film(), aStream({ kind: 'subtitle', codec: 'ass' })], aPreset({ container: 'mp4' })),
      ['-c:s:0 mov_text'],
    ],
    [
      'a cover in MP4',
      aPlan([cover, film()], aPreset({ container: 'mp4' })),
      ['-map 0:1 -map 0:0', '-c:v:1 copy -disposition:v:1 attached_pic'],
    ],
    [
      'a cover in Matroska, after the fonts',
      aPlan([cover, film(), aStream({ kind: 'attachment', codec: 'ttf' })], aPreset()),
      [
        '-map 0:1 -map 0:2',
        '-c:t:0 copy',
        '-attach {"scratch":"cover-0.png"} -metadata:s:t:1 mimetype=image/png -metadata:s:t:1 filename=cover.png',
      ],
    ],
    [
      'times for what has none',
      aPlan([film()], aPreset(copy), { container: 'mpegts' }),
      ['-fflags +genpts -i', '-c:v:0 copy'],
      /pix_fmt|crf/,
    ],
    [
      'XviD out of AVI',
      aPlan([film({ codec: 'mpeg4' })], aPreset(copy), { container: 'avi' }),
      ['-c:v:0 copy -bsf:v:0 mpeg4_unpack_bframes'],
    ],
    ['no old statistics', aPlan([film()], aPreset()), ['-metadata:s:v:0 BPS= -metadata:s:v:0 BPS-eng=']],
  ];
  for (const [what, plan, parts, none] of cases) {
    it(`writes ${what}`, () => {
      const line = lineOf(plan);
      for (const part of parts) expect(line).to.contain(part);
      if (none) expect(line).not.to.match(none);
      for (const part of [
        '-nostdin',
        '-xerror',
        '-protocol_whitelist file -format_whitelist matroska,',
        '-map_metadata 0 -map_chapters 0',
        '-y',
      ]) {
        expect(line).to.contain(part);
      }
    });
  }

  it('takes a cover out first', () => {
    const steps = encodeSteps(aPlan([film(), cover], aPreset()));
    expect(steps.map(({ purpose }) => purpose)).to.deep.equal(['extract cover art', 'encode']);
    expect(steps[0]?.args.at(-1)).to.deep.equal({ scratch: 'cover-1.png' });
  });

  it('names the encoder', () => {
    const names = ['hevc', 'h264', 'av1'].map((codec) => encoderOf({ preset: aPreset({ video: { codec } }) }));
    expect([...names, encoderOf({ preset: aPreset(copy) })]).to.deep.equal(['libx265', 'libx264', 'libsvtav1', null]);
  });

  it('is shown as a line that a shell would read the same way', async () => {
    const step = { purpose: 'x', args: ['-metadata', "title=it's $HOME", { file: 'input' } as const] };
    const places = { input: '/a b/c`d.mkv', output: '/o', scratchDir: '/s' };
    const { stdout } = await execa('sh', [
      '-c',
      commandLine(step, places, 'printf').replace('printf', "printf '%s\\n'"),
    ]);
    expect(stdout.split('\n')).to.deep.equal(placeArgs(step.args, places));
  });
});

describe('encodeSteps, run', function () {
  let clips: Clips;
  let dir: string;
  before(async () => {
    clips = await Clips.open();
    dir = await mkdtemp(join(tmpdir(), 'args-'));
  });
  after(async () => {
    await clips.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** Streams of the result as `kind codec language flags`. */
  async function run(name: ClipName, preset: Preset): Promise<{ result: Probe; source: Probe; streams: string[] }> {
    const source = await probe(await clips.get(name), { ffprobe: 'ffprobe' });
    const plan = planEncode(source, preset);
    const scratchDir = await mkdtemp(join(dir, 's-'));
    await mkdir(scratchDir, { recursive: true });
    const output = join(scratchDir, `out${plan.extension}`);
    for (const { args } of encodeSteps(plan)) {
      await execa('ffmpeg', placeArgs(args, { input: source.path, output, scratchDir }), { stdin: 'ignore' });
    }
    const result = await probe(output, { ffprobe: 'ffprobe' });
    const streams = result.streams.map(({ kind, codec, language, flags }) =>
      [kind, codec, language ?? '-', flags.join('+') || '-'].join(' '),
    );
    return { result, source, streams };
  }

  it('keeps everything in Matroska', async () => {
    const { result, streams } = await run('rich.mkv', aPreset());
    expect(streams).to.deep.equal([
      'video h264 - default',
      'audio ac3 eng -',
      'audio aac fre default+comment',
      'subtitle subrip eng forced',
      'subtitle ass ger -',
      'attachment ttf - -',
      'cover mjpeg - attached_pic',
    ]);
    expect(result.chapters).to.equal(2);
    expect(result.streams.map(({ title, filename }) => title ?? filename)).to.include.members([
      "Director's cut",
      'font.ttf',
      'cover.jpg',
    ]);
  });

  it('turns Matroska into MP4 and back', async () => {
    const there = await run('rich.mkv', aPreset({ container: 'mp4', ...copy }));
    expect(there.streams.filter((line) => !line.startsWith('data'))).to.deep.equal([
      'video h264 - default',
      'audio ac3 eng -',
      'audio aac fre default+comment',
      'subtitle mov_text eng default+forced',
      'subtitle mov_text ger -',
      'cover mjpeg - attached_pic',
    ]);
    expect(there.result.chapters).to.equal(2);
    const back = await run('rich.mp4', aPreset(copy));
    expect(back.streams).to.deep.equal([
      'video h264 - default',
      'audio aac eng default',
      'subtitle subrip ger default',
      'cover mjpeg - attached_pic',
    ]);
  });

  for (const codec of ['hevc', 'av1']) {
    it(`carries HDR10 through ${codec}`, async () => {
      const { result, source } = await run('hdr10.mkv', aPreset({ video: { codec } }));
      expect(result.hdr).to.equal('hdr10');
      expect(result.mastering).to.deep.equal(source.mastering);
      expect(result.streams[0]).to.include({
        pixelFormat: 'yuv420p10le',
        colorPrimaries: 'bt2020',
        colorSpace: 'bt2020nc',
      });
    });
  }

  /** Mean brightness of the picture, 0 to 255. */
  async function brightness(path: string): Promise<number> {
    const args = ['-vf', 'scale=1:1:flags=area,format=gray', '-frames:v', '1', '-f', 'rawvideo', 'pipe:1'];
    const { stdout } = await execa('ffmpeg', ['-v', 'error', '-i', path, ...args], { encoding: 'buffer' });
    return stdout[0] ?? 0;
  }
  for (const [name, container] of [
    ['hdr10.mkv', 'mkv'],
    ['hdr10.mkv', 'mp4'],
    ['hlg.mkv', 'mkv'],
  ] as const) {
    it(`turns ${name} into SDR in ${container}: colours, bits and brightness`, async () => {
      const { result } = await run(
        name,
        aPreset({ container, video: { codec: 'hevc', bitDepth: '8', toneMap: 'sdr' } }),
      );
      expect(result).to.include({ hdr: 'sdr', mastering: null });
      expect(result.streams[0]).to.include({
        pixelFormat: 'yuv420p',
        colorPrimaries: 'bt709',
        colorTransfer: 'bt709',
        colorSpace: 'bt709',
      });
      expect(await brightness(result.path)).to.be.within(50, 200);
    });
  }

  it('keeps grey grey, and what is as bright as paper bright', async () => {
    // 58 % of PQ is about 200 cd/m2.
    const grey = join(dir, 'grey.mkv');
    const params = 'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc';
    const source = ['-f', 'lavfi', '-i', 'color=c=0x949494:s=320x180:r=25:d=1', '-c:v', 'libx265'];
    await execa('ffmpeg', ['-v', 'error', ...source, '-pix_fmt', 'yuv420p10le', '-x265-params', params, '-y', grey]);
    const plan = planEncode(
      await probe(grey, { ffprobe: 'ffprobe' }),
      aPreset({ video: { codec: 'hevc', bitDepth: '8', toneMap: 'sdr' } }),
    );
    const output = join(dir, 'grey-sdr.mkv');
    for (const { args } of encodeSteps(plan))
      await execa('ffmpeg', placeArgs(args, { input: grey, output, scratchDir: dir }), { stdin: 'ignore' });
    const rgb = ['-vf', 'scale=1:1:flags=area,format=rgb24', '-frames:v', '1', '-f', 'rawvideo', 'pipe:1'];
    const { stdout } = await execa('ffmpeg', ['-v', 'error', '-i', output, ...rgb], { encoding: 'buffer' });
    const [red = 0, green = 0, blue = 0] = stdout;
    expect(Math.max(red, green, blue) - Math.min(red, green, blue)).to.be.lessThan(8);
    expect(green).to.be.within(120, 235);
  });

  const remuxes: [ClipName, string][] = [
    ['old.avi', 'mpeg4'],
    ['broadcast.ts', 'mpeg2video'],
    ['dvd.mpg', 'mpeg2video'],
  ];
  for (const [name, codec] of remuxes) {
    it(`remuxes ${name}`, async () => {
      const { result, source } = await run(name, aPreset(copy));
      expect([result.container, result.streams[0]?.codec]).to.deep.equal(['mkv', codec]);
      expect(result.durationSec).to.be.closeTo(source.durationSec ?? 0, 0.1);
    });
  }

  it('encodes side channels to Opus', async () => {
    const { result } = await run('surround.mkv', aPreset({ ...copy, audio: { codec: 'opus' } }));
    expect(result.streams[1]).to.include({ codec: 'opus', channels: 6 });
  });

  it('keeps every picture of an uneven frame rate', async () => {
    const { result, source } = await run('variable.mp4', aPreset());
    const count = async (path: string): Promise<string> =>
      (
        await execa('ffprobe', [
          '-v',
          'error',
          '-count_packets',
          '-select_streams',
          'v:0',
          '-show_entries',
          'stream=nb_read_packets',
          '-of',
          'csv=p=0',
          path,
        ])
      ).stdout;
    expect(source.streams[0]?.variableFrameRate).to.be.true;
    expect(await count(result.path)).to.equal(await count(source.path));
  });
});
