import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseEncoder, encoderNeeds } from '../../src/domain/presets/encoder-choice.js';
import type { AppError } from '../../src/domain/errors.js';
import type { EncodeTask } from '../../src/domain/jobs/executor.js';
import type { EncodePlan } from '../../src/domain/presets/plan.js';
import { planEncode } from '../../src/domain/presets/plan-encode.js';
import { Preset } from '../../src/domain/presets/preset.js';
import type { EncoderSupport } from '../../src/domain/workers/worker.js';
import { encodeSteps } from '../../src/ffmpeg/args.js';
import { probeEncoders, probeHere, runHere, type RunFfmpeg } from '../../src/ffmpeg/encoders.js';
import { probe } from '../../src/ffmpeg/probe.js';
import { findProgram } from '../../src/ffmpeg/program.js';
import { LocalExecutor } from '../../src/workers/local.js';
import { playedNvenc, type PlayedNvenc } from '../support/played-nvenc.js';
import { Clips, type ClipName } from '../support/clips.js';

const FAILED = { stdout: '', stderr: '', failed: true };
/** No machine has that many. */
const NO_NODE = '/dev/dri/renderD250';

const aPreset = (video: object = {}, container = 'mkv'): Preset =>
  Preset.parse({
    ...{ id: 'p', title: 'P', description: 'D', container, audio: { codec: 'copy' } },
    video: { codec: 'hevc', quality: 22, ...video },
  });

describe("graphics cards' encoders", function () {
  let clips: Clips;
  let dir: string;
  before(async () => {
    clips = await Clips.open();
    dir = await mkdtemp(join(tmpdir(), 'hardware-'));
  });
  after(async () => {
    await clips.close();
    await rm(dir, { recursive: true, force: true });
  });

  const planOf = async (clip: ClipName, preset: Preset): Promise<EncodePlan> =>
    planEncode(await probe(await clips.get(clip), { ffprobe: 'ffprobe' }), preset);
  const encode = async (ffmpeg: string, clip: ClipName, plan: EncodePlan, encoder: string, device: string | null) => {
    const output = join(dir, `out${plan.extension}`);
    const task: EncodeTask = {
      ...{
        jobId: 'job',
        workKey: 'k',
        mode: null,
        input: await clips.get(clip),
        output,
        scratchDir: dir,
        logPath: join(dir, 'log'),
      },
      ...{ steps: encodeSteps(plan, { encoder, device }), durationSec: plan.durationSec },
    };
    await new LocalExecutor({ ffmpeg }).encode(task, () => undefined, new AbortController().signal);
    return probe(output, { ffprobe: 'ffprobe' });
  };

  describe('on a machine without any', () => {
    before(function () {
      if (existsSync('/dev/nvidiactl')) this.skip();
    });
    const cases: [string, string | null, RegExp, RegExp][] = [
      ['hevc_nvenc', null, /^Cannot load libcuda\.so\.1$/, /no NVIDIA driver.*Cannot load libcuda\.so\.1$/],
      ['hevc_vaapi', NO_NODE, /^No VA display found for device \/dev\/dri\/renderD250$/, /\/dev\/dri.*No VA display/],
      ['hevc_qsv', NO_NODE, /^No VA display found for device/, /\/dev\/dri.*No VA display/],
      ['hevc_qsv', null, /./, /\/dev\/dri.*Device creation failed/],
    ];
    let found: EncoderSupport[];
    before(async () => {
      const run = runHere(await findProgram('ffmpeg'));
      found = await probeEncoders(run, { output: join(dir, 'test.mkv'), renderNodes: [NO_NODE] });
    });
    for (const [name, device, inMatrix, inJob] of cases) {
      it(`${name} ${device === null ? '' : 'at a node '}fails its test and a film, with the cause`, async () => {
        const support = found.find((each) => each.name === name);
        expect(support).to.include({ works: false, tenBit: false, device: null });
        expect(support?.error).to.match(inMatrix);
        const plan = await planOf('mute.mkv', aPreset());
        const error: unknown = await encode('ffmpeg', 'mute.mkv', plan, name, device).catch((each: unknown) => each);
        expect(error).to.have.property('code', 'hardware_failed');
        const { message, details } = error as AppError;
        expect(`${message} ${details}`).to.match(inJob);
        expect(message).not.to.contain(details);
      });
    }

    it('says which encoders are not built in, and proves those of the processor', () => {
      expect(found.find(({ name }) => name === 'av1_nvenc')?.error).to.contain('built without it');
      expect(found.slice(0, 3).map(({ name, tenBit }) => [name, tenBit])).to.deep.equal([
        ['libx265', true],
        ['libx264', true],
        ['libsvtav1', true],
      ]);
    });
  });

  const playNvenc = (name: string, change: PlayedNvenc = {}): ReturnType<typeof playedNvenc> =>
    playedNvenc(join(dir, name), change);

  describe('on a machine with one', () => {
    const supportOf = async (path: string): Promise<EncoderSupport | undefined> =>
      (await probeHere(path)).encoders.find(({ name }) => name === 'hevc_nvenc');

    it('is proved in 8 and 10 bit with the options of real jobs, and encodes a film', async () => {
      const { path, asked } = await playNvenc('nvenc');
      const { encoders } = await probeHere(path);
      expect(encoders.filter(({ works }) => works)).to.deep.equal([
        { name: 'hevc_nvenc', works: true, tenBit: true, error: null, device: null },
      ]);
      const tested = (await asked()).filter((args) => args.includes('hevc_nvenc')).map((args) => args.join(' '));
      expect(tested).to.have.length(2);
      const options = '-c:v:0 hevc_nvenc -preset:v:0 p4 -tune:v:0 hq -rc:v:0 vbr -cq:v:0 25 -b:v:0 0 -pix_fmt:v:0';
      expect(tested[0]).to.contain(`320x256`).and.contain(`${options} yuv420p -f matroska`);
      expect(tested[1]).to.contain(`${options} p010le -f matroska`);

      const plan = await planOf('ten-bit.mkv', aPreset({ speed: 'slow' }, 'mp4'));
      const needs = encoderNeeds(plan);
      const choice = needs && chooseEncoder(needs, encoders, 'gpu');
      expect(choice).to.include({ encoder: 'hevc_nvenc', isHardware: true });
      const result = await encode(path, 'ten-bit.mkv', plan, choice?.encoder ?? '', null);
      expect(result.streams[0]).to.include({ codec: 'hevc', pixelFormat: plan.pixelFormat });
      const film = (await asked()).at(-1) ?? [];
      const options10 =
        '-c:v:0 hevc_nvenc -preset:v:0 p5 -tune:v:0 hq -rc:v:0 vbr -cq:v:0 22 -b:v:0 0 -pix_fmt:v:0 p010le';
      expect(film.join(' ')).to.contain(options10).and.contain('-tag:v:0 hvc1');
      expect(film).not.to.include('-hwaccel');
    });

    it('is not believed when it writes garbage', async () => {
      const { path } = await playNvenc('garbage', { change: '-vf negate' });
      expect(await supportOf(path))
        .to.have.property('error')
        .that.matches(/not the picture \(\d/);
    });

    it('is not taken for one of 10 bit when it makes 8 of it', async () => {
      const { path } = await playNvenc('shallow', { tenBit: 'yuv420p' });
      expect(await supportOf(path)).to.include({ works: true, tenBit: false, error: null });
    });
  });

  it('are looked for at each render node', async () => {
    const real = runHere(await findProgram('ffmpeg'));
    const good = '/dev/dri/renderD251';
    const asked: string[] = [];
    /** The card at the second node is played by x264. */
    const run: RunFfmpeg = (args) => {
      const line = args.join(' ');
      if (line.includes(' -c:v:0 ') && !line.includes('h264_vaapi')) return Promise.resolve(FAILED);
      if (!line.includes('h264_vaapi') || !line.includes(good)) return real(args);
      asked.push(line);
      const cut = args.indexOf('-vaapi_device');
      const rest = [...args.slice(0, cut), ...args.slice(cut + 2)];
      const dropped = /^-(rc_mode|qp|filter):v:0$/;
      return real(
        rest
          .filter((arg, n) => !dropped.test(arg) && !dropped.test(rest[n - 1] ?? ''))
          .map((arg) => (arg === 'h264_vaapi' ? 'libx264' : arg)),
      );
    };
    const found = await probeEncoders(run, { output: join(dir, 'node.mkv'), renderNodes: [NO_NODE, good] });
    const support = found.find(({ name }) => name === 'h264_vaapi');
    expect(support).to.include({ works: true, device: good, error: null });
    expect(asked).to.have.length(2);
    expect(found.find(({ name }) => name === 'hevc_vaapi')).to.include({ works: false, device: null });
  });

  it('that need a render node are not tried without one', async () => {
    const asked: string[] = [];
    const run: RunFfmpeg = (args) => {
      asked.push(args.join(' '));
      return Promise.resolve({ stdout: ' V....D hevc_vaapi  x\n V..... hevc_qsv  x\n', stderr: '', failed: true });
    };
    const found = await probeEncoders(run, { output: '/nowhere', renderNodes: [] });
    expect(found.find(({ name }) => name === 'hevc_qsv')?.error).to.contain('/dev/dri');
    expect(asked.filter((line) => /_(vaapi|qsv)/.test(line))).to.deep.equal([]);
  });
});
