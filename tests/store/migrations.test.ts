import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
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
    return repository === undefined
      ? []
      : [{ file, repository, rows: (JSON.parse(text) as { rows: { id: string }[] }).rows }];
  });

  it('is opened with everything that is in it, and again after that', async () => {
    for (const round of ['the first time', 'the second time']) {
      const store = await open();
      expect(store.problems, round).to.deep.equal([]);
      for (const { file, repository, rows } of rowsBefore)
        for (const row of rows)
          expect((store[repository] as Book).find(row.id), `${file}, ${round}`).to.deep.include(row);
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
      const path = join(dir, name === 'pending.json' ? 'pending/0.json' : name);
      expect((await stat(path)).mode & 0o077, `${name} is its user's alone`).to.equal(0);
    }
  });
});
