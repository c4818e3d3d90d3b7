import { expect } from 'chai';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { AppError } from '../../src/domain/errors.js';
import type { Events } from '../../src/domain/events.js';
import type { LibraryItem, Section } from '../../src/domain/library/library.js';
import { LibrarySync } from '../../src/engine/library/sync.js';
import { Bus } from '../../src/lib/bus.js';
import { newId } from '../../src/lib/ids.js';
import { createLog } from '../../src/lib/log.js';
import type { PlexServer } from '../../src/plex/server.js';
import { openStore, type Store } from '../../src/store/store.js';
import { handMade, plexAt, SERVER_ID, TOKEN, type HandMade } from './hand-made-server.js';
import { HOSTILE, type HostileAnswer, type Outcome } from './hostile-answers.js';
import { FOLDER, honestly, LATER, NOW_SEC, questionOf } from './hostile-honest.js';

const MODES = ['full', 'changed'] as const;
/** More than the largest of these answers needs, far less than what one of them would become unhindered. */
const MOST_MEMORY_MB = 900;
const TELLS_WHAT_TO_DO =
  /Check|check|Try|try again|tries again|Enter|Sign in|Use the token|Is the|removed meanwhile|look at/;

const count = new Set(HOSTILE.map(({ name, to }) => `${to}: ${name}`)).size;

describe(`${count} hostile answers of Plex, each in a full sync and in one for changes`, () => {
  let dir: string;
  let store: Store;
  let server: HandMade;
  let sync: LibrarySync;
  let plex: PlexServer;
  let hostile: HostileAnswer | null = null;
  let items: LibraryItem[];
  let sections: Section[];
  const logged: string[] = [];
  const startKb = process.resourceUsage().maxRSS;

  before(async () => {
    server = await handMade((req, res, url) => {
      if (hostile !== null && questionOf(url) === hostile.to) hostile.answer(res, req);
      // A list that is hostile is not mended by what its titles say of themselves.
      else if (hostile?.to === 'listing' && questionOf(url) === 'detail') res.writeHead(404).end();
      else honestly(res, url, hostile?.to === 'detail');
    }, 'handled');
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-hostile-'));
    const log = createLog('debug', { write: (line: string) => void logged.push(line) });
    const now = (): Date => new Date(NOW_SEC * 1000);
    store = await openStore({ dir, log, now });
    await store.settings.change({
      plex: { url: server.url, serverId: SERVER_ID },
      paths: { mappings: [{ from: FOLDER, to: join(dir, 'films') }] },
    });
    await mkdir(join(dir, 'films'));
    await writeFile(join(dir, 'films', 'Film 1.mkv'), '');
    const bus = new Bus<Events>((error) => {
      throw error;
    });
    const analyzer = {
      items: () => Promise.resolve(),
      library: () => Promise.resolve({ error: null }),
      willAnalyze: () => Promise.resolve(() => undefined),
    };
    sync = new LibrarySync({ store, bus, log, now, newId, analyzer, server: () => plex });
    plex = plexAt(server.url);
    expect((await sync.run({ mode: 'full', trigger: 'owner' }).done).error).to.equal(null);
    await store.library.putMany([...store.library.values()].map((item) => ({ ...item, tags: ['ours'] })));
    items = structuredClone([...store.library.values()]);
    sections = structuredClone([...store.sections.values()]);
    expect(items.map(({ ratingKey }) => ratingKey).sort()).to.deep.equal(['1', '11', '2', '3']);
    expect(items.every(({ files }) => files[0]?.detailed && files[0].audio.length === 1)).to.equal(true);
  });

  beforeEach(async () => {
    logged.length = 0;
    server.seen.length = 0;
    hostile = null;
    const ids = new Set(items.map(({ id }) => id));
    await store.library.removeMany([...store.library.values()].map(({ id }) => id).filter((id) => !ids.has(id)));
    const isOther = <T>(row: T, now: T | null): boolean => !isDeepStrictEqual(row, now);
    await store.library.putMany(structuredClone(items.filter((item) => isOther(item, store.library.find(item.id)))));
    await store.sections.putMany(structuredClone(sections.filter((one) => isOther(one, store.sections.find(one.id)))));
  });

  after(async () => {
    await store.close();
    await server.stop();
    await rm(dir, { recursive: true });
  });

  const byKey = (rows: Iterable<LibraryItem>): Map<string, LibraryItem> =>
    new Map(Array.from(rows, (row) => [row.ratingKey, row]));
  /** What is in the library of the titles that were there before. */
  const library = (): Map<string, LibraryItem> => {
    const found = byKey(store.library.values());
    return byKey(items.flatMap(({ ratingKey }) => found.get(ratingKey) ?? []));
  };
  /** What should be: with an honest answer the second film is as it is told now, and its streams may be read again. */
  const wanted = ({ to }: HostileAnswer, outcome: Outcome): Map<string, LibraryItem> => {
    const rows = byKey(structuredClone(items));
    const film = rows.get('2');
    if (film === undefined || outcome === 'nothing') return rows;
    if ('says' in outcome && to !== 'detail') return rows;
    film.updatedAt = LATER;
    for (const file of film.files) file.detailed = to === 'detail' && !('says' in outcome);
    if ('row' in outcome) outcome.row(film);
    return rows;
  };

  function expectPlainWords(message: string, what: RegExp): void {
    expect(message).to.match(what).and.match(TELLS_WHAT_TO_DO).and.match(/[.?]$/);
    expect(message).to.have.length.below(500);
    expect(message).not.to.match(/\bat .*:\d+:\d+|node:|undefined|\[object|Error:/);
    expect(message).not.to.contain(TOKEN);
  }

  const ask = async ({ to }: HostileAnswer): Promise<unknown> => {
    if (to === 'identity') return plex.identity();
    if (to === 'sections') return plex.sections();
    if (to === 'detail') return plex.details(['2']);
    for await (const page of plex.items({ id: '1', type: 'movie' })) expect(page.items.length).to.be.at.most(500);
    return null;
  };

  it('are at least a hundred', () => {
    expect(count).to.equal(HOSTILE.length).and.at.least(100);
  });

  for (const answer of HOSTILE) {
    const { name, to, full, timeoutMs = 60_000 } = answer;
    it(`${to}: ${name}`, async () => {
      hostile = answer;
      plex = plexAt(server.url, { timeoutMs });
      const direct: unknown = await ask(answer).then(
        () => null,
        (error: unknown) => error,
      );
      if (typeof full === 'object' && 'says' in full && !/lists (nothing|other)/.test(full.says.source)) {
        expect(direct, inspect(direct)).to.be.instanceOf(AppError);
        const { message, code } = direct as AppError;
        expect(code).to.match(/^plex_/);
        expectPlainWords(message, full.says);
        expect(inspect(direct, { depth: 20, showHidden: true })).not.to.contain(TOKEN);
      }
    });

    for (const mode of MODES)
      it(`${to}: ${name}, in a ${mode} sync`, async () => {
        hostile = answer;
        plex = plexAt(server.url, { timeoutMs });
        const outcome = answer[mode];
        const run = await sync.run({ mode, trigger: 'owner' }).done;
        await sync.settled();
        if (typeof outcome === 'object' && 'says' in outcome) expectPlainWords(run.error ?? 'no error', outcome.says);
        else expect(run.error).to.equal(null);
        expect(run.removed).to.equal(0);
        expect(library()).to.deep.equal(wanted(answer, outcome));
        expect(logged.join('')).not.to.contain(TOKEN);
        expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
      });
  }

  it('never took more memory than an honest answer could need', () => {
    expect((process.resourceUsage().maxRSS - startKb) / 1000).to.be.below(MOST_MEMORY_MB);
  });
});
