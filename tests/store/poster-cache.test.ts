import { expect } from 'chai';
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { THUMB } from '../../src/demo/plex/artwork.js';
import { AppError } from '../../src/domain/errors.js';
import type { Poster } from '../../src/domain/library/poster.js';
import { createLog } from '../../src/lib/log.js';
import { PosterCache } from '../../src/store/poster-cache.js';

describe('the poster cache', () => {
  let dir: string;
  let logged: string[];
  let steadyMs: number;
  let loads: string[];
  const open = (maxBytes?: number): PosterCache =>
    new PosterCache({
      dir: join(dir, 'posters'),
      log: createLog('warn', { write: (line: string) => void logged.push(line) }),
      steadyMs: () => steadyMs,
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
  const load =
    (name: string, bytes: Uint8Array = THUMB) =>
    (): Promise<Poster> => {
      loads.push(name);
      return Promise.resolve({ type: 'image/jpeg', bytes });
    };
  /** A picture of 1000 bytes, different for every number. */
  const picture = (n: number): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(997, n)]);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-posters-'));
    [logged, loads, steadyMs] = [[], [], 1000];
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('loads once, keeps it over a restart, and tells the same version', async () => {
    const cache = open();
    const first = await cache.get('a', load('a'));
    expect(first)
      .to.include({ type: 'image/jpeg' })
      .and.to.have.property('version')
      .that.matches(/^[0-9a-f]{32}$/);
    await cache.get('a', load('a'));
    await cache.close();
    const again = await open().get('a', load('a'));
    expect(again.version).to.equal(first.version);
    expect(Buffer.from(again.bytes).equals(THUMB)).to.equal(true);
    expect(loads).to.deep.equal(['a']);
    expect((await open().get('b', load('b', picture(1)))).version).not.to.equal(first.version);
  });

  it('loads once for all who ask at the same time', async () => {
    const cache = open();
    const all = await Promise.all(Array.from({ length: 40 }, () => cache.get('a', load('a'))));
    expect(loads).to.deep.equal(['a']);
    expect(new Set(all.map(({ version }) => version)).size).to.equal(1);
  });

  it('loads anew what a crash cut off or somebody changed', async () => {
    await open().get('a', load('a'));
    const [name = ''] = await readdir(join(dir, 'posters'));
    const file = join(dir, 'posters', name);
    await truncate(file, (await stat(file)).size - 5);
    expect((await open().get('a', load('a'))).bytes).to.have.length(THUMB.length);
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1; // eslint-disable-line @typescript-eslint/no-non-null-assertion
    await writeFile(file, bytes);
    await open().get('a', load('a'));
    expect(loads).to.have.length(3);
  });

  it('stays within its size, and removes what was unused for longest', async () => {
    const cache = open(5500);
    for (const n of [1, 2, 3, 4, 5]) await cache.get(`p${n}`, load(`p${n}`, picture(n)));
    await cache.get('p1', load('p1'));
    await cache.get('p6', load('p6', picture(6)));
    expect(await readdir(join(dir, 'posters'))).to.have.length(5);
    loads = [];
    await cache.get('p1', load('p1'));
    await cache.get('p2', load('p2', picture(2)));
    expect(loads).to.deep.equal(['p2']);
    expect((await open(10).get('p9', load('p9'))).bytes).to.have.length(THUMB.length);
  });

  it('counts what lies there at the start, and takes half-written files away', async () => {
    const cache = open();
    for (const n of [1, 2, 3]) {
      await cache.get(`p${n}`, load(`p${n}`, picture(n)));
      for (const name of await readdir(join(dir, 'posters'))) {
        const path = join(dir, 'posters', name);
        if ((await stat(path)).mtimeMs > 1000) await utimes(path, n, n).catch(() => undefined);
      }
    }
    await writeFile(join(dir, 'posters', '.0123456789ab.tmp'), 'half');
    await writeFile(join(dir, 'posters', 'notes.txt'), 'not ours');
    await open(2500).get('p4', load('p4', picture(4)));
    const left = await readdir(join(dir, 'posters'));
    expect(left).to.include('notes.txt').and.to.have.length(3);
  });

  it('remembers for ten minutes that there is none, but not that Plex was away', async () => {
    const cache = open();
    const refuse = (code: 'plex_not_found' | 'plex_unreachable') => (): Promise<Poster> => {
      loads.push(code);
      return Promise.reject(new AppError(code, 'no'));
    };
    const ask = (key: string, how: () => Promise<Poster>): Promise<unknown> => cache.get(key, how).catch(() => null);
    await ask('a', refuse('plex_not_found'));
    await ask('a', refuse('plex_not_found'));
    await ask('b', refuse('plex_unreachable'));
    await ask('b', refuse('plex_unreachable'));
    expect(loads).to.deep.equal(['plex_not_found', 'plex_unreachable', 'plex_unreachable']);
    steadyMs += 601_000;
    expect(await ask('a', load('a'))).to.include({ type: 'image/jpeg' });
  });

  it('still answers when the disk refuses, and says so in the log', async function () {
    if (process.getuid?.() === 0) await writeFile(join(dir, 'posters'), 'a file where the folder should be');
    else await chmod(dir, 0o500);
    expect((await open().get('a', load('a'))).bytes).to.have.length(THUMB.length);
    expect(logged.join('')).to.contain('could not be kept');
    await chmod(dir, 0o700);
  });

  it('gives up what is being loaded when it closes', async () => {
    const cache = open();
    const waiting = cache.get(
      'a',
      (signal) =>
        new Promise<Poster>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }),
    );
    const refused = waiting.catch((error: unknown) => (error as AppError).code);
    await cache.close();
    expect(await refused).to.equal('cancelled');
  });
});
