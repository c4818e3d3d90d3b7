import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Built } from './job-kill.js';
import { NpmStart } from './npm-start.js';

/** Every so many kills only npm itself is killed, and what it started has to notice by itself. */
const NPM_ALONE_EVERY = 5;

/** What became of a series of kills. */
export interface Restarts {
  started: number;
  wrong: string[];
}

/**
 * Starts MediaFlow by `npm start`, kills the whole process group with SIGKILL once it is ready, starts it again at once, and so on: each
 * start must become ready. Every fifth time only npm is killed.
 */
export async function killAndStart(built: Built, runs: number, say: (line: string) => void): Promise<Restarts> {
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-restarts-'));
  const env = { MEDIAFLOW_DATA_DIR: join(dir, 'data'), LOG_LEVEL: 'info' };
  const wrong: string[] = [];
  let started = 0;
  let npm = new NpmStart(built, env);
  try {
    await npm.says('MediaFlow is ready');
    for (let run = 1; run <= runs; run++) {
      const isNpmAlone = run % NPM_ALONE_EVERY === 0;
      if (isNpmAlone) npm.signalNpm('SIGKILL');
      else npm.signalAll('SIGKILL');
      const before = npm;
      npm = new NpmStart(built, env);
      try {
        await npm.says('MediaFlow is ready');
        started++;
        if (isNpmAlone) await before.leavesNothing();
      } catch (error) {
        wrong.push(`run ${run}: ${(error as Error).message}`);
        npm.signalAll('SIGKILL');
        npm = new NpmStart(built, env);
        await npm.says('MediaFlow is ready').catch(() => undefined);
      }
      say(`${started} starts after ${run} kills, ${wrong.length} violations`);
    }
  } finally {
    npm.signalAll('SIGKILL');
    await npm.gone();
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
  return { started, wrong };
}
