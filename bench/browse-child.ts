// A library of so many items asked the same questions twice: by our search, and by SQLite with an index on every column.
import Database from 'libsql';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FACETS,
  facetsOf,
  LibraryFilter,
  measureOf,
  textOf,
  wordsOf,
  type Facet,
  type LibrarySort,
} from '../src/domain/library/filter.js';
import type { LibraryItem } from '../src/domain/library/library.js';
import { LibraryTable } from '../src/engine/library/table.js';
import { exportLibrary } from '../src/actions/library/export.js';
import type { Context } from '../src/actions/action.js';
import { keepHeapSmall } from '../src/lib/heap.js';
import { answer, collectGarbage } from './child.js';
import { timed } from './figure.js';
import { manyItems } from './items.js';

const [count = '0'] = process.argv.slice(2);
const PAGE_SIZE = 50;
const PIECES_PER_LOOK = 40;
const NO_STANDING = { states: [], ruleIds: [], savesBytes: null, tagNames: [] };

/** What stands in these items themselves, and has no list of values. */
const IN_ROWS = FACETS.filter((name) => name !== 'tag' && name !== 'state' && name !== 'ruleId');

interface Question {
  filter: LibraryFilter;
  sort: LibrarySort;
  page: number;
}

const items = manyItems(Number(count));
const questions = questionsOf(160);
const table = new LibraryTable();
for (let start = 0; start < items.length; start += 500)
  table.put(items.slice(start, start + 500).map((item) => ({ id: item.id, item, standing: NO_STANDING })));
for (const { sort } of questions) await table.prepare(sort);

const dir = await mkdtemp(join(tmpdir(), 'bench-browse-'));
const db = new Database(join(dir, 'library.db'));
fill(db, items);

const ours: number[] = [];
const theirs: number[] = [];
const oursBare: number[] = [];
const theirsBare: number[] = [];
for (const question of questions) {
  const mine = { ids: [] as string[], total: 0 };
  ours.push(await timed(() => Object.assign(mine, ask(question, true))));
  oursBare.push(await timed(() => ask(question, false)));
  const other = { ids: [] as string[], total: 0 };
  theirs.push(await timed(() => Object.assign(other, askSqlite(question, true))));
  theirsBare.push(await timed(() => askSqlite(question, false)));
  if (mine.total !== other.total || mine.ids.join() !== other.ids.join())
    throw new Error(`the answers differ: ${JSON.stringify([question, mine, other])}`);
}
db.close();
rmSync(dir, { recursive: true });
const exported = await measureExport();
const bareMs = await timed(() => {
  for (const item of items) JSON.stringify(item);
});
answer({ ours, theirs, oursBare, theirsBare, exported, bareRowsPerSec: items.length / (bareMs / 1000) });

/** The whole library as CSV, thrown away piece by piece as a quick network would. */
async function measureExport(): Promise<{ rowsPerSec: number; grownMb: number; textMb: number }> {
  const rows = new Map(items.map((item) => [item.id, item]));
  const ctx = {
    now: () => new Date(),
    search: { all: () => Promise.resolve([...rows.keys()]) },
    store: { library: { find: (id: string) => rows.get(id) ?? null } },
  } as unknown as Context;
  // As in the program itself.
  keepHeapSmall();
  let chars = 0;
  const ms = await timed(async () => {
    const { pieces } = await exportLibrary(ctx, exportLibrary.input.parse({}));
    for await (const piece of pieces) chars += piece.length;
  });
  // What it holds, without what only waits to be collected: that is as much as the whole program lets lie.
  await collectGarbage();
  const before = process.memoryUsage().heapUsed;
  let highest = before;
  const { pieces } = await exportLibrary(ctx, exportLibrary.input.parse({}));
  let number = 0;
  for await (const piece of pieces) {
    chars += piece.length;
    if (++number % PIECES_PER_LOOK !== 0) continue;
    await collectGarbage();
    highest = Math.max(highest, process.memoryUsage().heapUsed);
  }
  return { rowsPerSec: items.length / (ms / 1000), grownMb: (highest - before) / 1e6, textMb: chars / 2e6 };
}

function ask({ filter, sort, page }: Question, facets: boolean): { ids: string[]; total: number } {
  const match = table.match(filter, facets);
  return { ids: table.cut(match, sort, (page - 1) * PAGE_SIZE, PAGE_SIZE), total: match.total };
}

/** Every kind of filter alone and together, every order, first and later pages; the same every time. */
function questionsOf(many: number): Question[] {
  const parts: Record<string, unknown>[] = [
    {},
    { codec: 'h264,mpeg4' },
    { resolution: '4k' },
    { sectionId: '2', minSizeBytes: 5e9 },
    { codec: 'hevc', resolution: '1080,720', maxPlays: 1 },
    { q: 'number 77' },
    { q: '1999', codec: 'av1' },
    { minBitrateKbps: 8000, maxBitrateKbps: 20000 },
    { hdr: 'sdr', container: 'mkv', audioCodec: 'ac3', type: 'movie' },
    { q: 'film', resolution: '576' },
  ];
  const sorts: LibrarySort[] = ['title', '-sizeBytes', 'addedAt', '-bitrateKbps', 'plays', '-year'];
  return Array.from({ length: many }, (_, n) => ({
    filter: LibraryFilter.parse(parts[n % parts.length]),
    sort: sorts[n % sorts.length] ?? 'title',
    page: [1, 2, 7, 40][n % 4] ?? 1,
  }));
}

type Sqlite = InstanceType<typeof Database>;

/** These items have one file with one track, so that one row holds everything; the choice is the first of each. */
function fill(to: Sqlite, rows: readonly LibraryItem[]): void {
  const numbers = ['sizeBytes', 'bitrateKbps', 'plays', 'year', 'addedAt'] as const;
  const columns = ['id', 'text', ...IN_ROWS, ...numbers];
  to.exec(`CREATE TABLE items (id TEXT PRIMARY KEY, text TEXT, ${IN_ROWS.map((name) => `${name} TEXT`).join(', ')},
    ${numbers.map((name) => `${name} REAL`).join(', ')})`);
  const insert = to.prepare(`INSERT INTO items VALUES (${columns.map(() => '?').join(', ')})`);
  to.exec('BEGIN');
  for (const item of rows) {
    const facets = facetsOf(item);
    insert.run(
      item.id,
      textOf(item),
      ...IN_ROWS.map((name) => facets[name as keyof typeof facets][0] ?? ''),
      ...numbers.map((name) => measureOf(name, item)),
    );
  }
  to.exec('COMMIT');
  for (const name of IN_ROWS) to.exec(`CREATE INDEX by_${name} ON items (${name})`);
  for (const name of ['text', ...numbers]) to.exec(`CREATE INDEX by_${name} ON items (${name}, text)`);
  to.exec('ANALYZE');
}

function askSqlite({ filter, sort, page }: Question, facets: boolean): { ids: string[]; total: number } {
  const column = sort.replace('-', '');
  const way = sort.startsWith('-') ? 'DESC' : 'ASC';
  const order = column === 'title' ? `text ${way}` : `${column} ${way}, text ${way}`;
  const all = whereOf(filter, null);
  const ids = db
    .prepare(`SELECT id FROM items ${all.sql} ORDER BY ${order} LIMIT ${PAGE_SIZE} OFFSET ${(page - 1) * PAGE_SIZE}`)
    .all(...all.values) as { id: string }[];
  const { total } = db.prepare(`SELECT count(*) AS total, sum(sizeBytes) FROM items ${all.sql}`).get(...all.values) as {
    total: number;
  };
  if (facets)
    for (const name of IN_ROWS) {
      const { sql, values } = whereOf(filter, name);
      db.prepare(`SELECT ${name}, count(*) FROM items ${sql} GROUP BY ${name}`).all(...values);
    }
  return { ids: ids.map(({ id }) => id), total };
}

/** The filter as SQL, the choice of one facet left open. */
function whereOf(filter: LibraryFilter, open: Facet | null): { sql: string; values: (string | number)[] } {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  const add = (sql: string, ...more: (string | number)[]): void => {
    parts.push(sql);
    values.push(...more);
  };
  for (const name of FACETS) {
    const chosen = filter[name];
    if (chosen.length > 0 && name !== open) add(`${name} IN (${chosen.map(() => '?').join(', ')})`, ...chosen);
  }
  for (const word of wordsOf(filter.q)) add("text LIKE '%' || ? || '%'", word);
  if (filter.minSizeBytes !== undefined) add('sizeBytes >= ?', filter.minSizeBytes);
  if (filter.minBitrateKbps !== undefined) add('bitrateKbps >= ?', filter.minBitrateKbps);
  if (filter.maxBitrateKbps !== undefined) add('bitrateKbps <= ?', filter.maxBitrateKbps);
  if (filter.maxPlays !== undefined) add('plays <= ?', filter.maxPlays);
  return { sql: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}
