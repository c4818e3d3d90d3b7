import { expect } from 'chai';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../../src/domain/jobs/job.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import { Clips } from '../support/clips.js';
import { HOSTILE_NAMES } from '../support/hostile-names.js';
import { filesBelow, sha256Of, Stage } from '../support/stage.js';

/** Every sixth of them, or with `ALL_NAMES=1` all: they take three minutes. */
const NAMES = process.env['ALL_NAMES'] ? HOSTILE_NAMES : HOSTILE_NAMES.filter((_, at) => at % 6 === 0);

/** Enough picture to shrink, and as little as that takes. */
const TINY = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=256x144:r=10:d=1', '-f', 'lavfi', '-i', 'sine=f=440:d=1'],
  ...['-c:v', 'mpeg4', '-q:v', '1', '-c:a', 'aac'],
];

describe('hostile file names', function () {
  this.timeout(1_600_000);
  let clips: Clips;
  let stage: Stage;

  before(async () => {
    clips = await Clips.open();
    stage = await Stage.set();
    await stage.startApp();
    await stage.setToWork();
    await stage.api('PUT', '/api/settings', { queue: { concurrency: 3 } });
  });
  after(async () => {
    await stage.strike();
    await clips.close();
  });

  it(`go the whole way and back unchanged, ${NAMES.length} of them`, async () => {
    const clip = await clips.make('tiny.mkv', TINY);
    const original = await sha256Of(clip);
    const paths: string[] = [];
    for (const [at, name] of NAMES.entries()) paths.push(await stage.add(`Films/${at}/${name}.mkv`, clip));
    // A name that is not even UTF-8 cannot be told to anybody: it must be left alone.
    const unspeakable = Buffer.concat([
      Buffer.from(join(stage.media, 'Films', '0', 'bad')),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('.mkv'),
    ]);
    await copyFile(clip, unspeakable);
    await stage.plex.scan();

    const isOver = ({ state }: Job): boolean => ['done', 'failed', 'skipped', 'cancelled'].includes(state);
    const jobs = await stage.until(
      'every job has ended',
      async () => {
        const all = await stage.jobs();
        return all.filter(isOver).length >= paths.length && all.every(isOver) ? all : null;
      },
      1_500_000,
    );
    const odd = jobs.filter(({ state, sourcePath }) => state !== 'done' && paths.includes(sourcePath));
    expect(odd.map(({ sourcePath, error }) => [sourcePath, error?.message])).to.deep.equal([]);

    const { items: kept } = await stage.api<{ items: QuarantineEntry[] }>(
      'GET',
      '/api/transcode/quarantine?pageSize=200',
    );
    for (const path of paths) {
      const job = jobs.find(({ sourcePath }) => sourcePath === path);
      expect(job?.targetPath, path).to.equal(path);
      expect(await sha256Of(path), path).to.equal(job?.outputSha256);
      const entry = kept.find(({ originalPath }) => originalPath === path);
      expect(await sha256Of(entry?.storedPath ?? ''), path).to.equal(original);
    }
    expect(await readFile(unspeakable)).to.deep.equal(await readFile(clip));

    for (const { id } of kept) await stage.api('POST', `/api/transcode/quarantine/${id}/restore`);
    // The answer comes when the original stands again; what served to put it there goes right after.
    await stage.until('nothing left of the restores', async () => (await stage.leftovers()).length === 0);
    for (const [at, name] of NAMES.entries()) {
      const folder = join(stage.media, 'Films', String(at));
      expect(await sha256Of(join(folder, `${name}.mkv`)), name).to.equal(original);
      const names = await readdir(folder);
      expect(at === 0 ? names.length : names, name).to.deep.equal(at === 0 ? 2 : [`${name}.mkv`]);
    }
    const all = [
      ...(await filesBelow(stage.dir)),
      ...(await filesBelow(process.cwd()).then((files) => files.filter((file) => !file.includes('node_modules')))),
    ];
    expect(all.filter((file) => file.endsWith('canary') && !file.includes('touch'))).to.deep.equal([]);
    expect(await stage.leftovers()).to.deep.equal([]);
  });
});
