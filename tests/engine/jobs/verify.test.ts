import { expect } from 'chai';
import { execa } from 'execa';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncodePlan } from '../../../src/domain/presets/plan.js';
import { planEncode } from '../../../src/domain/presets/plan-encode.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import type { Probe } from '../../../src/domain/jobs/probe.js';
import { verifyOutput, type Verified } from '../../../src/engine/jobs/verify.js';
import { encodeSteps } from '../../../src/ffmpeg/args.js';
import { placeArgs } from '../../../src/ffmpeg/command-line.js';
import { probe } from '../../../src/ffmpeg/probe.js';
import { Gate } from '../../../src/lib/gate.js';
import { Clips, type ClipName } from '../../support/clips.js';

const preset = (change: { container?: string; video?: object; audio?: object; subtitles?: string } = {}): Preset =>
  Preset.parse({
    ...{ id: 'p', title: 'P', description: 'D', container: 'mkv', ...change },
    video: { codec: 'h264', quality: 30, speed: 'ultrafast', ...change.video },
    audio: { codec: 'copy', ...change.audio },
  });
const COPY = { codec: 'copy', quality: null };
const HEVC = { codec: 'hevc', quality: 30 };
const TO_SDR = { ...HEVC, bitDepth: '8', toneMap: 'sdr' };
const AV1 = { codec: 'av1', quality: 45 };

interface Made {
  source: Probe;
  plan: EncodePlan;
  output: string;
}
interface Asked {
  minSavingPercent?: number;
  decode?: boolean;
  signal?: AbortSignal;
}

/** Two at a time: the machine may have no more cores. */
const gate = new Gate(2);
let clips: Clips;
let count = 0;

const probed = new Map<ClipName, Promise<Probe>>();
function remember(name: ClipName): Promise<Probe> {
  const seen = clips.get(name).then((path) => probe(path, { ffprobe: 'ffprobe' }));
  probed.set(name, seen);
  return seen;
}

async function make(name: ClipName, chosen: Preset): Promise<Made> {
  const source = await (probed.get(name) ?? remember(name));
  const plan = planEncode(source, chosen);
  const scratchDir = join(clips.dir, `made-${count++}`);
  await mkdir(scratchDir);
  const output = join(scratchDir, `out${plan.extension}`);
  for (const { args } of encodeSteps(plan)) {
    await execa('ffmpeg', placeArgs(args, { input: source.path, output, scratchDir }), { stdin: 'ignore' });
  }
  return { source, plan, output };
}

const verify = ({ source, plan, output }: Made, asked: Asked = {}): Promise<Verified> =>
  verifyOutput({
    ...{ plan, source, sourcePath: source.path, outputPath: output, ffmpeg: 'ffmpeg', ffprobe: 'ffprobe' },
    ...{ minSavingPercent: 5, decode: true, signal: new AbortController().signal, report: () => undefined, ...asked },
  });

before(async function () {
  this.timeout(180_000);
  clips = await Clips.open();
});
after(() => clips.close());

describe('verifyOutput accepts', function () {
  const every: [ClipName, Preset][] = [
    ['plain.mkv', preset()],
    ['plain.mkv', preset({ video: HEVC })],
    ['plain.mkv', preset({ video: AV1 })],
    ['plain.mkv', preset({ video: { quality: 51 } })],
    ['plain.mkv', preset({ container: 'mp4', video: HEVC })],
    ['plain.mkv', preset({ container: 'mp4', video: { maxHeight: 144 } })],
    ['plain.mkv', preset({ video: { ...HEVC, bitDepth: '10', maxHeight: 144 } })],
    ['plain.mkv', preset({ audio: { codec: 'opus' } })],
    ['plain.mkv', preset({ video: COPY })],
    ['plain.mkv', preset({ container: 'mp4', video: COPY })],
    ['plain.mp4', preset()],
    ['plain.mp4', preset({ container: 'mp4', audio: { codec: 'ac3' } })],
    ['plain.mp4', preset({ container: 'mp4', video: AV1 })],
    ['plain.mp4', preset({ video: COPY })],
    ['mute.mkv', preset()],
    ['mute.mkv', preset({ container: 'mp4', video: COPY })],
    ['rich.mkv', preset()],
    ['rich.mkv', preset({ container: 'mp4', audio: { codec: 'aac' } })],
    ['rich.mkv', preset({ video: HEVC, audio: { codec: 'aac', maxChannels: 2 } })],
    ['rich.mkv', preset({ video: COPY })],
    ['rich.mkv', preset({ subtitles: 'drop' })],
    ['rich.mkv', preset({ container: 'mp4', video: COPY })],
    ['rich.mp4', preset()],
    ['rich.mp4', preset({ container: 'mp4' })],
    ['rich.mp4', preset({ video: COPY })],
    ['ten-bit.mkv', preset({ video: HEVC })],
    ['ten-bit.mkv', preset({ container: 'mp4' })],
    ['hdr10.mkv', preset({ video: HEVC })],
    ['hdr10.mkv', preset({ container: 'mp4', video: { ...HEVC, maxHeight: 144 } })],
    ['hdr10.mkv', preset({ video: AV1 })],
    ['hdr10.mkv', preset({ container: 'mp4', video: COPY })],
    ['hlg.mkv', preset({ video: HEVC })],
    ['hdr10.mkv', preset({ video: TO_SDR })],
    ['hdr10.mkv', preset({ container: 'mp4', video: { ...TO_SDR, codec: 'h264', maxHeight: 144 } })],
    ['hlg.mkv', preset({ video: TO_SDR })],
    ['old.avi', preset({ video: HEVC })],
    ['old.avi', preset({ video: COPY })],
    ['broadcast.ts', preset({ video: HEVC })],
    ['broadcast.ts', preset({ container: 'mp4', audio: { codec: 'aac' } })],
    ['dvd.mpg', preset({ video: COPY })],
    ['surround.mkv', preset({ audio: { codec: 'opus' } })],
    ['surround.mkv', preset({ container: 'mp4', audio: { codec: 'aac', maxChannels: 2 } })],
    ['variable.mp4', preset()],
    ['flawed.mkv', preset()],
    ['flawed.mkv', preset({ video: COPY })],
  ];
  // Every third one, or with `ALL_RESULTS=1` all: they take more than a minute.
  const cases = process.env['ALL_RESULTS'] ? every : every.filter((_, at) => at % 3 === 0);
  const verdicts: Promise<Verified>[] = [];
  before(function () {
    for (const [name, chosen] of cases) {
      verdicts.push(gate.run(async () => verify(await make(name, chosen), { minSavingPercent: -1000 })));
    }
  });
  cases.forEach(([name, { container, video, audio }], n) => {
    const size = video.maxHeight === null ? '' : ` at ${video.maxHeight}`;
    it(`${name} as ${video.codec} ${video.bitDepth} bit${size} with ${audio.codec} in ${container} (${n + 1})`, async function () {
      this.timeout(300_000);
      const verdict = await verdicts[n];
      expect(verdict?.refusal).to.equal(null);
      expect(verdict?.sha256).to.match(/^[0-9a-f]{64}$/);
      expect(verdict?.checks.every(({ ok, detail }) => ok && detail !== '')).to.be.true;
    });
  });
});

describe('verifyOutput refuses', function () {
  let mkv: Made;
  let mp4: Made;
  let hdr: Made;
  let sdr: Made;
  let rich: Made;

  /** What ffmpeg makes of a good result; `IN` is the good result. */
  const by =
    (base: () => Made, ...args: string[]) =>
    async (): Promise<Made> => {
      const made = base();
      const output = join(clips.dir, `bad-${count++}${made.plan.extension}`);
      await clips.ffmpeg([...args.map((arg) => (arg === 'IN' ? made.output : arg)), '-y', output]);
      return { ...made, output };
    };
  /** The bytes of a good result, harmed. */
  const bytes = (base: () => Made, harm: (bytes: Buffer) => Buffer) => async (): Promise<Made> => {
    const made = base();
    const output = join(clips.dir, `bad-${count++}${made.plan.extension}`);
    await writeFile(output, harm(await readFile(made.output)));
    return { ...made, output };
  };
  const cut =
    (share: number) =>
    (whole: Buffer): Buffer =>
      whole.subarray(0, Math.floor(whole.length * share));
  const zeros =
    (share: number, length: number) =>
    (whole: Buffer): Buffer =>
      whole.fill(0, Math.floor(whole.length * share), Math.floor(whole.length * share) + length);
  /** Flips a bit in every 500th byte or so of the middle. */
  const flips =
    (from: number, to: number, every = 499) =>
    (whole: Buffer): Buffer => {
      for (let n = Math.floor(whole.length * from); n < whole.length * to; n += every)
        whole[n] = (whole[n] ?? 0) ^ 0x10;
      return whole;
    };
  const all = ['-i', 'IN', '-map', '0', '-c', 'copy'];
  const again = [
    '-map_metadata',
    '0',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-crf',
    '30',
    '-c:a',
    'copy',
    '-c:s',
    'copy',
  ];
  const filtered = (filter: string): string[] => [
    '-i',
    'IN',
    '-map',
    '0',
    ...again,
    '-vf',
    filter,
    '-pix_fmt',
    'yuv420p',
  ];
  const long = (): Made => mkv;
  const faststart = (): Made => mp4;

  const cases: [string, () => Promise<Made>, RegExp][] = [
    ...[0.3, 0.6, 0.9, 0.97].map((share): (typeof cases)[number] => [
      `a Matroska file cut off at ${share * 100} %`,
      bytes(long, cut(share)),
      /duration|length|packets|opened|decodes/,
    ]),
    ...[0.5, 0.9, 0.98].map((share): (typeof cases)[number] => [
      `an MP4 file cut off at ${share * 100} %`,
      bytes(faststart, cut(share)),
      /length|packets|decod|opened|end/,
    ]),
    [
      'an MP4 file without its index',
      async () => {
        const made = await by(faststart, ...all, '-dn', '-movflags', '-faststart')();
        await writeFile(made.output, cut(0.9)(await readFile(made.output)));
        return made;
      },
      /opened/,
    ],
    ['flipped bits in the first half', bytes(long, flips(0.2, 0.5)), /./],
    ['flipped bits in the second half', bytes(long, flips(0.5, 0.9)), /./],
    ['flipped bits in an MP4 file', bytes(faststart, flips(0.4, 0.8)), /./],
    ['a zeroed block in Matroska', bytes(long, zeros(0.5, 4096)), /./],
    ['a zeroed block in MP4', bytes(faststart, zeros(0.6, 4096)), /./],
    ['a zeroed block at the end', bytes(long, zeros(0.9, 8192)), /./],
    ['0.5 s less', by(long, ...all, '-t', '11.5'), /length/],
    ['2 s less', by(long, ...all, '-t', '10'), /duration|length/],
    ['a tenth less', by(faststart, ...all, '-dn', '-t', '10.8'), /duration|length/],
    ['a start cut off', by(long, '-ss', '2', ...all), /chapters|duration|length/],
    ['lost audio', by(long, ...all, '-an'), /audio streams: 0/],
    ['one lost audio track', by(() => rich, ...all, '-map', '-0:a:1'), /audio streams: 1/],
    ['a lost subtitle', by(long, ...all, '-sn'), /subtitle streams: 0/],
    [
      'a subtitle without its lines',
      by(long, '-i', 'IN', '-t', '0.5', '-i', 'IN', '-map', '0:v', '-map', '0:a', '-map', '1:s', '-c', 'copy'),
      /lines/,
    ],
    ['lost chapters', by(long, ...all, '-map_chapters', '-1'), /chapters: 0/],
    ['a lost font', by(() => rich, ...all, '-map', '-0:t'), /attachment streams: 0/],
    ['a lost cover', by(() => rich, ...all, '-map', '-0:v:1'), /cover streams: 0/],
    ['another language', by(long, ...all, '-metadata:s:a:0', 'language=jpn'), /language: jpn/],
    ['another forced flag', by(long, ...all, '-disposition:s:0', 'default'), /flags/],
    ['another size', by(long, ...filtered('scale=160:90')), /picture size: 160x90/],
    ['another codec', by(long, ...all, '-c:v', 'mpeg4', '-q:v', '6'), /codec: mpeg4/],
    ['another pixel format', by(long, ...filtered('null'), '-pix_fmt', 'yuv444p'), /pixel format: yuv444p/],
    ['another container', by(faststart, ...all, '-dn', '-c:s', 'srt', '-f', 'matroska'), /container: mkv/],
    ['fewer channels', by(long, ...all, '-c:a', 'aac', '-ac', '1'), /channels: 1/],
    ['a black picture', by(long, ...filtered('drawbox=c=black:t=fill')), /picture: /],
    ['a green picture', by(long, ...filtered('lutyuv=u=0:v=0')), /picture: /],
    ['purple instead of the colours', by(long, ...filtered('lutyuv=u=255-val:v=255-val')), /picture: /],
    ['a frozen picture', by(long, ...filtered('loop=200:1:5,trim=end_frame=120')), /picture: /],
    ['a picture upside down', by(long, ...filtered('vflip')), /picture: /],
    [
      'a picture that is a second late',
      by(long, ...filtered('tpad=start=10:start_mode=clone,trim=end_frame=120')),
      /picture: /,
    ],
    ['half of the pictures', by(long, ...filtered('framestep=2')), /packets: 60/],
    [
      'a hole in the middle',
      by(long, ...filtered("select='not(between(t,5,6.5))'"), '-fps_mode', 'passthrough'),
      /holes/,
    ],
    ['silent audio', by(long, ...all, '-c:a', 'aac', '-af', 'volume=0'), /sound: /],
    ['noise instead of audio', by(long, ...all, '-c:a', 'aac', '-af', 'volume=60dB'), /sound: /],
    [
      'audio that ends early',
      by(long, '-i', 'IN', '-t', '10', '-i', 'IN', '-map', '0:v', '-map', '1:a', '-map', '0:s', '-c', 'copy'),
      /audio 1 length/,
    ],
    [
      'audio that is 0.3 s late',
      by(long, '-i', 'IN', '-itsoffset', '0.3', '-i', 'IN', '-map', '0:v', '-map', '1:a', '-map', '0:s', '-c', 'copy'),
      /in step/,
    ],
    [
      'HDR that became SDR',
      by(
        () => hdr,
        ...all,
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=error:colorprim=bt709:transfer=bt709:colormatrix=bt709',
        '-color_trc',
        'bt709',
        '-color_primaries',
        'bt709',
        '-colorspace',
        'bt709',
      ),
      /colours|HDR/,
    ],
    [
      'HDR that stayed HDR where SDR was planned',
      async () => ({ ...(await make('hdr10.mkv', preset({ video: TO_SDR }))), output: hdr.output }),
      /pixel format.*colours.*HDR/,
    ],
    [
      'SDR whose brightness was not converted',
      by(
        () => ({ ...sdr, output: sdr.source.path }),
        ...[...all, '-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x265-params'],
        'log-level=error:colorprim=bt709:transfer=bt709:colormatrix=bt709',
        ...['-color_trc', 'bt709', '-color_primaries', 'bt709', '-colorspace', 'bt709'],
      ),
      /picture: 0 of/,
    ],
    [
      'HDR without its metadata',
      by(
        () => hdr,
        ...all,
        // From ffmpeg 7 on libx265 writes by itself what the picture brings along.
        '-vf',
        'sidedata=delete',
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc',
      ),
      /HDR metadata/,
    ],
    ['garbage', bytes(long, (whole) => Buffer.alloc(whole.length, 0xa7)), /opened/],
    ['text', bytes(long, () => Buffer.from('this is a shopping list\n'.repeat(999))), /opened/],
    ['an empty file', bytes(long, () => Buffer.alloc(0)), /there is a file: 0/],
    ['no file', async () => Promise.resolve({ ...mkv, output: join(clips.dir, 'nothing.mkv') }), /there is a file/],
  ];

  const verdicts: Promise<Verified>[] = [];
  before(async function () {
    this.timeout(300_000);
    [mkv, mp4, hdr, rich, sdr] = await Promise.all([
      make('long.mkv', preset()),
      make('long.mkv', preset({ container: 'mp4' })),
      make('hdr10.mkv', preset({ video: HEVC })),
      make('rich.mkv', preset()),
      make('hdr10.mkv', preset({ video: TO_SDR })),
    ]);
    for (const [, prepare] of cases) verdicts.push(gate.run(async () => verify(await prepare())));
  });
  it('nothing of what the others are made from', async function () {
    this.timeout(300_000);
    for (const made of [mkv, mp4, hdr, rich, sdr]) expect((await verify(made)).refusal).to.equal(null);
  });
  cases.forEach(([what, , message], n) => {
    it(what, async function () {
      this.timeout(300_000);
      const verdict = await verdicts[n];
      expect(verdict?.refusal?.message).to.match(message);
      expect(verdict).to.deep.include({ sha256: '' });
      expect(verdict?.refusal?.code).to.equal('verify_failed');
    });
  });

  it('what saves too little, and says that it is only that', async () => {
    const verdict = await verify(mkv, { minSavingPercent: 99 });
    expect(verdict.refusal).to.have.property('code', 'not_smaller');
    const source = { ...mkv.source, sizeBytes: 1000 };
    const larger = await verify(
      { ...mkv, source, plan: { ...mkv.plan, sourceSizeBytes: 1000 } },
      { minSavingPercent: 0 },
    );
    expect(larger.refusal).to.have.property('code', 'not_smaller');
  });

  it('what is too small to be the film', async () => {
    const verdict = await verify({ ...mkv, plan: { ...mkv.plan, sourceSizeBytes: 1e9 } });
    expect(verdict.refusal).to.have.property('message').that.contains('cannot be the whole film');
  });

  it('what changes while it is looked at', async () => {
    const made = await bytes(long, (whole) => whole)();
    const report = (percent: number): void => {
      if (percent === 30) void truncate(made.output, 100_000).then(() => writeFile(made.output, 'x', { flag: 'a' }));
    };
    const verdict = await verifyOutput({
      ...{ plan: made.plan, source: made.source, sourcePath: made.source.path, outputPath: made.output },
      ...{ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', minSavingPercent: 5, decode: false, report },
      signal: new AbortController().signal,
    });
    expect(verdict.refusal).to.have.property('message').that.contains('meanwhile');
  });

  it('to go on when told to stop', async () => {
    const abort = new AbortController();
    abort.abort(new Error('stop'));
    const error = await verify(mkv, { signal: abort.signal }).catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'stop');
  });
});
