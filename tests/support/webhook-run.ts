import { join } from 'node:path';
import { workedMs } from './held-loop.js';
import { build, Program, type Built } from './job-kill.js';
import { Stage } from './stage.js';
import { fuzzWebhooks, type FuzzResult } from './webhook-fuzz.js';

/** The promise to whoever posts an event. */
const ANSWERED_MS = 50;
const LANES = 4;

/** MediaFlow as a program of its own, and so many bad webhooks at its door. */
export async function fuzzProgram(built: Built, runs: number, seed: number): Promise<FuzzResult> {
  const stage = await Stage.set({ webhook: false });
  const program = new Program(built, stage);
  try {
    await program.start();
    await stage.api('POST', '/api/plex/sync', {});
    await stage.until('the server is known', async () => {
      const { state, lastRun } = await stage.api<{ state: string; lastRun: object | null }>(
        'GET',
        '/api/plex/sync/status',
      );
      return state === 'idle' && lastRun !== null;
    });
    const url = `${stage.url}/hooks/plex/${stage.env['MEDIAFLOW_WEBHOOK_SECRET'] ?? ''}`;
    const isAlive = (): boolean => program.isAlive;
    return await fuzzWebhooks({
      ...{ url, serverId: stage.plex.machineIdentifier, isAlive, workedMs: () => workedMs(program.pid) },
      ...{ runs, seed, lanes: LANES },
    });
  } finally {
    await program.kill();
    await stage.strike();
  }
}

/** `npm run test:webhooks -- --runs N [--seed S]`. The last line is `N runs, N violations`. */
async function main(): Promise<void> {
  const numberAt = (name: string, fallback: number): number => {
    const at = process.argv.indexOf(name);
    return at < 0 ? fallback : Number(process.argv[at + 1]);
  };
  const runs = numberAt('--runs', 2000);
  const seed = numberAt('--seed', Math.floor(Math.random() * 1_000_000));
  if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
    console.error('Say how many: npm run test:webhooks -- --runs 2000');
    process.exit(2);
  }
  console.log(`Posting ${runs} bad webhooks, seed ${seed} ...`);
  const built = await build();
  const {
    wrong,
    goodMs,
    workedMs: worked,
    pingMs,
    ...result
  } = await fuzzProgram(built, runs, seed).finally(() => built.remove());
  for (const text of wrong) console.log(`  ${text}`);
  // What the machine does with its processors meanwhile says nothing about webhooks.
  const late = [...goodMs.entries()].filter(([at, ms]) => ms > ANSWERED_MS && (worked[at] ?? ms) > ANSWERED_MS);
  for (const [at, ms] of late)
    console.log(
      `  the good one at place ${at}: ${ms.toFixed(1)} ms, ${(worked[at] ?? 0).toFixed(1)} ms of processor time`,
    );
  const middle = (values: number[]): string => (values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(1);
  console.log(
    `The good one behind each: median ${middle(goodMs)} ms, longest ${Math.max(...goodMs).toFixed(1)} ms, ` +
      `${goodMs.filter((ms) => ms > ANSWERED_MS).length} later than ${ANSWERED_MS} ms. In processor time of the program: ` +
      `median ${middle(worked)} ms, longest ${Math.max(...worked).toFixed(1)} ms; /ping: median ${middle(pingMs)} ms, longest ${Math.max(...pingMs).toFixed(1)} ms`,
  );
  const violations = wrong.length + late.length;
  console.log(`${result.runs} runs, ${violations} violations`);
  process.exitCode = violations === 0 && result.runs === runs ? 0 : 1;
}

if (process.argv[1] === join(import.meta.dirname, 'webhook-run.ts')) await main();
