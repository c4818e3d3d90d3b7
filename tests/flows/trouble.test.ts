import { expect } from 'chai';
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fault } from '../../src/demo/plex/model.js';
import type { Job } from '../../src/domain/jobs/job.js';
import type { Problem } from '../../src/domain/health/problem.js';
import { Clips } from '../support/clips.js';
import { sideBySide, type Play } from '../support/side-by-side.js';
import { SmallDisk } from '../support/small-disk.js';
import { sha256Of, Stage, type StageOptions } from '../support/stage.js';

const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=256x144:r=12:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '1', '-c:a', 'aac'],
];
const NAME = 'Films/Trouble (2001)/Trouble (2001).mkv';

const BROKEN: Record<string, { spoil: (path: string) => Promise<void>; code: string; says: RegExp }> = {
  'of zero bytes': { spoil: (path) => writeFile(path, ''), code: 'probe_failed', says: /empty|no media file/ },
  'of text named .mkv': {
    spoil: (path) => writeFile(path, 'a shopping list\n'.repeat(5000)),
    code: 'probe_failed',
    says: /no media file/,
  },
  'that was cut off': {
    spoil: (path) => truncate(path, 60_000),
    code: '(encode_failed|verify_failed|probe_failed)',
    says: /./,
  },
};

const FAULTS: [Fault, RegExp][] = [
  [401, /token/i],
  [429, /too many|later|busy/i],
  [503, /Plex/],
  [500, /Plex/],
  ['html', /page|HTML|answer/i],
  ['half-json', /answer/i],
  ['maintenance', /maintenance/i],
  ['reset', /Plex/],
  // Where a connection broke, another machine may answer now.
  ['wrong-server', /another|other|wrong|not the/i],
  ['empty', /./],
];

describe('trouble', function () {
  this.timeout(240_000);
  let clips: Clips;

  before(async () => {
    clips = await Clips.open();
  });
  sideBySide(() => play(() => clips));
  after(() => clips.close());
});

/** Each test has a stage of its own, and a small disk where it needs one. */
function play(clips: () => Clips): Play {
  let stage: Stage;
  let isSet = false;
  let disk: SmallDisk | null = null;

  /** A film whose job waits in a paused queue. */
  async function waiting(options: StageOptions = {}): Promise<{ path: string; original: string }> {
    stage = await Stage.set(options);
    isSet = true;
    await stage.startApp();
    await stage.setToWork();
    await stage.api('POST', '/api/transcode/queue/pause');
    const path = await stage.add(NAME, await clips().make('trouble.mkv', OLD));
    const original = await sha256Of(path);
    await stage.plex.scan();
    await stage.jobThat(({ state }) => state === 'queued');
    return { path, original };
  }
  const resume = (): Promise<unknown> => stage.api('POST', '/api/transcode/queue/resume');
  const ended = (): Promise<Job> =>
    stage.jobThat(({ state }) => ['done', 'failed', 'skipped', 'blocked'].includes(state));
  /** What the owner reads on the queue page. */
  async function page(path: string): Promise<string> {
    const jar = await signIn();
    const response = await fetch(stage.url + path, { headers: { Cookie: jar } });
    return (await response.text()).replace(/\s+/g, ' ');
  }
  async function signIn(): Promise<string> {
    const form = await fetch(`${stage.url}/sign-in`);
    const cookie = form.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const token = /name="csrf-token" content="([^"]+)"/.exec(await form.text())?.[1] ?? '';
    const answer = await fetch(`${stage.url}/sign-in`, {
      method: 'POST',
      headers: { Cookie: cookie, Origin: stage.url },
      body: new URLSearchParams({ _csrf: token, password: stage.env['MEDIAFLOW_ADMIN_PASSWORD'] ?? '' }),
      redirect: 'manual',
    });
    return (
      answer.headers
        .getSetCookie()
        .find((set) => set.startsWith('mediaflow.sid'))
        ?.split(';')[0] ?? ''
    );
  }

  const tests: Record<string, () => Promise<void>> = {};
  for (const [name, { spoil, code, says }] of Object.entries(BROKEN)) {
    tests[`with a file ${name} ends in a sentence, and the file is left as it is`] = async () => {
      const { path } = await waiting();
      await spoil(path);
      const before = await sha256Of(path);
      await resume();
      const job = await ended();
      expect(job.state).to.equal('failed');
      expect(job.error?.code).to.match(new RegExp(code));
      expect(job.error?.message).to.match(says);
      expect(await page('/queue')).to.contain(escapeHtml(job.error?.message ?? ''));
      expect(await sha256Of(path)).to.equal(before);
      expect(await stage.leftovers()).to.deep.equal([]);
    };
  }

  Object.assign(tests, {
    'with a disk that is full while encoding: the job waits for room and then goes on': async () => {
      disk = await SmallDisk.mount(96);
      if (!disk) return;
      const full = await fillingFfmpeg(disk);
      const { path, original } = await waiting({ env: { MEDIAFLOW_WORK_DIR: disk.path, MEDIAFLOW_FFMPEG: full } });
      await resume();
      const job = await ended();
      expect(job).to.include({ state: 'blocked' });
      expect(job.waitsFor).to.match(/full|free/i);
      expect(await page('/queue')).to.contain(escapeHtml(job.waitsFor ?? ''));
      expect(await sha256Of(path)).to.equal(original);
      await disk.empty();
      await stage.api('POST', `/api/transcode/jobs/${job.id}/cancel`);
      await stage.api('POST', `/api/transcode/jobs/${job.id}/retry`);
      await stage.jobThat(({ state }) => state === 'blocked');
    },

    'with a disk that is full while the original is copied into quarantine: nothing is swapped': async () => {
      disk = await SmallDisk.mount(96);
      if (!disk) return;
      const { path, original } = await waiting({ env: { MEDIAFLOW_QUARANTINE_DIR: disk.path } });
      await disk.fill(20_000);
      await resume();
      const job = await stage.jobThat(({ state, postponed }) => state === 'verified' && postponed > 0);
      expect(job.waitsFor).to.match(/full|free/i);
      expect(await sha256Of(path)).to.equal(original);
      await disk.empty();
      await stage.api('POST', `/api/transcode/jobs/${job.id}/replace`);
      await stage.jobThat(({ state }) => state === 'done');
      expect(await stage.leftovers()).to.deep.equal([]);
    },

    'with a disk that is full while the store is written: it says so, and what was said before stays': async () => {
      disk = await SmallDisk.mount(96);
      if (!disk) return;
      const data = join(disk.path, 'data');
      const { path, original } = await waiting({ env: { MEDIAFLOW_DATA_DIR: data } });
      await disk.fill();
      const refused = await stage.ask('PUT', '/api/settings', { safety: { minSavingPercent: 33 } });
      expect(refused.status).to.equal(507);
      expect(JSON.stringify(refused.json)).to.contain('The disk is full');
      const settings = await stage.api<{ safety: { minSavingPercent: number } }>('GET', '/api/settings');
      expect(settings.safety.minSavingPercent).to.equal(10);
      expect(await sha256Of(path)).to.equal(original);
      await disk.empty();
      await resume();
      await stage.jobThat(({ state }) => state === 'done');
    },

    'with Plex answering badly never looks like an empty library, and each answer has its sentence': async () => {
      await waiting();
      const before = await stage.api<{ total: number }>('GET', '/api/library/items');
      expect(before.total).to.equal(1);
      for (const [fault, says] of FAULTS) {
        stage.plex.fault = fault;
        // The notification socket catches up by a sync of its own whenever it finds Plex back. One that began before this fault
        // would be taken for the one that is asked for.
        await stage.until('no sync is under way', () => stage.app?.context.sync.status().state === 'idle');
        const { runId } = await stage.api<{ runId: string }>('POST', '/api/plex/sync', { mode: 'full' });
        const { error } = await stage.until(`the sync with ${String(fault)} is over`, () => {
          const run = stage.app?.context.store.runs.find(runId);
          return run?.finishedAt ? run : null;
        });
        const section = stage.app?.context.store.sections.get('1');
        expect(error ?? section?.frozen, String(fault)).to.match(says);
        expect(await stage.api('GET', '/api/library/items'), String(fault)).to.deep.include({ total: 1 });
        expect(stage.app?.context.store.library.where(({ state }) => state === 'missing')).to.deep.equal([]);
      }
      stage.plex.fault = null;
    },

    'with Plex away during a swap: the result waits, and goes in when it is back': async () => {
      const { path, original } = await waiting();
      stage.plex.fault = 503;
      await resume();
      const job = await stage.jobThat(({ state, postponed }) => state === 'verified' && postponed > 0);
      expect(job.waitsFor).to.contain('Plex');
      expect(await sha256Of(path)).to.equal(original);
      // Health looks again when settings change, and once a minute.
      await stage.api('PUT', '/api/settings', { queue: { concurrency: 2 } });
      await stage.until('health says so', async () => {
        const { problems } = await stage.api<{ problems: Problem[] }>('GET', '/api/health');
        return problems.some(({ id }) => id.startsWith('plex.'));
      });
      stage.plex.fault = null;
      await stage.api('POST', `/api/transcode/jobs/${job.id}/replace`);
      await stage.jobThat(({ state }) => state === 'done');
    },
  });

  const strike = async (): Promise<void> => {
    // Without a disk there was nothing to try.
    if (isSet) await stage.strike();
    await disk?.unmount();
  };
  return { tests, strike };

  /** An ffmpeg that finds the disk full as soon as it writes there. */
  async function fillingFfmpeg(disk: SmallDisk): Promise<string> {
    const script = join(clips().dir, 'filling', 'ffmpeg');
    await mkdir(dirname(script), { recursive: true });
    const fill = `case "$*" in *${disk.path}*) dd if=/dev/zero of=${disk.filler} bs=64k 2>/dev/null;; esac`;
    await writeFile(script, `#!/bin/sh\n${fill}\nexec /usr/bin/ffmpeg "$@"\n`);
    await chmod(script, 0o755);
    return script;
  }
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#x27;');
