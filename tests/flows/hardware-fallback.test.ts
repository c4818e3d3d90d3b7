import { expect } from 'chai';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HardwareFallback } from '../../src/domain/presets/encoder-choice.js';
import type { Job } from '../../src/domain/jobs/job.js';
import { Clips } from '../support/clips.js';
import { playedNvenc } from '../support/played-nvenc.js';
import { Sshd } from '../support/sshd.js';
import { sha256Of, Stage } from '../support/stage.js';

const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];

/** A worker's card fails with every film, though it passed its tests. On the processor: see `workers.test.ts`. */
describe('a film whose graphics card fails', () => {
  let clips: Clips;
  let stage: Stage;
  const machines: Sshd[] = [];

  before(async () => (clips = await Clips.open()));
  after(() => clips.close());
  beforeEach(async () => {
    stage = await Stage.set({ webhook: false });
    await stage.startApp({ workers: { heartbeatMs: 500, patienceMs: 3000, pollMs: 200 } });
    await stage.setToWork({ mode: 'recommend' });
  });
  afterEach(async () => {
    await stage.strike();
    await Promise.all(machines.splice(0).map((machine) => machine.close()));
  });

  const context = () => {
    if (!stage.app) throw new Error('MediaFlow does not run');
    return stage.app.context;
  };
  const addCard = async (name: string, failsFilms: boolean): Promise<string> => {
    const bin = join(stage.dir, name);
    await mkdir(bin);
    await playedNvenc(join(bin, 'ffmpeg'), { hasSoftware: true, failsFilms });
    const machine = await Sshd.start({ path: `${bin}:/usr/bin:/bin` });
    machines.push(machine);
    const { host, port, username, privateKey } = machine;
    const { fleet } = context();
    const { id } = await fleet.add(
      {
        ...{ name, kind: 'ssh', host, port, username, scratchDir: join(stage.dir, `${name}-work`) },
        ...{ hostKey: await machine.fingerprint(), slots: 1, tags: [], pathMappings: [], hours: [], maxMbps: null },
        ...{ isPaused: false, isDraining: false, disabledReason: null, failuresInRow: 0 },
        ...{ capabilities: null, line: null, lastSeenAt: null },
      },
      { kind: 'key', privateKey },
    );
    await stage.until(`${name} is there`, () => fleet.get(id).state === 'online');
    return id;
  };
  /** `workerId`: the one that is wished for. */
  const queued = async (workerId: string | null, hardwareFallback: HardwareFallback): Promise<{ job: Job; path: string; before: string }> => {
    await context().store.settings.change({ queue: { hardwareFallback } });
    const path = await stage.add('Films/A Film (1999)/A Film (1999).mkv', await clips.make('old.mkv', OLD));
    const before = await sha256Of(path);
    await stage.plex.scan();
    await stage.api('POST', '/api/plex/sync', { mode: 'full' });
    const item = await stage.until('the film is read', () =>
      [...context().store.library.values()].find(({ files }) => files.some(({ localPath }) => localPath === path)),
    );
    const made = await stage.api<{ items: Job[] }>('POST', '/api/transcode/jobs', { itemIds: [item.id], presetId: 'quick', ...(workerId === null ? {} : { workerId }) });
    const [job] = made.items;
    if (!job) throw new Error('no job was made');
    return { job, path, before };
  }; // prettier-ignore
  const ended = (id: string): Promise<Job> =>
    stage.jobThat((job) => job.id === id && ['done', 'failed', 'skipped'].includes(job.state), `job ${id} has ended`);
  /** This machine is out of question, so that a card is tried first. */
  const queuedForCards = async (hardwareFallback: HardwareFallback): ReturnType<typeof queued> => {
    await stage.api('POST', '/api/transcode/queue/pause');
    const made = await queued(null, hardwareFallback);
    await context().store.jobs.patch(made.job.id, { failedOn: [{ workerId: 'local', why: 'Not here.' }] });
    await stage.api('POST', '/api/transcode/queue/resume');
    return made;
  };

  it('is left as it is where the owner wants no other try', async () => {
    const id = await addCard('attic', true);
    const { job, path, before } = await queuedForCards('fail');
    const failed = await ended(job.id);
    expect(failed).to.include({ state: 'failed', workerId: id, prefersCpu: false });
    expect(failed.error).to.have.property('code', 'hardware_failed');
    expect(failed.error?.message).to.match(/out of memory/);
    expect(await sha256Of(path)).to.equal(before);
    expect(await stage.leftovers()).to.deep.equal([]);
  });

  it('is done by another machine with such a card', async () => {
    const first = await addCard('attic', true);
    const second = await addCard('cellar', false);
    await stage.api('POST', `/api/servers/${second}/pause`);
    const { job, path, before } = await queuedForCards('other-worker');
    await stage.jobThat(
      ({ failedOn }) => failedOn.some(({ workerId }) => workerId === first),
      'the first card has failed',
    );
    await stage.api('POST', `/api/servers/${second}/resume`);
    const done = await ended(job.id);
    expect(done).to.include({ state: 'done', workerId: second, prefersCpu: false });
    expect(done.encoder?.name, 'not by a processor').to.equal('hevc_nvenc');
    expect(done.failedOn.map(({ workerId }) => workerId)).to.deep.equal(['local', first]);
    expect(await sha256Of(path))
      .to.equal(done.outputSha256)
      .and.not.equal(before);
  });

  it('has failed where another card is to try it and there is none, though a processor could', async () => {
    await addCard('attic', true);
    const { job, path, before } = await queuedForCards('other-worker');
    expect((await ended(job.id)).error).to.have.property('code', 'hardware_failed');
    expect(await sha256Of(path)).to.equal(before);
  });

  it('is not taken from the worker that the owner chose for it', async () => {
    await addCard('cellar', false);
    const { job } = await queued(await addCard('attic', true), 'other-worker');
    expect((await ended(job.id)).error).to.have.property('code', 'hardware_failed');
  });
});
