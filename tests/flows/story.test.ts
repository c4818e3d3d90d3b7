import { expect } from 'chai';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import type { StreamChange } from '../../src/domain/jobs/stream-changes.js';
import { Clips } from '../support/clips.js';
import { sideBySide, type Play } from '../support/side-by-side.js';
import { filesBelow, sha256Of, Stage, type StageOptions } from '../support/stage.js';

/** An old codec in a container of today: the name can be kept. */
const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];

/** Three rules speak for it: an old codec, an old container, and lossless surround sound. */
const TAPED = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'pcm_s16le', '-ac', '6', '-ar', '48000'],
];

describe('a new film', function () {
  this.timeout(240_000);
  let clips: Clips;

  before(async () => {
    clips = await Clips.open();
  });
  sideBySide(() => play(() => clips));
  after(() => clips.close());
});

/** Each test has a stage of its own. */
function play(clips: () => Clips): Play {
  let stage: Stage;

  const begin = async (options: StageOptions = {}): Promise<void> => {
    stage = await Stage.set(options);
    await stage.startApp();
    await stage.setToWork();
  };
  const oldMkv = (): Promise<string> => clips().make('old.mkv', OLD);
  const kept = async (): Promise<QuarantineEntry> => {
    const { items } = await stage.api<{ items: QuarantineEntry[] }>('GET', '/api/transcode/quarantine');
    const [entry, ...others] = items;
    if (!entry || others.length > 0) throw new Error(`${items.length} originals are kept instead of one`);
    return entry;
  };

  const tests = {
    'becomes a verified, smaller file by nothing but the webhook, and comes back with one click': async () => {
      await begin();
      const path = await stage.add('Films/A Film (1999)/A Film (1999).mkv', await oldMkv());
      const original = await sha256Of(path);
      const { mtimeMs, mode } = await stat(path);
      await stage.plex.scan();
      const item = stage.plex.findByPath('/share/Media/Films/A Film (1999)/A Film (1999).mkv');
      Object.assign(item ?? {}, { viewCount: 3, labels: ['keep'] });

      const job = await stage.jobThat(({ state }) => state === 'done');
      expect(job).to.include({ ruleId: 'codec-modernization', presetId: 'quick', sourcePath: path, targetPath: path });
      expect(job.checks.every(({ ok }) => ok)).to.equal(true);
      expect((await stat(path)).size)
        .to.equal(job.sizeAfterBytes)
        .and.be.below(job.sizeBeforeBytes);
      expect((await stat(path)).mode).to.equal(mode);
      expect(Math.abs((await stat(path)).mtimeMs - mtimeMs)).to.be.below(1);
      expect(await sha256Of(path)).to.equal(job.outputSha256);
      const { streamChanges } = await stage.api<{ streamChanges: StreamChange[] }>(
        'GET',
        `/api/transcode/jobs/${job.id}`,
      );
      expect(
        streamChanges.map(({ kind, action, before, after }) => [kind, action, before.codec, after?.codec]),
      ).to.deep.equal([
        ['video', 'encode', 'mpeg4', 'hevc'],
        ['audio', 'copy', 'aac', 'aac'],
      ]);
      expect(streamChanges[0]?.after).to.include({ width: 320, height: 180, bitDepth: 8 });
      const entry = await kept();
      expect(await sha256Of(entry.storedPath))
        .to.equal(original)
        .and.equal(entry.sha256);

      const [receipt] = stage.app?.context.store.receipts.where(() => true) ?? [];
      expect(receipt).to.deep.include({ plexShowsResult: true, differences: [] });
      const shown = stage.plex.findByPath(job.serverPath);
      expect(shown).to.include({ ratingKey: item?.ratingKey, viewCount: 3 });
      expect(await stage.leftovers()).to.deep.equal([]);
      const row = stage.app?.context.store.library.get(job.itemId);
      expect(row?.files[0]).to.deep.include({ sizeBytes: job.sizeAfterBytes });
      expect(row?.files[0]?.video?.codec).to.equal('hevc');
      const saved = async (): Promise<number> => (await stage.api<{ saved: number }>('GET', '/api/summary')).saved;
      expect(await saved()).to.equal(job.sizeBeforeBytes - (job.sizeAfterBytes ?? 0));

      await stage.api('POST', `/api/transcode/quarantine/${entry.id}/restore`);
      expect(await sha256Of(path)).to.equal(original);
      expect(await saved()).to.equal(0);
      await stage.until(
        'Plex shows the original',
        () => stage.plex.findByPath(job.serverPath)?.files[0]?.sizeBytes === job.sizeBeforeBytes,
      );
      // The rule still matches, but what the owner took back is not done again by itself.
      await stage.api('POST', '/api/recommendations/analyze');
      expect((await stage.jobs()).map(({ state }) => state)).to.deep.equal(['done']);
      // Nothing lies in our folders any more, so they go as well.
      await stage.until(
        'only what was there before is there',
        async () => (await readdir(stage.media)).sort().join() === 'Films,Shows',
      );
      expect(await filesBelow(stage.media)).to.deep.equal([path]);
    },

    'gets a new extension without Plex losing the entry, and the old one back on restore': async () => {
      await begin();
      const path = await stage.add('Films/Old (1998)/Old (1998).avi', await clips().get('old.avi'));
      const original = await sha256Of(path);
      await stage.plex.scan();
      const ratingKey = stage.plex.findByPath('/share/Media/Films/Old (1998)/Old (1998).avi')?.ratingKey;
      const job = await stage.jobThat(({ state }) => state === 'done');
      const target = join(stage.media, 'Films/Old (1998)/Old (1998).mkv');
      expect(job.targetPath).to.equal(target);
      expect((await filesBelow(join(stage.media, 'Films'))).sort()).to.deep.equal([target]);
      const shown = stage.plex.findByPath('/share/Media/Films/Old (1998)/Old (1998).mkv');
      expect(shown?.ratingKey).to.equal(ratingKey);
      expect(shown?.files).to.have.length(1);

      await stage.api('POST', `/api/transcode/quarantine/${(await kept()).id}/restore`);
      await stage.until('the original stands alone', async () => {
        const files = await filesBelow(join(stage.media, 'Films'));
        return files.length === 1 && files[0] === path;
      });
      expect(await sha256Of(path)).to.equal(original);
      await stage.until('Plex lists the original alone', () => {
        const [only, ...others] = stage.plex.items();
        return others.length === 0 && only?.files.length === 1 && only.files[0]?.serverPath.endsWith('.avi');
      });
      expect(stage.plex.items().map((item) => item.ratingKey)).to.deep.equal([ratingKey]);
    },

    'is encoded once when several rules speak for it, and none of them has anything to say afterwards': async () => {
      stage = await Stage.set();
      await stage.startApp();
      await stage.setToWork({ mode: 'recommend', preset: 'balanced' });
      const path = await stage.add('Films/Taped (1997)/Taped (1997).avi', await clips().make('taped.avi', TAPED));
      await stage.plex.scan();
      const list = () =>
        stage.api<{ items: (Recommendation & { merged: { ruleId: string }[] })[]; total: number }>(
          'GET',
          '/api/recommendations',
        );
      const found = await stage.until('all three rules spoke', async () => {
        const { items } = await list();
        return items.find(({ merged }) => merged.length === 2) ?? null;
      });
      expect(await list()).to.include({ total: 1 });
      expect(found).to.include({ ruleId: 'codec-modernization', presetId: 'balanced' });
      expect(found.merged.map(({ ruleId }) => ruleId).sort()).to.deep.equal([
        'audio-optimization',
        'container-modernize',
      ]);
      const plan = await stage.api<{ commands: string[] }>('POST', '/api/transcode/simulate', { itemId: found.itemId });
      expect(plan.commands.join(), 'the plan is of what will be done').to.contain('eac3');

      const named = { itemId: found.itemId, presetId: 'balanced' };
      const alone = await stage.api<{ commands: string[] }>('POST', '/api/transcode/simulate', named);
      expect(alone.commands.join(), 'a preset that is named is all that is done').not.to.contain('eac3');

      await stage.api('POST', `/api/recommendations/${found.id}/approve`);
      const job = await stage.jobThat(({ state }) => state === 'done');
      expect(job).to.include({ presetId: 'balanced', outputVideoCodec: 'hevc' });
      expect(job.streamsAfter.join(), 'the sound as well').to.match(/hevc.*eac3/);
      expect(job.targetPath).to.equal(path.replace(/\.avi$/, '.mkv'));
      expect(await filesBelow(join(stage.media, 'Films'))).to.deep.equal([job.targetPath]);
      await stage.api('POST', '/api/recommendations/analyze');
      expect(await list(), 'nothing is left to do').to.include({ total: 0 });
      expect(await stage.jobs()).to.have.length(1);
      expect(stage.app?.context.store.receipts.size).to.equal(1);
    },

    'is found by the schedule when no webhook comes': async () => {
      await begin({ webhook: false });
      await stage.api('PUT', '/api/settings', { plex: { syncCron: '* * * * * *' } });
      await stage.add('Films/Quiet (2001)/Quiet (2001).mkv', await oldMkv());
      await stage.plex.scan();
      const job = await stage.jobThat(({ state }) => state === 'done');
      expect(job.title).to.equal('Quiet (2001)');
    },

    'goes the same way with a server that speaks only XML': async () => {
      await begin({ format: 'xml' });
      await stage.add('Films/Xml (2002)/Xml (2002).mkv', await oldMkv());
      await stage.plex.scan();
      const job = await stage.jobThat(({ state }) => state === 'done');
      expect(stage.app?.context.store.receipts.get(`receipt-${job.id}`).plexShowsResult).to.equal(true);
    },

    'waits for the owner where the owner wants to be asked': async () => {
      await begin();
      await stage.setToWork({ replace: 'review', mode: 'recommend' });
      const path = await stage.add('Films/Ask (2003)/Ask (2003).mkv', await oldMkv());
      const original = await sha256Of(path);
      await stage.plex.scan();
      const found = await stage.until('there is a recommendation', async () => {
        const { items } = await stage.api<{ items: Recommendation[] }>('GET', '/api/recommendations');
        return items[0] ?? null;
      });
      expect(await stage.jobs()).to.deep.equal([]);
      await stage.api('POST', `/api/recommendations/${found.id}/approve`);
      const job = await stage.jobThat(({ state }) => state === 'verified');
      expect(await sha256Of(path)).to.equal(original);
      await stage.api('POST', `/api/transcode/jobs/${job.id}/replace`);
      await stage.jobThat(({ state }) => state === 'done');
      expect(await sha256Of(path)).to.equal(job.outputSha256);
    },

    'is only planned on a new installation, and nothing on the disk changes': async () => {
      stage = await Stage.set();
      await stage.startApp();
      await stage.api('PUT', '/api/settings', { plex: { settleSec: 0 } });
      await stage.api('PUT', '/api/rules/codec-modernization', { mode: 'automatic', options: { preset: 'quick' } });
      const path = await stage.add('Films/Dry (2004)/Dry (2004).mkv', await oldMkv());
      const [before, { mtimeMs, ctimeMs, ino }] = [await stage.snapshot(), await stat(path)];
      await stage.plex.scan();
      const job = await stage.jobThat(({ state }) => state === 'blocked');
      expect(job.waitsFor).to.contain('Dry run');
      expect(job.commands[0]).to.contain('libx265');
      expect((await stage.ask('POST', `/api/transcode/jobs/${job.id}/replace`)).status).to.equal(409);
      // Whoever planned it may not have left yet.
      await stage.until('the queue says why nothing runs', async () => {
        const { reasons } = await stage.api<{ reasons: string[] }>('GET', '/api/transcode/queue');
        return reasons.join(' ').includes('Dry run is on');
      });
      expect(await stage.snapshot()).to.deep.equal(before);
      expect(await stat(path)).to.include({ mtimeMs, ctimeMs, ino });

      // Turned off, the planned work begins.
      await stage.setToWork();
      await stage.jobThat(({ state }) => state === 'done');
    },

    'is not replaced while somebody watches it': async () => {
      await begin();
      await stage.api('PUT', '/api/settings', { queue: { paused: true } });
      const path = await stage.add('Films/Watched (2005)/Watched (2005).mkv', await oldMkv());
      const original = await sha256Of(path);
      await stage.plex.scan();
      await stage.jobThat(({ state }) => state === 'queued');
      stage.plex.play(stage.plex.items()[0]?.ratingKey ?? '', { user: 'Ann', state: 'paused' });
      await stage.api('POST', '/api/transcode/queue/resume');
      const job = await stage.jobThat(({ state, postponed }) => state === 'verified' && postponed > 0);
      expect(job.waitsFor).to.contain('Ann is watching it');
      expect(await sha256Of(path)).to.equal(original);
      stage.plex.stopPlaying();
      await stage.api('POST', `/api/transcode/jobs/${job.id}/replace`);
      await stage.jobThat(({ state }) => state === 'done');
    },
  };
  return { tests, strike: () => stage.strike() };
}
