import { expect } from 'chai';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { remotePath } from '../../src/domain/settings/disk.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import { Clips } from '../support/clips.js';
import { Sshd } from '../support/sshd.js';
import { filesBelow, sha256Of, Stage } from '../support/stage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** An old codec in a container of today: the name can be kept. */
const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];
const QUICK = { heartbeatMs: 500, patienceMs: 3000, pollMs: 200 };

describe('films that lie on a NAS reached over SSH', function () {
  this.timeout(240_000);
  let clips: Clips;
  let sshd: Sshd;
  let proxy: TcpProxy;
  let stage: Stage;
  let nas: string;

  before(async () => {
    [clips, sshd] = await Promise.all([Clips.open(), Sshd.start()]);
  });
  after(() => Promise.all([clips.close(), sshd.close()]));
  beforeEach(async () => {
    proxy = await TcpProxy.start(sshd);
    stage = await Stage.set();
    stage.env['MEDIAFLOW_PATH_MAPPINGS'] = '';
    await stage.startApp({ workers: QUICK });
    await stage.setToWork();
    nas = await addNas();
    await stage.api('PUT', '/api/settings', {
      paths: { mappings: [{ from: '/share/Media', to: remotePath(nas, stage.media) }] },
    });
  });
  afterEach(async () => {
    await stage.strike();
    await proxy.close();
  });

  /** A machine that holds files and encodes nothing. */
  const addNas = async (): Promise<string> => {
    const fleet = stage.app?.context.fleet;
    const { id } = (await fleet?.add(
      {
        ...{ name: 'NAS', kind: 'ssh', host: proxy.host, port: proxy.port, username: sshd.username },
        ...{ hostKey: await sshd.fingerprint(), slots: 1, tags: [], pathMappings: [], hours: [] },
        ...{ maxMbps: null, isPaused: true, isDraining: false, disabledReason: null, failuresInRow: 0 },
        ...{ capabilities: null, line: null, lastSeenAt: null, scratchDir: join(stage.dir, 'worker') },
      },
      { kind: 'key', privateKey: sshd.privateKey },
    )) ?? { id: '' };
    return id;
  };
  const oldMkv = (): Promise<string> => clips.make('old.mkv', OLD);
  const kept = async (): Promise<QuarantineEntry> => {
    const { items } = await stage.api<{ items: QuarantineEntry[] }>('GET', '/api/transcode/quarantine');
    const [entry, ...others] = items;
    if (!entry || others.length > 0) throw new Error(`${items.length} originals are kept instead of one`);
    return entry;
  };
  const films = async (): Promise<string[]> =>
    (await filesBelow(stage.media)).map((path) => basename(path)).filter((name) => name !== '.plexignore');
  const fetchedHere = (): Promise<string[]> => readdir(join(stage.dir, 'data', 'fetched')).catch(() => []);

  it('are fetched, encoded here, put back, and come back with one click', async () => {
    const path = await stage.add('Films/A Film (1999)/A Film (1999).mkv', await oldMkv());
    const original = await sha256Of(path);
    const { mtimeMs, mode } = await stat(path);
    await stage.plex.scan();

    const done = await stage.jobThat(({ state }) => state === 'done');
    expect(done).to.include({ sourcePath: remotePath(nas, path), transferMode: 'pull', workerId: 'local' });
    const replaced = await stat(path);
    expect(replaced.size).to.equal(done.sizeAfterBytes).and.be.below(done.sizeBeforeBytes);
    expect(replaced.mode).to.equal(mode);
    expect(Math.abs(replaced.mtimeMs - mtimeMs)).to.be.below(1);
    expect(await sha256Of(path)).to.equal(done.outputSha256);
    const entry = await kept();
    const stored = join(stage.media, '.mediaflow', 'quarantine', done.id, basename(path));
    expect(entry.storedPath).to.equal(remotePath(nas, stored));
    expect(await sha256Of(stored))
      .to.equal(original)
      .and.equal(entry.sha256);
    const [receipt] = stage.app?.context.store.receipts.where(() => true) ?? [];
    expect(receipt).to.deep.include({ plexShowsResult: true, differences: [] });
    expect(await stage.leftovers()).to.deep.equal([]);
    expect(await fetchedHere()).to.deep.equal([]);

    await stage.api('POST', `/api/transcode/quarantine/${entry.id}/restore`);
    expect(await sha256Of(path)).to.equal(original);
    await stage.until('nothing else is left', async () => (await films()).join() === 'A Film (1999).mkv');
  });

  it('get another extension, and the old one back', async () => {
    const path = await stage.add("Films/Old (1998)/It's $(touch canary)\nold.avi", await clips.get('old.avi'));
    const original = await sha256Of(path);
    await stage.plex.scan();
    const done = await stage.jobThat(({ state }) => state === 'done');
    expect(done.targetPath).to.equal(remotePath(nas, path.replace(/avi$/, 'mkv')));
    expect((await films()).sort()).to.deep.equal([basename(path), basename(path).replace(/avi$/, 'mkv')].sort());
    await stage.api('POST', `/api/transcode/quarantine/${(await kept()).id}/restore`);
    await stage.until('the original stands alone', async () => (await films()).length === 1);
    expect(await sha256Of(path)).to.equal(original);
    expect(await readdir(join(stage.media, 'Films'))).to.deep.equal(['Old (1998)']);
  });

  it('are planned in a dry run, without a byte changed there', async () => {
    await stage.api('PUT', '/api/settings', { safety: { dryRun: true } });
    await stage.add('Films/A Film (1999)/A Film (1999).mkv', await oldMkv());
    const before = await stage.snapshot();
    await stage.plex.scan();
    const planned = await stage.jobThat(({ waitsFor }) => waitsFor?.startsWith('Dry run') ?? false);
    expect(planned.commands.join()).to.contain('libx265');
    expect(planned.streamsBefore.join()).to.contain('mpeg4');
    expect(await stage.snapshot()).to.deep.equal(before);
    expect(await fetchedHere()).to.deep.equal([]);
  });

  it('wait while the NAS is away, and go on when it is back', async () => {
    const path = await stage.add('Films/A Film (1999)/A Film (1999).mkv', await oldMkv());
    const original = await sha256Of(path);
    proxy.faults.bytesPerSec = 100_000;
    await stage.plex.scan();
    await stage.jobThat(({ stage: at }) => at === 'fetch', 'it is being fetched');
    proxy.faults.isRefused = true;
    proxy.cut();
    const waits = await stage.jobThat(({ state }) => state === 'blocked', 'it waits');
    expect(waits.error ?? null).to.equal(null);
    expect(waits.waitsFor).to.match(/^NAS, where the files are stored, cannot be used right now/);
    expect(await sha256Of(path)).to.equal(original);
    expect(await fetchedHere()).to.deep.equal([]);
    Object.assign(proxy.faults, { isRefused: false, bytesPerSec: null });
    // As after the minute that it is given; what was found out about the NAS is believed for a moment.
    const soon = new Date(Date.now() + 1000).toISOString();
    await stage.app?.context.store.jobs.patch(waits.id, { nextTryAt: soon });
    const done = await stage.jobThat(({ state }) => state === 'done');
    expect(await sha256Of(path)).to.equal(done.outputSha256);
  });

  it('are never half replaced when the NAS goes away during the swap', async () => {
    const path = await stage.add('Films/A Film (1999)/A Film (1999).mkv', await oldMkv());
    const original = await sha256Of(path);
    await stage.plex.scan();
    await stage.jobThat(({ state }) => state === 'replacing' || state === 'verified', 'it is being replaced');
    proxy.faults.isRefused = true;
    proxy.cut();
    const job = await stage.jobThat(
      ({ state, waitsFor }) => state === 'done' || (state === 'verified' && waitsFor !== null),
      'it is put off',
    );
    const standing = await sha256Of(path);
    expect(standing).to.be.oneOf([original, job.outputSha256]);
    await stage.stopApp();
    proxy.faults.isRefused = false;
    await stage.startApp({ workers: QUICK });
    await stage.until('it is due', async () => {
      const [first] = await stage.jobs();
      if (first?.state === 'verified' && first.waitsFor !== null)
        await stage.ask('POST', `/api/transcode/jobs/${first.id}/replace`);
      return first?.state === 'done';
    });
    const entry = await kept();
    expect(await sha256Of(entry.storedPath.slice(remotePath(nas, '/').length))).to.equal(original);
    expect(await stage.leftovers()).to.deep.equal([]);
  });
});
