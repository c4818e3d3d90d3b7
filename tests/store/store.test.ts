import { expect } from 'chai';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '../../src/domain/errors.js';
import { createLog } from '../../src/lib/log.js';
import { migrate } from '../../src/store/migrations.js';
import { openStore, type Store, type StoreOptions } from '../../src/store/store.js';
import { anItem } from '../support/builders.js';

const now = (): Date => new Date('2026-11-23T10:00:00.000Z');

describe('openStore', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'store-'))));
  afterEach(() => rm(dir, { recursive: true }));
  const open = (options: Partial<StoreOptions> = {}) => openStore({ dir, now, log: createLog('silent'), ...options });

  it('starts with safe settings', async () => {
    const { settings } = await open();
    expect(settings.value.safety).to.include({ dryRun: true, replace: 'review', minSavingPercent: 10 });
  });

  it('keeps secrets unreadable on disk and gives them back', async () => {
    const first = await open();
    await first.secrets.set('plexToken', 'canary-token-1');
    await first.close();
    for (const file of await readdir(dir, { recursive: true })) {
      const path = join(dir, file);
      if ((await stat(path)).isFile()) expect(await readFile(path, 'latin1')).not.to.contain('canary-token-1');
    }
    expect((await stat(join(dir, 'secret.key'))).mode & 0o777).to.equal(0o600);
    expect((await open()).secrets.find('plexToken')).to.equal('canary-token-1');
  });

  it('says so when the key does not fit', async () => {
    await (await open({ secretKey: 'one' })).secrets.set('plexToken', 'abc');
    const error = await open({ secretKey: 'two' }).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'damaged');
  });

  it('lets the environment win and names the variable', async () => {
    const { settings } = await open({
      settingsOverrides: { plex: { url: 'http://plex:32400' } },
      lockedBy: { 'plex.url': 'MEDIAFLOW_PLEX_URL' },
    });
    expect(settings.value.plex.url).to.equal('http://plex:32400');
    const error = await settings.change({ plex: { url: 'http://other' } }).catch((reason: unknown) => reason);
    expect(error).to.have.nested.property('fields.plex\\.url', 'is set by MEDIAFLOW_PLEX_URL');
  });

  it('refuses unknown settings and wrong values, and keeps the old ones', async () => {
    const { settings } = await open();
    const unknown = await settings.change({ safety: { sendMoney: true } as never }).catch((reason: unknown) => reason);
    expect(unknown).to.have.property('code', 'invalid');
    const wrong = await settings.change({ safety: { quarantineDays: 0 } }).catch((reason: unknown) => reason);
    expect(wrong).to.have.nested.property('fields.safety\\.quarantineDays');
    expect(settings.value.safety.quarantineDays).to.equal(30);
  });

  it('opens with a damaged library file, names it and the last backup', async () => {
    const first = await open();
    await first.library.put(anItem());
    await first.close();
    await migrate(dir, now(), [{ number: 1, what: 'nothing', run: () => Promise.resolve() }]);
    await writeFile(join(dir, 'version.json'), '{"version":0}');
    await writeFile(join(dir, 'library', '1', '0.json'), 'garbage');
    const { problems, library } = await open();
    expect(library.size).to.equal(0);
    expect(problems).to.have.length(1);
    expect(problems[0]?.fix).to.contain(
      join('backups', '2026-11-23T10-00-00-before-version-1', 'library', '1', '0.json'),
    );
  });

  it('refuses data of a newer version', async () => {
    await writeFile(join(dir, 'version.json'), '{"version":7}');
    const error = await open().catch((reason: unknown) => reason);
    expect(error).to.have.property('message').that.contains('newer MediaFlow');
  });

  it('writes everything for its user alone, and closes what stood open', async () => {
    dir = join(dir, 'data');
    const first = await open();
    await first.library.put(anItem());
    await first.settings.change({ safety: { dryRun: false } });
    await first.audit.append({ who: 'owner', action: 'look', object: 'x' });
    await first.backup('test');
    await first.close();
    const modes = async (): Promise<string[]> => {
      const found = await readdir(dir, { recursive: true });
      const open = await Promise.all(
        found.map(async (file) => (((await stat(join(dir, file))).mode & 0o077) === 0 ? [] : [file])),
      );
      return open.flat();
    };
    expect((await stat(dir)).mode & 0o777).to.equal(0o700);
    expect(await modes()).to.deep.equal([]);
    await chmod(dir, 0o755);
    await chmod(join(dir, 'settings.json'), 0o644);
    await (await open()).close();
    expect(await modes()).to.deep.equal([]);
    dir = dirname(dir);
  });

  it('has written everything when it is closed', async () => {
    const at = '2026-11-30T10:00:00.000Z';
    const puts = {
      'analysis-due.json': (store: Store) => store.analysisDue.put({ since: at }),
      'webhooks.json': (store: Store) => store.webhookCounts.put({ ...store.webhookCounts.value, lastAt: at }),
      'clock.json': (store: Store) => store.clock.put({ ...store.clock.value }),
      'settings.json': (store: Store) => store.settings.change({ queue: { paused: true } }),
    };
    for (const [file, put] of Object.entries(puts)) {
      const store = await open();
      void put(store);
      await store.close();
      expect(await readdir(dir), file).to.contain(file);
    }
  });

  it('knows the titles of a library without waking one', async () => {
    const store = await open();
    await store.library.putMany([
      ...[1, 2].map((n) => anItem({ id: `a${n}`, sectionId: '1' })),
      anItem({ id: 'b', sectionId: 'x/y' }),
      anItem({ id: 'c', sectionId: 'x.y' }),
    ]);
    const section = { serverId: 's', title: 't', type: 'movie' as const, locations: [], enabled: true, frozen: null, itemCount: 0, syncedAt: null }; // prettier-ignore
    await store.sections.putMany(['1', 'x/y', 'x.y'].map((id) => ({ ...section, id })));
    const row = store.library.get('a1');
    await store.library.rest();
    expect(store.idsOfSection('1')).to.have.members(['a1', 'a2']);
    await store.library.remove('a2');
    expect(store.idsOfSection('1')).to.deep.equal(['a1']);
    expect(store.idsOfSection('x/y'), 'in the same folder as another').to.deep.equal(['b']);
    expect(store.idsOfSection('9')).to.deep.equal([]);
    expect(store.library.get('a1')).to.deep.equal(row);
    await store.close();
  });

  const FILES = [
    'settings.json', 'webhooks.json', 'secrets.json', 'secret.key', 'version.json', 'library/sections.json', 'servers.json', 'workers.json',
    'rules.json', 'filters.json', 'quarantine.json', 'tags.json', 'sessions.json', 'jobs/open/0.json', 'audit-2026-11.jsonl',
  ]; // prettier-ignore
  const DAMAGES: Record<string, string | null> = {
    garbage: 'garbage\0\0garbage', foreign: '{"name":"another program"}', cut: '{"safety":{"dryRun":fal', folder: null,
  }; // prettier-ignore
  it(`survives ${FILES.length * Object.keys(DAMAGES).length} damaged starts: it opens and says what is damaged, or names it and does not start`, async () => {
    for (const file of FILES) {
      for (const [kind, content] of Object.entries(DAMAGES)) {
        // A key of any content opens the secrets of a folder that has none.
        if (file === 'secret.key' && kind !== 'folder') continue;
        const path = join(dir, file);
        if (content === null) await mkdir(path, { recursive: true });
        else {
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, content);
        }
        const outcome = await open().then(
          async (store) => {
            await store.close();
            return store.problems.map(({ summary }) => summary).join();
          },
          (error: unknown) => (error instanceof AppError ? error.message : `not ours: ${String(error)}`),
        );
        expect(outcome, `${kind} ${file}`).to.contain(file);
        expect(outcome, `${kind} ${file}`).not.to.contain('not ours');
        for (const left of await readdir(dir)) await rm(join(dir, left), { recursive: true });
      }
    }
  });
});
