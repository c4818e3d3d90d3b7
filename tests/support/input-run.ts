import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldsOf, hostileValues, seeded, type InputField } from './hostile-inputs.js';
import { Browser, PASSWORD } from './web.js';

const KEY = 'key-for-the-inputs-0123456789';
const VALUES_A_FIELD = 200;
const LANES = 4;
const LOOP_MS = 100;
/** Caches fill; what grows with every request is far above this. */
const GROWTH_BYTES = 40_000_000;
const ANSWER_MS = 60_000;
/** A session that guessed at the password so often would have to wait. */
const GUESSES = 4;

/** A hostile text for a field of a door. */
export interface Attack {
  field: InputField;
  value: string;
}

interface Measured {
  /** How long the event loop was held at most since the last time. */
  maxMs: number;
  heapBytes: number;
  rssBytes: number;
  logged: string[];
}

/** What came of many attacks. */
export interface InputResult {
  runs: number;
  wrong: string[];
  statuses: Map<string, number>;
  /** How many were sent by a person who is signed in, because an API key is not enough there. */
  byPerson: number;
}

/** MediaFlow as a program of its own, and two who may ask it: an API key, and a person who is signed in. */
export class InputProgram {
  readonly url: string;
  readonly #dir: string;
  readonly #child: ChildProcess;
  #person: Promise<Browser>;
  #guesses = 0;

  private constructor(url: string, dir: string, child: ChildProcess) {
    this.url = url;
    this.#dir = dir;
    this.#child = child;
    this.#person = this.#signIn();
  }

  static async start(): Promise<InputProgram> {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-inputs-'));
    const child = fork(join(import.meta.dirname, 'input-child.ts'), {
      execArgv: ['--expose-gc', '--import', 'tsx', ...(process.env['INPUT_NODE_OPTIONS']?.split(' ') ?? [])],
      env: { ...process.env, PORT: '0', HOST: '127.0.0.1', MEDIAFLOW_DATA_DIR: dir, MEDIAFLOW_API_KEY: KEY, MEDIAFLOW_ADMIN_PASSWORD: PASSWORD, MEDIAFLOW_PLEX_TV_URL: 'http://127.0.0.1:9' },
    }); // prettier-ignore
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new InputProgram(url, dir, child);
  }

  isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The heap is counted after its garbage is collected, which takes a moment. */
  async measure(isWithMemory = true): Promise<Measured> {
    this.#child.send(isWithMemory);
    const [measured] = (await once(this.#child, 'message')) as [Measured];
    return measured;
  }

  async document(): Promise<Parameters<typeof fieldsOf>[0]> {
    const answer = await fetch(`${this.url}/api/openapi.json`, { headers: { 'X-Api-Key': KEY } });
    return (await answer.json()) as Parameters<typeof fieldsOf>[0];
  }

  /** An honest request, as the yardstick. */
  async ask(path: string): Promise<void> {
    await (await fetch(this.url + path, { headers: { 'X-Api-Key': KEY } })).arrayBuffer();
  }

  /** The status of the answer. Throws when there is none. */
  async post(attack: Attack): Promise<{ status: number; isByPerson: boolean }> {
    const status = await this.#send(attack, { 'X-Api-Key': KEY });
    if (status !== 403) return { status, isByPerson: false };
    if (attack.field.path.includes('password') && ++this.#guesses % GUESSES === 0) this.#person = this.#signIn();
    const person = await this.#person;
    const headers = { Cookie: person.cookie, Origin: new URL(this.url).origin, 'X-CSRF-Token': person.token };
    return { status: await this.#send(attack, headers), isByPerson: true };
  }

  async stop(): Promise<void> {
    if (this.isAlive()) {
      this.#child.kill();
      await once(this.#child, 'exit');
    }
    await rm(this.#dir, { recursive: true });
  }

  async #signIn(): Promise<Browser> {
    const browser = new Browser(this.url);
    await browser.signIn();
    return browser;
  }

  async #send({ field, value }: Attack, headers: Record<string, string>): Promise<number> {
    const { path, body } = field.requestWith(value);
    const answer = await fetch(this.url + path, {
      method: field.method.toUpperCase(),
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await answer.arrayBuffer();
    return answer.status;
  }
}

/** Sends all of these, some at a time, and takes down what came of it. */
export async function fuzzInputs(program: InputProgram, attacks: readonly Attack[]): Promise<InputResult> {
  const result: InputResult = { runs: 0, wrong: [], statuses: new Map(), byPerson: 0 };
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let attack = attacks[next++]; attack && program.isAlive(); attack = attacks[next++]) {
      const { field, value } = attack;
      const answer = await program.post(attack).catch((error: unknown) => String(error));
      const status = typeof answer === 'string' ? answer : answer.status;
      if (typeof answer === 'object' && answer.isByPerson) result.byPerson++;
      result.runs++;
      result.statuses.set(String(status), (result.statuses.get(String(status)) ?? 0) + 1);
      // The person was turned away, and nothing was looked at; a wrong current password is answered like that too.
      const isLocked = status === 401 && !field.path.includes('password');
      if (status === 500 || isLocked || typeof status === 'string')
        result.wrong.push(`${status} to ${field.method} ${field.path} ${field.field}=${shown(value)}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (!program.isAlive()) result.wrong.push(`the program ended after ${result.runs} texts`);
  return result;
}

const shown = (value: string): string => `${JSON.stringify(value.slice(0, 60))} (${value.length})`;

/** All attacks in an order of chance. */
function shuffled(fields: readonly InputField[], values: readonly string[], random: () => number): Attack[] {
  return fields.flatMap((field) => values.map((value) => ({ field, value, at: random() }))).sort((a, b) => a.at - b.at);
}

/** `npm run test:inputs -- [--runs N] [--seed S]`: 200 hostile texts for each field, or N of all of them. */
async function main(): Promise<void> {
  const numberAt = (name: string): number | null => {
    const at = process.argv.indexOf(name);
    return at < 0 ? null : Number(process.argv[at + 1]);
  };
  const seed = numberAt('--seed') ?? Math.floor(Math.random() * 1_000_000);
  const random = seeded(seed);
  const program = await InputProgram.start();
  const fields = fieldsOf(await program.document());
  const all = shuffled(fields, hostileValues(VALUES_A_FIELD, random), random);
  const chosen = all.slice(0, numberAt('--runs') ?? all.length);
  console.log(`${chosen.length} hostile texts in ${fields.length} fields, seed ${seed} ...`);

  // The yardstick: as many honest requests at a time, on the same machine.
  await program.measure();
  for (let n = 0; n < 300; n += LANES)
    await Promise.all(Array.from({ length: LANES }, () => program.ask('/api/summary')));
  const honest = await program.measure();

  const wrong: string[] = [];
  const statuses = new Map<string, number>();
  let [runs, byPerson, worstMs, half, last] = [0, 0, 0, null as Measured | null, honest];
  const step = Math.max(1, Math.ceil(chosen.length / 100));
  for (let from = 0; from < chosen.length && program.isAlive(); from += step) {
    const result = await fuzzInputs(program, chosen.slice(from, from + step));
    runs += result.runs;
    byPerson += result.byPerson;
    wrong.push(...result.wrong);
    for (const [status, count] of result.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count);
    if (!program.isAlive()) break;
    const isHalf = half === null && from + step >= chosen.length / 2;
    last = await program.measure(isHalf || from + step >= chosen.length);
    worstMs = Math.max(worstMs, last.maxMs);
    if (last.maxMs > LOOP_MS)
      wrong.push(`the event loop was held for ${last.maxMs.toFixed(0)} ms among runs ${from} to ${from + step}`);
    for (const line of last.logged.slice(0, 3)) console.log(`  ${line.slice(0, 300).trim()}`);
    if (isHalf) half = last;
  }
  const grown = last.heapBytes - (half ?? honest).heapBytes;
  if (grown > GROWTH_BYTES) wrong.push(`the heap grew by ${(grown / 1e6).toFixed(1)} MB in the second half`);
  await program.stop();
  for (const text of wrong.slice(0, 100)) console.log(`  ${text}`);
  const answers = [...statuses].map(([status, count]) => `${count} x ${status}`).join(', ');
  console.log(`Answers: ${answers}; ${byPerson} to a person who was signed in`);
  const megabytes = ({ heapBytes }: Measured): string => `${(heapBytes / 1e6).toFixed(1)} MB`;
  console.log(
    `Event loop held: longest ${worstMs.toFixed(0)} ms; with honest requests ${honest.maxMs.toFixed(0)} ms. ` +
      `Heap: ${megabytes(honest)} before, ${megabytes(half ?? honest)} at half, ${megabytes(last)} after; ` +
      `memory ${(honest.rssBytes / 1e6).toFixed(0)} to ${(last.rssBytes / 1e6).toFixed(0)} MB`,
  );
  console.log(`${runs} runs, ${wrong.length} violations`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

if (process.argv[1] === join(import.meta.dirname, 'input-run.ts')) await main();
