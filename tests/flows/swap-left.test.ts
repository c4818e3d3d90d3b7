import { expect } from 'chai';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Swapper } from '../../src/files/swap.js';
import { Clips } from '../support/clips.js';
import { sha256Of, Stage } from '../support/stage.js';

const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];

describe('a swap whose disk went away in the middle', () => {
  let clips: Clips;
  let stage: Stage;
  before(async () => (clips = await Clips.open()));
  after(() => clips.close());
  beforeEach(async () => {
    stage = await Stage.set();
    await stage.startApp();
    await stage.setToWork({ replace: 'review' });
  });
  afterEach(() => stage.strike());

  for (const [step, isByHand] of [
    ['after:link-original', true],
    ['after:rename-onto-target', false],
    ['after:rename-onto-target', true],
    ['after:journal-placed', true],
  ] as const) {
    it(`is brought to its end when it is tried again${isByHand ? ' by hand' : ''}, left ${step}`, async () => {
      const path = await stage.add('Films/A Film (1999)/A Film (1999).mkv', await clips.make('old.mkv', OLD));
      const original = await sha256Of(path);
      await stage.plex.scan();
      const job = await stage.jobThat(({ state }) => state === 'verified');
      const { targetPath, outputPath, outputSha256, fingerprint, sizeAfterBytes } = job;
      if (targetPath === null || outputPath === null || outputSha256 === null) throw new Error('it is not verified');
      const storedPath = join(stage.media, '.mediaflow', 'quarantine', job.id, basename(path));
      const journalDir = join(stage.dir, 'data', 'swaps');
      await new Promise<void>((resolve, reject) => {
        const onStep = async (name: string): Promise<void> => {
          if (name !== step) return;
          resolve();
          await new Promise(() => undefined);
        };
        new Swapper({ journalDir, onStep })
          .place({
            ...{ kind: 'replace', id: job.id, sourcePath: path, targetPath, outputPath, storedPath },
            ...{ sourceFingerprint: fingerprint, outputSha256, outputSizeBytes: sizeAfterBytes ?? 0 },
          })
          .catch(reject);
      });
      const context = stage.app?.context;
      const waitsFor = 'The disk did not answer.';
      const nextTryAt = new Date(isByHand ? Date.now() + 600_000 : 0).toISOString();
      await context?.store.jobs.patch(job.id, { approvedToReplace: true, postponed: 1, waitsFor, nextTryAt });
      if (isByHand) await stage.api('POST', `/api/transcode/jobs/${job.id}/replace`);
      else context?.bus.emit('queue.changed', {});
      const done = await stage.jobThat(({ state }) => state === 'done');
      expect(await sha256Of(path)).to.equal(done.outputSha256);
      expect(await sha256Of(storedPath)).to.equal(original);
      expect(context?.store.quarantine.where(({ state }) => state === 'kept')).to.have.length(1);
      await stage.until('the journal is closed', async () => (await readdir(journalDir)).length === 0);
      expect(await stage.leftovers()).to.deep.equal([]);
    });
  }
});
