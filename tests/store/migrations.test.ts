import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { entryRank, LAST_RANK } from '../../src/domain/queue/rank.js';
import { createLog } from '../../src/lib/log.js';
import { openStore, type Store } from '../../src/store/store.js';

/** Every file of a data folder as MediaFlow wrote it on 28 November 2026, a row of each state in each; `secret.key` in base64. */
const FILES = JSON.parse(readFileSync(resolve(import.meta.dirname, 'data-of-2026-11-28.json'), 'utf8')) as Record<
  string,
  string
>;

/** The part of the store that a file belongs to. */
const BOOKS: readonly [RegExp, keyof Store][] = [
  [/^library\/sections/, 'sections'], [/^library\//, 'library'], [/^recommendations\//, 'recommendations'], [/^jobs\//, 'jobs'], [/^servers/, 'otherServers'],
  [/^workers/, 'workers'], [/^rules/, 'rules'], [/^filters/, 'filters'], [/^quarantine/, 'quarantine'], [/^receipts/, 'receipts'], [/^runs/, 'runs'],
  [/^attempts\//, 'attempts'], [/^pending/, 'pending'], [/^untouched/, 'excluded'], [/^tags/, 'tags'], [/^collections/, 'collections'], [/^edits\//, 'edits'],
  [/^sessions/, 'sessions'],
]; // prettier-ignore

interface Row {
  id: string;
  priority?: number;
  createdAt?: string;
}

interface Book {
  size: number;
  find: (id: string) => unknown;
}

describe('a data folder of an older version', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-old-'));
    // As that version made it: everybody on the machine could read in it.
    await chmod(dir, 0o755);
    await mkdir(join(dir, 'backups', 'of-then'), { recursive: true, mode: 0o755 });
    for (const [name, text] of Object.entries(FILES)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), Buffer.from(text, name === 'secret.key' ? 'base64' : 'utf8'), { mode: 0o644 });
    }
  });
  afterEach(() => rm(dir, { recursive: true }));
  const open = (): Promise<Store> => openStore({ dir, log: createLog('silent'), now: () => new Date() });

  /** File -> its rows, as they stood there. */
  const rowsBefore = Object.entries(FILES).flatMap(([file, text]) => {
    const repository = BOOKS.find(([pattern]) => pattern.test(file))?.[1];
    return repository === undefined ? [] : [{ file, repository, rows: (JSON.parse(text) as { rows: Row[] }).rows }];
  });

  /** A job's place in the queue was part of its priority once. */
  const asNow = ({ priority, ...row }: Row): object =>
    'sourcePath' in row
      ? { ...row, score: priority, rank: entryRank(priority ?? 0, row.createdAt ?? '') }
      : { ...row, ...(priority === undefined ? {} : { priority }) };

  it('is opened with everything that is in it, and again after that', async () => {
    for (const round of ['the first time', 'the second time']) {
      const store = await open();
      expect(store.problems, round).to.deep.equal([]);
      for (const { file, repository, rows } of rowsBefore)
        for (const row of rows)
          expect((store[repository] as Book).find(row.id), `${file}, ${round}`).to.deep.include(asNow(row));
      for (const [, repository] of BOOKS) {
        const count = rowsBefore
          .filter((each) => each.repository === repository)
          .reduce((sum, { rows }) => sum + rows.length, 0);
        // This machine has a row of its own among the workers.
        expect((store[repository] as Book).size, repository).to.equal(count + (repository === 'workers' ? 1 : 0));
        expect(count, repository).to.be.greaterThan(0);
      }
      expect(store.settings.value).to.deep.nested.include({ 'safety.dryRun': false, 'safety.quarantineDays': 12 });
      expect(store.workers.get('local')).to.include({ kind: 'local', name: 'This machine', isPaused: false });
      expect(store.settings.value.queue.minAgeSec).to.equal(77);
      expect(store.secrets.find('plexToken')).to.equal('the-old-token');
      expect(store.secrets.find('plexToken:other')).to.equal('another-token');
      expect(store.webhookCounts.value).to.deep.include(JSON.parse(FILES['webhooks.json'] ?? ''));
      await store.close();
    }
    expect(existsSync(join(dir, 'pending.json')), 'moved').to.equal(false);
    expect(readFileSync(join(dir, 'audit-2026-11.jsonl'), 'utf8')).to.equal(FILES['audit-2026-11.jsonl']);
    expect((await stat(join(dir, 'backups'))).mode & 0o077, 'the backups are too').to.equal(0);
    for (const name of Object.keys(FILES)) {
      const path = join(
        dir,
        name === 'pending.json' ? 'pending/0.json' : name.replace(/^(jobs\/.*)\.json$/, '$1/0.json'),
      );
      expect((await stat(path)).mode & 0o077, `${name} is its user's alone`).to.equal(0);
    }
  });

  it('is backed up before it is changed, and says which version it has now', async () => {
    await (await open()).close();
    expect(JSON.parse(readFileSync(join(dir, 'version.json'), 'utf8'))).to.deep.equal({ version: 1 });
    const [backup] = (await readdir(join(dir, 'backups'))).filter((name) => name.endsWith('before-version-1'));
    expect(readFileSync(join(dir, 'backups', backup ?? '', 'jobs/open.json'), 'utf8')).to.equal(
      FILES['jobs/open.json'],
    );
  });

  it('gives a job that cannot be read whole no place but the last', async () => {
    await writeFile(join(dir, 'jobs/open.json'), (FILES['jobs/open.json'] ?? '').slice(0, -40));
    const store = await open();
    expect(store.problems.map(({ summary }) => summary).join()).to.contain('jobs/open/0.json');
    const before = rowsBefore.find(({ file }) => file === 'jobs/open.json')?.rows ?? [];
    expect(store.jobs.where(({ rank }) => rank === LAST_RANK)).to.have.length(before.length - 1);
    await store.close();
  });

  const kills = Number(process.env['MIGRATION_KILLS'] ?? 6);
  it(`loses nothing when it is killed ${kills} times on the way to the new version`, async function () {
    this.timeout(60_000 + kills * 10_000);
    // More files, so that the change takes a while: many months of ended jobs.
    const ended = JSON.parse(FILES['jobs/done-2026-11.json'] ?? '') as { stamp: number; rows: Row[] };
    const jobs: Row[] = [];
    for (let month = 0; month < 60; month++) {
      const at = `${2020 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;
      const rows = Array.from({ length: 40 }, (_, n) => ({ ...ended.rows[0], id: `old-${month}-${n}`, priority: n, createdAt: `${at}-01T00:00:00.000Z`, finishedAt: `${at}-02T00:00:00.000Z` })); // prettier-ignore
      jobs.push(...rows);
      await writeFile(join(dir, `jobs/done-${at}.json`), JSON.stringify({ stamp: 5 + month, rows }));
    }
    const asItWas = `${dir}-as-it-was`;
    await cp(dir, asItWas, { recursive: true });
    const first = await openKilledAfter(null);
    await setBack();
    for (let kill = 0; kill < kills; kill++) {
      await openKilledAfter(Math.random() * first.tookMs);
      if (existsSync(join(dir, 'version.json')) && readFileSync(join(dir, 'version.json'), 'utf8').includes('1')) {
        await check();
        await setBack();
      }
    }
    await check();
    await rm(asItWas, { recursive: true });

    async function check(): Promise<void> {
      const store = await open();
      expect(store.problems).to.deep.equal([]);
      for (const row of jobs) expect(store.jobs.find(row.id), row.id).to.deep.include(asNow(row));
      for (const { repository, rows } of rowsBefore)
        for (const row of rows) expect((store[repository] as Book).find(row.id), row.id).to.deep.include(asNow(row));
      await store.close();
    }

    /** As if the next version were still to come: a step must not mind what it did before. */
    async function setBack(): Promise<void> {
      await rm(dir, { recursive: true });
      await cp(asItWas, dir, { recursive: true });
    }
  }); // prettier-ignore

  /** Opens the folder in a process of its own, and kills that so many milliseconds after it began; null: lets it end. */
  async function openKilledAfter(afterMs: number | null): Promise<{ tookMs: number }> {
    const script = join(import.meta.dirname, '../support/open-store.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, dir], {
      cwd: resolve(import.meta.dirname, '../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const began = once(child.stdout, 'data');
    const exited = once(child, 'exit');
    await began;
    const atMs = performance.now();
    if (afterMs !== null) setTimeout(() => child.kill('SIGKILL'), afterMs);
    await exited;
    return { tookMs: performance.now() - atMs };
  }
});
