import { expect } from 'chai';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../../src/domain/jobs/job.js';
import { Clips } from '../support/clips.js';
import { playedNvenc } from '../support/played-nvenc.js';
import { Sshd } from '../support/sshd.js';
import { sha256Of, Stage } from '../support/stage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** An old codec in a container of today: the name can be kept. */
const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];

/** Everything as ever, with less patience. */
const QUICK = { heartbeatMs: 500, patienceMs: 3000, pollMs: 200 };

describe('a film and a worker over SSH', () => {
  let clips: Clips;
  let sshd: Sshd;
  let proxy: TcpProxy;
  let stage: Stage;

  before(async () => {
    [clips, sshd] = await Promise.all([Clips.open(), Sshd.start()]);
  });
  after(() => Promise.all([clips.close(), sshd.close()]));
  beforeEach(async () => {
    proxy = await TcpProxy.start(sshd);
    stage = await Stage.set({ webhook: false });
    await stage.startApp({ workers: QUICK });
    await stage.setToWork({ mode: 'recommend' });
  });
  afterEach(async () => {
    await stage.strike();
    await proxy.close();
  });

  const fleet = () => {
    if (!stage.app) throw new Error('MediaFlow does not run');
    return stage.app.context.fleet;
  };
  const scratch = (): string => join(stage.dir, 'worker');
  /** A worker whose host key was compared beforehand. */
  const addWorker = async (
    way: { host: string; port: number } = proxy,
    machine = sshd,
    name = 'attic',
    scratchDir = scratch(),
    maxMbps: number | null = null,
  ): Promise<string> => {
    const { id } = await fleet().add(
      {
        ...{ name, kind: 'ssh', host: way.host, port: way.port, username: machine.username, scratchDir },
        ...{ hostKey: await machine.fingerprint(), slots: 1, tags: [], pathMappings: [], hours: [] },
        ...{ maxMbps, isPaused: false, isDraining: false, disabledReason: null, failuresInRow: 0 },
        ...{ capabilities: null, line: null, lastSeenAt: null },
      },
      { kind: 'key', privateKey: machine.privateKey },
    );
    await stage.until('the worker is there', () => fleet().get(id).state === 'online');
    return id;
  };
  const queued = async (
    name: string,
    workerId?: string,
    workerTags?: string[],
  ): Promise<{ job: Job; path: string; before: string }> => {
    const path = await stage.add(`Films/${name}/${name}.mkv`, await clips.make('old.mkv', OLD));
    const before = await sha256Of(path);
    await stage.plex.scan();
    await stage.api('POST', '/api/plex/sync', { mode: 'full' });
    const item = await stage.until('the film is read', () =>
      [...(stage.app?.context.store.library.values() ?? [])].find(({ files }) =>
        files.some(({ localPath }) => localPath === path),
      ),
    );
    const made = await stage.api<{ items: Job[] }>('POST', '/api/transcode/jobs', {
      itemIds: [item.id],
      presetId: 'quick',
      ...(workerId === undefined ? {} : { workerId }),
      ...(workerTags === undefined ? {} : { workerTags }),
    });
    const [job] = made.items;
    if (!job) throw new Error('no job was made');
    return { job, path, before };
  };
  const ended = (id: string): Promise<Job> =>
    stage.jobThat((job) => job.id === id && ['done', 'failed', 'skipped'].includes(job.state), `job ${id} has ended`);
  const leftThere = async (): Promise<string[]> => {
    const folders = await readdir(scratch()).catch(() => []);
    return (await Promise.all(folders.map((name) => readdir(join(scratch(), name, 'jobs'))))).flat();
  };

  it('is encoded there, comes back and takes the place of the original', async () => {
    const id = await addWorker();
    const { job, path, before } = await queued('A Film (1999)', id);
    const done = await ended(job.id);
    expect(done).to.include({ state: 'done', workerId: id, transferMode: 'transfer', leftOn: null });
    expect(done.whyWorker).to.match(/attic/);
    expect(done.weighed?.ways.map(({ mode }) => mode)).to.have.members(['transfer', 'stream', 'shared']);
    expect(done.weighed?.ways[0]?.mode).to.equal(done.transferMode);
    expect(done.weighed?.parts.map(({ max }) => max)).to.deep.equal([35, 30, 35]);
    expect(done.encoder?.name).to.equal('libx265');
    expect(await sha256Of(path))
      .to.equal(done.outputSha256)
      .and.not.equal(before);
    expect(await leftThere()).to.deep.equal([]);
    expect(await stage.leftovers()).to.deep.equal([]);
  });

  for (const [how, method, path, body] of [
    ['is paused', 'POST', '/api/servers/local/pause', {}],
    ['has no slots', 'PUT', '/api/servers/local', { slots: 0 }],
  ] as const) {
    it(`is encoded there while this machine ${how}, and verified and swapped here`, async () => {
      const id = await addWorker();
      await stage.api(method, path, body);
      const { job, path: film, before } = await queued('A Film (1999)');
      const done = await ended(job.id);
      expect(done).to.include({ state: 'done', workerId: id });
      expect(await sha256Of(film)).to.equal(done.outputSha256).and.not.equal(before);
    }); // prettier-ignore
  }

  it('waits for a worker with the tags it asks for, and holds up no other film meanwhile', async () => {
    const { job: picky } = await queued('A Film (1999)', undefined, ['GPU']);
    const { job: plain } = await queued('Another Film (2001)');
    expect(await ended(plain.id)).to.include({ state: 'done', workerId: 'local' });
    const { reasons } = await stage.until('the other waits', () => {
      const state = stage.app?.context.queue.state();
      return state?.running === 0 && state.reasons.length > 0 ? state : undefined;
    });
    expect(reasons.join(' ')).to.match(/This machine is not tagged GPU\. Tag This machine or add a worker/);
    const id = await addWorker();
    await stage.api('PUT', `/api/servers/${id}`, { tags: ['gpu'] });
    expect(await ended(picky.id)).to.include({ state: 'done', workerId: id });
  });

  it('tells how each worker would do what is next, and nothing where there is no choice', async () => {
    const queue = stage.app?.context.queue;
    await stage.api('POST', '/api/transcode/queue/pause');
    await stage.until('nothing is read', () => stage.app?.context.sync.status().state === 'idle');
    const { job } = await queued('N Film (1999)');
    expect(await queue?.next(5000)).to.equal(null);
    const id = await addWorker();
    const next = await queue?.next(60_000);
    expect(next?.job.id).to.equal(job.id);
    const there = next?.choice.ranked.find((worker) => worker.id === id);
    expect(there?.parts.map(({ name }) => name)).to.deep.equal(['transfer', 'performance', 'load']);
  });

  it('survives a restart of MediaFlow and a line that breaks', async () => {
    const id = await addWorker();
    proxy.faults.bytesPerSec = 400_000;
    const { job, before, path } = await queued('B Film (1999)', id);
    await stage.jobThat((each) => each.id === job.id && each.state === 'running', 'it is under way');
    await stage.until('a part of it is there', () => proxy.passed > 100_000);
    proxy.cut();
    await stage.stopApp();
    proxy.faults.bytesPerSec = null;
    await stage.startApp({ workers: QUICK });
    const done = await ended(job.id);
    expect(done).to.include({ state: 'done', workerId: id });
    expect(await sha256Of(path)).to.not.equal(before);
    expect(await leftThere()).to.deep.equal([]);
  });

  describe('is streamed where copying takes long,', () => {
    const addFar = (): Promise<string> => addWorker(proxy, sshd, 'far', scratch(), 0.3);

    it('and comes back while it is encoded', async () => {
      const id = await addFar();
      const { job, path, before } = await queued('F Film (1999)', id);
      const done = await ended(job.id);
      expect(done).to.include({ state: 'done', workerId: id, transferMode: 'stream', leftOn: null });
      expect(await sha256Of(path))
        .to.equal(done.outputSha256)
        .and.not.equal(before);
      expect(await leftThere()).to.deep.equal([]);
      expect(await stage.leftovers()).to.deep.equal([]);
    });

    it('but never again once the line broke', async () => {
      const id = await addFar();
      const { job, path } = await queued('G Film (1999)', id);
      await stage.jobThat((each) => each.id === job.id && each.stage === 'encode', 'it is under way');
      await stage.until('a part of it is there', () => proxy.passed > 100_000);
      proxy.cut();
      const done = await ended(job.id);
      expect(done).to.include({ state: 'done', workerId: id, transferMode: 'transfer', streamBroke: true });
      expect(await sha256Of(path)).to.equal(done.outputSha256);
      expect(await leftThere()).to.deep.equal([]);
      expect(await stage.leftovers()).to.deep.equal([]);
    });
  });

  it('is not touched when it is cancelled, and nothing is left there', async () => {
    const id = await addWorker();
    proxy.faults.bytesPerSec = 100_000;
    const { job, path, before } = await queued('C Film (1999)', id);
    await stage.until('a part of it is there', async () => (await leftThere()).length > 0);
    await stage.api('POST', `/api/transcode/jobs/${job.id}/cancel`);
    proxy.faults.bytesPerSec = null;
    await stage.until('it is gone there', async () => (await leftThere()).length === 0);
    expect((await stage.jobs()).find((each) => each.id === job.id)?.state).to.equal('cancelled');
    expect(await sha256Of(path)).to.equal(before);
  });

  it('is encoded by the graphics card there, and on the processor when that fails', async () => {
    const bin = join(stage.dir, 'bin');
    await mkdir(bin);
    const { asked } = await playedNvenc(join(bin, 'ffmpeg'), { hasSoftware: true });
    const machine = await Sshd.start({ path: `${bin}:/usr/bin:/bin` });
    try {
      const id = await addWorker(machine, machine);
      const first = await queued('D Film (1999)', id);
      expect(await ended(first.job.id)).to.include({ state: 'done', workerId: id, prefersCpu: false });
      expect((await asked()).at(-1)).to.include.members(['hevc_nvenc', '-cq:v:0']);
      await playedNvenc(join(bin, 'ffmpeg'), { hasSoftware: true, failsFilms: true });
      const second = await queued('E Film (1999)', id);
      const done = await ended(second.job.id);
      expect(done).to.include({ state: 'done', prefersCpu: true });
      expect(done.encoder).to.have.property('name', 'libx265');
      expect(await leftThere()).to.deep.equal([]);
    } finally {
      await machine.close();
    }
  });

  it('goes on elsewhere when its worker is gone, and the late result of that one is nobody’s', async () => {
    const other = await Sshd.start();
    try {
      const slow = await addWorker();
      proxy.faults.bytesPerSec = 60_000;
      const { job, path } = await queued('F Film (1999)', slow);
      await stage.until('a part of it is there', async () => (await leftThere()).length > 0);
      const second = await addWorker(other, other, 'cellar', join(stage.dir, 'cellar'));
      await stage.app?.context.store.jobs.patch(job.id, { wishedWorkerId: second });
      proxy.faults.isRefused = true;
      await sshd.stop();
      proxy.cut();
      const done = await ended(job.id);
      expect(done).to.include({ state: 'done', workerId: second });
      const result = await sha256Of(path);
      await sshd.listen();
      proxy.faults.isRefused = false;
      await stage.until('it is there again', () => fleet().get(slow).state === 'online');
      await stage.until('nothing is left there', async () => (await leftThere()).length === 0);
      expect(await sha256Of(path)).to.equal(result);
    } finally {
      await other.close();
    }
  });
});
