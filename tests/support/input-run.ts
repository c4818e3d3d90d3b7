import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldsOf, hostileValues, seeded, type InputField } from './hostile-inputs.js';

const KEY = 'key-for-the-inputs-0123456789';
const VALUES_A_FIELD = 200;
const LANES = 4;
const LOOP_MS = 100;
/** Caches fill; what grows with every request is far above this. */
const GROWTH_BYTES = 40_000_000;
const ANSWER_MS = 60_000;

interface Measured {
  maxMs: number;
  heapBytes: number;
  rssBytes: number;
  logged: string[];
}

/** A request that must never break anything; the answer's status, or what went wrong. */
export async function post(url: string, { method, requestWith }: InputField, value: string): Promise<number | string> {
  const { path, body } = requestWith(value);
  try {
    const answer = await fetch(url + path, {
      method: method.toUpperCase(),
      headers: { 'X-Api-Key': KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch (error) {
    return String(error);
  }
}

async function measure(child: ChildProcess): Promise<Measured> {
  child.send('measure');
  const [measured] = (await once(child, 'message')) as [Measured];
  return measured;
}

/** `npm run test:inputs -- [--runs N] [--seed S]`: 200 hostile texts for each field, or N of all of them. */
async function main(): Promise<void> {
  const numberAt = (name: string): number | null => {
    const at = process.argv.indexOf(name);
    return at < 0 ? null : Number(process.argv[at + 1]);
  };
  const seed = numberAt('--seed') ?? Math.floor(Math.random() * 1_000_000);
  const random = seeded(seed);
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-inputs-'));
  const child = fork(join(import.meta.dirname, 'input-child.ts'), {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', MEDIAFLOW_DATA_DIR: dir, MEDIAFLOW_API_KEY: KEY, MEDIAFLOW_ADMIN_PASSWORD: 'correct horse battery', MEDIAFLOW_PLEX_TV_URL: 'http://127.0.0.1:9' },
  }); // prettier-ignore
  const wrong: string[] = [];
  child.once('exit', (code, signal) => {
    wrong.push(`the program ended with ${signal ?? code ?? ''}`);
  });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  const document = (await (
    await fetch(`${url}/api/openapi.json`, { headers: { 'X-Api-Key': KEY } })
  ).json()) as Parameters<typeof fieldsOf>[0];
  const values = hostileValues(VALUES_A_FIELD, random);
  const fields = fieldsOf(document);
  const all = fields.flatMap((field) => values.map((value) => ({ field, value })));
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [all[at], all[other]] = [all[other]!, all[at]!]; // eslint-disable-line @typescript-eslint/no-non-null-assertion -- both are there
  }
  const chosen = all.slice(0, numberAt('--runs') ?? all.length);
  console.log(`${chosen.length} hostile texts in ${fields.length} fields, seed ${seed} ...`);

  // The yardstick: as many honest requests at a time, on the same machine.
  await measure(child);
  for (let n = 0; n < 300; n += LANES)
    await Promise.all(
      Array.from({ length: LANES }, () =>
        fetch(`${url}/api/summary`, { headers: { 'X-Api-Key': KEY } }).then((answer) => answer.arrayBuffer()),
      ),
    );
  const honest = await measure(child);

  const statuses = new Map<number | string, number>();
  let [runs, worstMs, half] = [0, 0, null as Measured | null];
  let last = honest;
  const step = Math.max(1, Math.ceil(chosen.length / 20));
  for (let from = 0; from < chosen.length && child.exitCode === null; from += step) {
    const part = chosen.slice(from, from + step);
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let at = next++; at < part.length; at = next++) {
        const { field, value } = part[at]!; // eslint-disable-line @typescript-eslint/no-non-null-assertion -- below its length
        const status = await post(url, field, value);
        runs++;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 500 || typeof status === 'string')
          wrong.push(
            `${status} to ${field.method} ${field.path} ${field.field}=${JSON.stringify(value.slice(0, 60))} (${value.length})`,
          );
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    last = await measure(child);
    worstMs = Math.max(worstMs, last.maxMs);
    if (last.maxMs > Math.max(LOOP_MS, 2 * honest.maxMs))
      wrong.push(`the event loop was held for ${last.maxMs.toFixed(0)} ms among runs ${from} to ${from + part.length}`);
    for (const line of last.logged.slice(0, 3)) console.log(`  ${line.slice(0, 300).trim()}`);
    if (from + step >= chosen.length / 2) half ??= last;
  }
  const grown = last.heapBytes - (half ?? honest).heapBytes;
  if (grown > GROWTH_BYTES) wrong.push(`the heap grew by ${(grown / 1e6).toFixed(1)} MB in the second half`);
  for (const text of wrong.slice(0, 100)) console.log(`  ${text}`);
  console.log(`Answers: ${[...statuses].map(([status, count]) => `${count} x ${status}`).join(', ')}`);
  console.log(
    `Event loop held: longest ${worstMs.toFixed(0)} ms; with honest requests ${honest.maxMs.toFixed(0)} ms. ` +
      `Heap: ${(honest.heapBytes / 1e6).toFixed(1)} MB before, ${((half ?? honest).heapBytes / 1e6).toFixed(1)} MB at half, ${(last.heapBytes / 1e6).toFixed(1)} MB after; ` +
      `memory ${(honest.rssBytes / 1e6).toFixed(0)} to ${(last.rssBytes / 1e6).toFixed(0)} MB`,
  );
  const violations = wrong.length;
  child.removeAllListeners('exit');
  child.kill();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await rm(dir, { recursive: true });
  console.log(`${runs} runs, ${violations} violations`);
  process.exitCode = violations === 0 ? 0 : 1;
}

if (process.argv[1] === join(import.meta.dirname, 'input-run.ts')) await main();
