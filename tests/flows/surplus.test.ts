import { expect } from 'chai';
import { readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import { aRecommendation } from '../support/builders.js';
import { Clips } from '../support/clips.js';
import { sideBySide, type Play } from '../support/side-by-side.js';
import { sha256Of, Stage } from '../support/stage.js';

const clipOf = (quality: number): string[] => [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=3', '-c:v', 'mpeg4', '-q:v', String(quality)],
];
/** New Year's night: no test runs then. */
const NEVER = '0 0 1 1 *';

describe('a surplus copy of a film', function () {
  this.timeout(180_000);
  let clips: Clips;
  before(async () => {
    clips = await Clips.open();
  });
  sideBySide(() => play(() => clips));
  after(() => clips.close());
});

function play(clips: () => Clips): Play {
  let stage: Stage;
  let worse: string;
  let better: string;
  let original: Record<string, string>;

  const set = async (): Promise<void> => {
    stage = await Stage.set({ webhook: false });
    better = await stage.add('Films/Twice (2000)/Twice (2000).mkv', await clips().make('fine.mkv', clipOf(2)));
    worse = await stage.add('Films/Twice (2000)/Twice (2000).avi', await clips().make('poor.avi', clipOf(30)));
    original = await stage.snapshot();
    await stage.plex.scan();
    await stage.startApp();
    await stage.setToWork({ mode: 'off' });
    await stage.api('PUT', '/api/rules/container-modernize', { mode: 'off' });
    await stage.api('PUT', '/api/settings', { plex: { syncCron: NEVER, fullSyncCron: NEVER } });
    await stage.until('both copies are read', () => item().files.filter(({ detailed }) => detailed).length === 2);
    await stage.until('it is calm', () => stage.app?.context.notifications.status().caughtUpAt !== null);
    await recommend();
  };

  const store = () => {
    if (!stage.app) throw new Error('not started');
    return stage.app.context.store;
  };
  const item = (): LibraryItem => {
    const [found] = store().library.where(({ title }) => title === 'Twice');
    return found ?? ({ files: [] } as unknown as LibraryItem);
  };
  const fileAt = (path: string) => {
    const file = item().files.find(({ localPath }) => localPath === path);
    if (!file) throw new Error(`Plex does not list ${path}`);
    return file;
  };
  const recommend = async (): Promise<void> => {
    const { id: fileId, sizeBytes } = fileAt(worse);
    await store().recommendations.put(
      aRecommendation({
        id: 'row',
        itemId: item().id,
        fileId,
        ruleId: 'duplicate-detection',
        kind: 'review',
        presetId: null,
        keep: { itemId: item().id, fileId: fileAt(better).id },
        fileSizeBytes: sizeBytes,
        savesBytes: sizeBytes,
      }),
    );
  };
  const approve = (): Promise<{ status: number; json: unknown }> =>
    stage.ask('POST', '/api/recommendations/row/approve');
  const refusal = async (): Promise<string> => {
    const { status, json } = await approve();
    if (status < 300) return 'went through';
    return (json as { error: { code: string } }).error.code;
  };
  const untouched = async (): Promise<void> => {
    expect(await stage.snapshot()).to.deep.equal(original);
    expect(store().quarantine.where(({ state }) => state === 'kept')).to.deep.equal([]);
  };

  const tests = {
    'goes to quarantine when the owner says so, Plex forgets it, and it comes back unchanged': async () => {
      const { status, json } = await approve();
      expect(status).to.equal(200);
      const { kept, recommendation } = json as { kept: QuarantineEntry; recommendation: Recommendation };
      expect(kept).to.include({ kind: 'surplus', state: 'kept', originalPath: worse, replacementPath: better });
      expect(recommendation).to.include({ state: 'closed', note: 'It is in quarantine; Twice (2000).mkv stays.' });
      expect(await sha256Of(kept.storedPath)).to.equal(original['Films/Twice (2000)/Twice (2000).avi']);
      await stage.until('Plex lists one copy', () => item().files.length === 1);
      await stage.api('POST', `/api/transcode/quarantine/${kept.id}/restore`);
      expect(store().quarantine.get(kept.id).state).to.equal('restored');
      expect(await stage.snapshot()).to.deep.include(original);
      await stage.until('Plex lists both again', () => item().files.length === 2);
    },

    'is moved once when two people click at once': async () => {
      const both = await Promise.all([refusal(), refusal()]);
      expect(both.sort()).to.deep.equal(['conflict', 'went through']);
      expect(store().quarantine.where(({ state }) => state === 'kept')).to.have.length(1);
    },

    'is not touched by a dry run': async () => {
      await stage.api('PUT', '/api/settings', { safety: { dryRun: true } });
      expect(await refusal()).to.equal('dry_run');
      await untouched();
    },

    'stays when the copy that should stay is gone': async () => {
      await rename(better, join(stage.dir, 'elsewhere.mkv'));
      expect(await refusal()).to.equal('file_missing');
      expect(await sha256Of(worse)).to.equal(original['Films/Twice (2000)/Twice (2000).avi']);
    },

    'stays when the copy that should stay is damaged, though it has its size': async () => {
      const { size } = await stat(better);
      await truncate(better, Math.floor(size / 3));
      await truncate(better, size);
      expect(await refusal()).to.be.oneOf(['verify_failed', 'probe_failed']);
      expect(await sha256Of(worse)).to.equal(original['Films/Twice (2000)/Twice (2000).avi']);
    },

    'stays when it was exchanged meanwhile': async () => {
      await writeFile(worse, 'another film');
      expect(await refusal()).to.equal('file_changed');
      expect(await readFile(worse, 'utf8')).to.equal('another film');
    },

    'stays while somebody watches it': async () => {
      const { ratingKey } = item();
      stage.plex.play(ratingKey);
      expect(await refusal()).to.equal('file_in_use');
      await untouched();
    },

    'stays when its title is never to be touched': async () => {
      await stage.api('POST', `/api/library/items/${item().id}/leave`);
      expect(await refusal()).to.equal('conflict');
      await untouched();
    },

    'is not deleted once no other copy stands, and is once the other was encoded': async () => {
      const { json } = await approve();
      const { id } = (json as { kept: QuarantineEntry }).kept;
      // Plex may not look while the other copy is away, or it forgets the title.
      await stage.until('Plex lists one copy', () => item().files.length === 1);
      await stage.plex.settled();
      const away = join(stage.dir, 'elsewhere.mkv');
      await rename(better, away);
      const { status } = await stage.ask('POST', `/api/transcode/quarantine/${id}/purge`);
      expect(status).to.equal(409);
      await rename(away, better);
      await truncate(better, (await stat(better)).size - 1);
      const { size } = await stat(better);
      await stage.plex.scan();
      await stage.app?.context.intake.readNow([item().ratingKey]);
      await stage.until('the other size is known', () => fileAt(better).sizeBytes === size);
      await stage.api('POST', `/api/transcode/quarantine/${id}/purge`);
      expect(store().quarantine.get(id)).to.include({ state: 'purged', replacementSizeBytes: size });
    },

    'that a crash left under both names stands at its own path after the start': async () => {
      const { json } = await approve();
      const { id, storedPath } = (json as { kept: QuarantineEntry }).kept;
      await rename(storedPath, worse);
      await store().quarantine.patch(id, { state: 'moving' });
      await stage.stopApp();
      await stage.startApp();
      expect(store().quarantine.get(id).state).to.equal('restored');
      expect(await stage.snapshot()).to.deep.include(original);
      expect(await stage.leftovers()).to.deep.equal([]);
    },
  };
  return { tests, set, strike: () => stage.strike() };
}
