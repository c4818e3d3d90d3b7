import { expect } from 'chai';
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, linkSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Collection } from '../../src/store/collection.js';
import type { Layout } from '../../src/store/layout.js';

const Row = z.object({ id: z.string(), group: z.string(), value: z.int() });
type Row = z.infer<typeof Row>;

const LAYOUTS: Record<string, Layout<Row>> = {
  named: { kind: 'named', dir: 'rows', prefix: '', nameOf: ({ group }) => group },
  filled: { kind: 'filled', dir: 'rows', groupOf: ({ group }) => group },
};
const fileOf: Record<string, (group: string) => string> = {
  named: (group) => `${group}.json`,
  filled: (group) => join(group, '0.json'),
};

interface Step {
  do: 'put' | 'remove' | 'wait' | 'settle' | 'crash' | 'break' | 'heal';
  id?: string;
  group?: string;
  turns?: number;
}

const id = fc.constantFrom('a', 'b', 'c', 'd');
const group = fc.constantFrom('x', 'y', 'z');
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), id, group }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);
const fault = fc.record({ do: fc.constantFrom('break' as const, 'heal' as const), group });

/** A removal that is refused while the copy in another file goes: nothing else may carry it out. Fails once in a while. */
const BACK_AND_FORTH: [Step[]][] = Array.from({ length: 40 }, (_, turns) => [
  [
    { do: 'put', id: 'b', group: 'x' },
    { do: 'settle' },
    { do: 'put', id: 'b', group: 'y' },
    { do: 'settle' },
    { do: 'break', group: 'y' },
    { do: 'wait', turns: turns % 7 },
    { do: 'remove', id: 'b' },
    { do: 'wait', turns: turns % 5 },
    { do: 'heal', group: 'y' },
  ],
]);

/** What was asked of one row, in order: its new state, and what became of the request. */
interface Asked {
  state: string | null;
  outcome: 'open' | 'done' | 'refused';
}
type History = Record<string, Asked[]>;

const stateOf = (row: Row | null): string | null => row && `${row.group}${row.value}`;
const statesOf = (rows: Iterable<Row>): Record<string, string | null> =>
  Object.fromEntries([...rows].map((row) => [row.id, stateOf(row)]));

const groupOf = (row: Row): string | null => (row.group === 'z' ? null : row.group);
const valuesByGroup = { keyOf: groupOf, valueOf: ({ value }: Row) => value };
const listed = (rows: () => Iterable<Row>): string[] => [...rows()].map(({ value }) => String(value)).sort();

/** Whatever follows the rows says what a look at all of them says. */
function expectTrueViews(rows: Collection<Row>): void {
  for (const name of ['x', 'y', 'z']) {
    const own = [...rows.values()].filter((row) => groupOf(row) === name);
    expect(rows.by(groupOf).of(name), `rows in ${name}`).to.have.members(own);
    expect(rows.by(groupOf).count(name)).to.equal(own.length);
    expect(rows.tally(groupOf).of(name), `how many are in ${name}`).to.equal(own.length);
    expect(rows.tally(valuesByGroup).of(name)).to.equal(own.reduce((sum, { value }) => sum + value, 0));
  }
  expect(rows.derive(listed)).to.deep.equal(listed(() => rows.values()));
  expect(rows.derive(listed)).to.equal(rows.derive(listed));
}

describe('Collection', function () {
  this.timeout(180_000);
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'crash-'))));
  const opened: Collection<Row>[] = [];
  afterEach(async () => {
    // Old copies are taken out in the background.
    await Promise.all(opened.splice(0).map((collection) => collection.flush()));
    await rm(dir, { recursive: true });
  });
  const open = async (folder: string, kind: string): Promise<Collection<Row>> => {
    const layout = LAYOUTS[kind];
    if (!layout) throw new Error(kind);
    const collection = await Collection.open({ dir: folder, noun: 'row', schema: Row, layout });
    opened.push(collection);
    return collection;
  };

  /** Does the steps; `crash` copies the folder as it stands, in the middle of everything. */
  async function play(
    kind: string,
    folder: string,
    steps: readonly Step[],
    crashed: (copy: string, history: History) => void,
  ): Promise<{ collection: Collection<Row>; history: History }> {
    const collection = await open(folder, kind);
    const history: History = {};
    const open_: Promise<void>[] = [];
    let value = 0;
    const ask = (rowId: string, state: string | null, request: Promise<unknown>): void => {
      const asked: Asked = { state, outcome: 'open' };
      (history[rowId] ??= []).push(asked);
      open_.push(
        request.then(
          () => void (asked.outcome = 'done'),
          () => void (asked.outcome = 'refused'),
        ),
      );
    };
    for (const { do: action, id: rowId = '', group: to = '', turns = 0 } of steps) {
      expectTrueViews(collection);
      if (action === 'put') {
        const row = { id: rowId, group: to, value: ++value };
        ask(rowId, stateOf(row), collection.put(row));
      } else if (action === 'remove') ask(rowId, null, collection.remove(rowId));
      else if (action === 'wait') await sleep(turns);
      else if (action === 'settle') await Promise.all(open_);
      else if (action === 'crash') {
        const copy = `${folder}-${value}-${Math.random().toString(36).slice(2)}`;
        if (existsSync(folder)) cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith('.tmp') });
        crashed(copy, structuredClone(history));
      } else setBroken(join(folder, 'rows', fileOf[kind]?.(to) ?? ''), action === 'break');
    }
    for (const to of ['x', 'y', 'z']) setBroken(join(folder, 'rows', fileOf[kind]?.(to) ?? ''), false);
    await Promise.all(open_);
    await collection.flush();
    expectTrueViews(collection);
    return { collection, history };
  }

  /** A folder where the file should be: every write of it fails. */
  function setBroken(path: string, broken: boolean): void {
    const isBroken = existsSync(`${path}.kept`) || existsSync(`${path}.none`);
    if (isBroken === broken) return;
    mkdirSync(join(path, '..'), { recursive: true });
    if (broken) {
      if (!existsSync(path)) mkdirSync(`${path}.none`);
      // A write under way may put the file there once more.
      for (let isFolder = false; !isFolder;) {
        if (existsSync(path)) renameSync(path, `${path}.kept`);
        isFolder = attempt(() => {
          mkdirSync(path);
        });
      }
      return;
    }
    rmdirSync(path);
    rmSync(`${path}.none`, { recursive: true, force: true });
    // Unlike renaming, linking does not replace what a write under way has just put there.
    attempt(() => {
      linkSync(`${path}.kept`, path);
    });
    rmSync(`${path}.kept`, { force: true });
  }

  function attempt(task: () => void): boolean {
    try {
      task();
      return true;
    } catch {
      return false;
    }
  }

  for (const kind of Object.keys(LAYOUTS)) {
    it(`holds every row that was acknowledged after a crash at any moment (${kind} files)`, async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
          const crashes: { copy: string; history: History }[] = [];
          await play(kind, join(dir, String(++run)), [...steps, { do: 'crash' }], (copy, history) =>
            crashes.push({ copy, history }),
          );
          for (const { copy, history } of crashes) {
            const found = await open(copy, kind);
            expect(found.damaged).to.deep.equal([]);
            for (const [rowId, asked] of Object.entries(history)) {
              const lastDone = asked.findLastIndex(({ outcome }) => outcome === 'done');
              const allowed = asked.slice(Math.max(lastDone, 0)).map(({ state }) => state);
              if (lastDone < 0) allowed.push(null);
              expect(allowed, `row ${rowId}`).to.include(stateOf(found.find(rowId)));
            }
          }
        }),
        { numRuns: 40 },
      );
    });

    it(`holds in memory what the disk holds when some files refuse to be written (${kind} files)`, async () => {
      let run = 0;
      const steps: fc.Arbitrary<Step[]> = fc.array(
        fc.oneof({ weight: 5, arbitrary: step }, { weight: 1, arbitrary: fault }),
        {
          minLength: 8,
          maxLength: 40,
        },
      );
      await fc.assert(
        fc.asyncProperty(steps, async (chosen) => {
          const folder = join(dir, String(++run));
          const { collection, history } = await play(
            kind,
            folder,
            chosen.filter((one) => one.do !== 'crash'),
            () => undefined,
          );
          const states = statesOf(collection.values());
          for (const [rowId, asked] of Object.entries(history)) {
            const expected = asked.findLast(({ outcome }) => outcome === 'done')?.state ?? null;
            expect(states[rowId] ?? null, `row ${rowId}`).to.equal(expected);
          }
          expect(statesOf((await open(folder, kind)).values())).to.deep.equal(states);
        }),
        { numRuns: 60, examples: BACK_AND_FORTH },
      );
    });
  }

  it('holds every row that was acknowledged before the process was killed', async () => {
    for (let round = 0; round < 2; round++) {
      const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'put-for-ever.ts'), dir], {
        cwd: resolve(import.meta.dirname, '../..'),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const acknowledged = new Map<string, number>();
      for await (const line of createInterface({ input: child.stdout })) {
        const [rowId = '', value] = line.split(' ');
        acknowledged.set(rowId, Number(value));
        if (acknowledged.size === 40 + round * 17) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const found = await open(dir, 'named');
      expect(found.damaged).to.deep.equal([]);
      expect(acknowledged.size).to.be.greaterThan(39);
      for (const [rowId, value] of acknowledged) expect(found.get(rowId).value).to.be.at.least(value);
    }
  });
});
