import { expect } from 'chai';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { planEncode } from '../../src/domain/presets/plan-encode.js';
import { Preset } from '../../src/domain/presets/preset.js';
import type { EncodeTask, Executor, Progress } from '../../src/domain/jobs/executor.js';
import type { TransferMode } from '../../src/domain/workers/worker.js';
import { encodeSteps } from '../../src/ffmpeg/args.js';
import { probe } from '../../src/ffmpeg/probe.js';
import { Clips } from '../support/clips.js';

/** How one kind of executor is made and looked into. */
export interface ExecutorUnderTest {
  make(): Promise<Executor>;
  /** Process ids of ffmpeg runs that have `text` in their command line. */
  running(text: string): Promise<string[]>;
  /** For those whose encodes go on after `close`, to be taken up again: ends them and takes away what is left. */
  sweep?(): Promise<void>;
  /** How files get there; default: they are copied. */
  mode?: TransferMode;
  /** Files and folders of ours on the machine that encodes, beside those of the task. */
  leftThere?(): Promise<string[]>;
}

const preset = Preset.parse({
  id: 'p',
  title: 'P',
  description: 'D',
  container: 'mkv',
  video: { codec: 'h264', quality: 30, speed: 'ultrafast' },
  audio: { codec: 'copy' },
});
const never = (): AbortSignal => new AbortController().signal;
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: unknown) => error,
  );

/** What every executor must do, wherever it runs ffmpeg. */
export function executorContract(kind: string, under: ExecutorUnderTest, { isBrief = false } = {}): void {
  describe(`${kind} executor`, function () {
    // What has nothing to do with the machine is tried on one of them.
    const usual = isBrief ? (): void => undefined : it;
    let clips: Clips;
    let dir: string;
    let executor: Executor;

    before(async () => (clips = await Clips.open()));
    after(() => clips.close());
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'executor-'));
      executor = await under.make();
    });
    afterEach(async function () {
      if (this.currentTest?.state === 'passed') expect((await under.leftThere?.()) ?? []).to.deep.equal([]);
      await executor.close();
      await rm(dir, { recursive: true, force: true });
    });

    const task = async (input: string, change: Partial<EncodeTask> = {}): Promise<EncodeTask> => {
      const plan = planEncode(await probe(input, { ffprobe: 'ffprobe' }), preset);
      await mkdir(join(dir, 'scratch'), { recursive: true });
      return {
        jobId: 'job-1',
        workKey: 'k1',
        mode: under.mode ?? null,
        input,
        output: join(dir, 'out.mkv'),
        scratchDir: join(dir, 'scratch'),
        logPath: join(dir, 'job-1.log'),
        steps: encodeSteps(plan),
        durationSec: plan.durationSec,
        ...change,
      };
    };
    /** A film that takes far longer to encode than a test takes to stop it. */
    const slowTask = async (): Promise<EncodeTask> => {
      const made = await task(await clips.get('plain.mkv'));
      const args = made.steps.flatMap((step) => step.args);
      const slowed = args.flatMap((arg) => (arg === '-i' ? ['-stream_loop', '-1', '-readrate', '1', arg] : [arg]));
      return { ...made, steps: [{ purpose: 'encode', args: slowed }] };
    };
    const log = (): Promise<string> => readFile(join(dir, 'job-1.log'), 'utf8');

    it('says which encoders work', async () => {
      const health = await executor.check(never());
      expect(health).to.have.property('ok', true);
      const works = health.ok ? health.encoders.filter((encoder) => encoder.works).map(({ name }) => name) : [];
      expect(works).to.include.members(['libx264', 'libx265', 'libsvtav1']);
    });

    usual('measures how quick an encoder is that works, and leaves out one that does not', async () => {
      const encoder = (name: string, works: boolean) => ({ name, works, tenBit: works, error: null, device: null });
      const asked = [encoder('libx264', true), encoder('libx265', false), encoder('hevc_videotoolbox', true)];
      const speeds = await executor.measureSpeeds(asked, never());
      expect(speeds.map(({ encoder, isHardware }) => [encoder, isHardware])).to.deep.equal([['libx264', false]]);
      expect(speeds[0]?.fps).to.be.greaterThan(0.1);
    });

    it('encodes, reports progress up to 100 and keeps a log with the command', async () => {
      const reports: Progress[] = [];
      const made = await task(await clips.get('plain.mkv'));
      await executor.encode(made, (progress) => reports.push(progress), never());
      const result = await probe(made.output, { ffprobe: 'ffprobe' });
      expect(result.streams.map(({ codec }) => codec)).to.deep.equal(['h264', 'aac']);
      expect(reports.at(-1)).to.include({ percent: 100 });
      expect(await log())
        .to.contain('-c:v:0 libx264')
        .and.contain('libx264 @')
        .and.not.match(/^out_time/m);
    });

    usual('runs every step and leaves cover art in the result', async () => {
      const made = await task(await clips.get('rich.mkv'));
      const reports: number[] = [];
      const report = ({ stage = 'encode', percent }: Progress): void => {
        if (stage === 'encode') reports.push(percent);
      };
      await executor.encode(made, report, never());
      const result = await probe(made.output, { ffprobe: 'ffprobe' });
      expect(result.streams.map(({ kind: each }) => each)).to.include.members(['cover', 'attachment', 'subtitle']);
      expect(reports.filter((percent) => percent === 100)).to.have.length(1);
    });

    for (const name of [
      '-i concat:a.mkv',
      "it's 100% $(touch pwned) `x`.mkv",
      'http:b?c#d.mkv',
      'näme\nof lines.mkv',
      'a|b;c&d.mkv',
    ]) {
      usual(`encodes a file called ${JSON.stringify(name)}`, async () => {
        const input = join(dir, name);
        await clips.ffmpeg(['-i', await clips.get('plain.mkv'), '-c', 'copy', '-f', 'matroska', '-y', `file:${input}`]);
        const made = await task(input, { output: join(dir, `out ${name}`) });
        await executor.encode(made, () => undefined, never());
        expect((await stat(made.output)).size).to.be.greaterThan(1000);
        expect(await readdir(dir)).not.to.include('pwned');
      });
    }

    it('stops when told, and then there is no process and no output', async () => {
      const abort = new AbortController();
      const made = await slowTask();
      const reason = new Error('enough');
      const report = ({ stage = 'encode' }: Progress): void => {
        if (stage === 'encode') abort.abort(reason);
      };
      expect(await failureOf(executor.encode(made, report, abort.signal))).to.equal(reason);
      expect(await under.running(basename(dir))).to.deep.equal([]);
      expect(await readdir(dir)).not.to.include('out.mkv');
    });

    usual('stops when told before ffmpeg is there', async () => {
      const made = await slowTask();
      const before = new AbortController();
      before.abort(new Error('before'));
      expect(await failureOf(executor.encode(made, () => undefined, before.signal))).to.have.property(
        'message',
        'before',
      );
      for (const turns of [1, 2, 5, 20]) {
        const abort = new AbortController();
        const encoding = failureOf(executor.encode(made, () => undefined, abort.signal));
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        abort.abort(new Error('at once'));
        expect(await encoding).to.have.property('message', 'at once');
        expect(await under.running(basename(dir))).to.deep.equal([]);
      }
      expect(await readdir(dir)).not.to.include('out.mkv');
    });

    it('stops everything when closed, twice', async () => {
      const made = await slowTask();
      let closing: Promise<void> | undefined;
      const close = ({ stage = 'encode' }: Progress): void => {
        if (stage === 'encode') closing ??= executor.close();
      };
      const encoding = failureOf(executor.encode(made, close, never()));
      expect(await encoding).to.have.property('code', 'interrupted');
      await closing;
      await executor.close();
      if (under.sweep && (under.mode ?? 'transfer') === 'transfer')
        expect(await under.running(basename(dir))).not.to.deep.equal([]);
      await under.sweep?.();
      expect(await under.running(basename(dir))).to.deep.equal([]);
    });

    usual('names the cause of a failure and leaves no output', async () => {
      const made = await task(await clips.get('plain.mkv'));
      const broken = { ...made, input: await clips.broken() };
      const error = await failureOf(executor.encode(broken, () => undefined, never()));
      expect(error).to.have.property('code', 'encode_failed');
      expect(error).to.have.property('message').that.contains('could not');
      expect(error)
        .to.have.property('details')
        .that.matches(/Invalid data found|moov atom not found|EBML/)
        .and.not.matches(/Conversion failed/);
      expect(await readdir(dir)).not.to.include('out.mkv');
      expect(await log()).to.contain('failed');
    });

    usual('fails when the source goes bad in the middle', async () => {
      const made = await task(await clips.get('plain.mkv'), { input: await clips.rotten() });
      const error = await failureOf(executor.encode(made, () => undefined, never()));
      expect(error).to.have.property('code', 'encode_failed');
      expect(await readdir(dir)).not.to.include('out.mkv');
    });

    usual('says which encoder is missing', async () => {
      const made = await task(await clips.get('plain.mkv'));
      const steps = made.steps.map(({ purpose, args }) => ({
        purpose,
        args: args.map((arg) => (arg === 'libx264' ? 'libx999' : arg)),
      }));
      const error = await failureOf(executor.encode({ ...made, steps }, () => undefined, never()));
      expect(error).to.have.property('code', 'encoder_missing');
      expect(error).to.have.property('message').that.contains('libx999');
    });
  });
}
