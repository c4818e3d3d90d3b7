import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
/** One that breaks off after its first figure, and one after it. */
const SCRIPT = `
const { figure } = await import('./bench/figure.ts');
const { runAll } = await import('./bench/run-all.ts');
const one = (id) => figure({ id, what: id, value: 1, unit: 'ms', yardstick: 'none', yardstickValue: 2, goal: '<= 2 ms', holds: true });
const breaks = async () => { const first = one('first'); if (first) throw new Error('no such program'); return []; };
process.exit(await runAll({ breaks, works: async () => [one('second')] }, { only: undefined, dir: process.argv[1] }));`;

describe('benchmarks', () => {
  it('one that breaks off loses neither what it had measured, nor the others, nor earlier results', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-bench-'));
    try {
      await writeFile(join(dir, 'results.json'), JSON.stringify([{ id: 'earlier' }, { id: 'second', value: 9 }]));
      const { exitCode, stdout, stderr } = await execa(
        process.execPath,
        ['--import=tsx', '--input-type=module', '-e', SCRIPT, dir],
        { cwd: root, reject: false },
      );
      expect(exitCode).to.equal(2);
      expect(stderr).to.contain('breaks broke off: Error: no such program');
      expect(stdout).to.contain('2 figures, 0 missed their goal, 1 benchmarks broke off breaks');
      const stored = JSON.parse(await readFile(join(dir, 'results.json'), 'utf8')) as { id: string; value?: number }[];
      expect(stored.map(({ id, value }) => [id, value])).to.deep.equal([
        ['earlier', undefined],
        ['first', 1],
        ['second', 1],
      ]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
