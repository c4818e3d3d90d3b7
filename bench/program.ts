import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { SMALL_HEAP, SMALL_STORES } from './child.js';

const root = resolve(import.meta.dirname, '..');
const PASSWORD = 'password of the benchmarks';
/** Of the kernel's clock, in which `/proc` counts processor time. */
const TICKS_PER_SEC = 100;

/** The built program in a process of its own, as `npm start` runs it. */
export class Program {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Builds what is not built yet. */
  static async build(): Promise<void> {
    // @ts-expect-error -- plain JavaScript that builds when it is loaded
    await import('../scripts/build.js');
  }

  /** Resolves when it is ready. */
  static async start(dataDir: string, env: Record<string, string> = {}, flags: string[] = []): Promise<Program> {
    const child = spawn(process.execPath, [...SMALL_HEAP, ...flags, join(root, 'dist/src/main.js')], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        ...SMALL_STORES,
        HOST: '127.0.0.1',
        PORT: '0',
        MEDIAFLOW_DATA_DIR: dataDir,
        MEDIAFLOW_ADMIN_PASSWORD: PASSWORD,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new Program(child, await readyAt(child));
  }

  /** The cookie of a browser that is signed in. */
  async signIn(): Promise<string> {
    const page = await fetch(`${this.url}/sign-in`);
    const token = /name="csrf-token" content="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    const answer = await fetch(`${this.url}/sign-in`, {
      method: 'POST',
      headers: { Cookie: cookieOf(page), Origin: this.url },
      body: new URLSearchParams({ password: PASSWORD, _csrf: token }),
      redirect: 'manual',
    });
    const cookie = cookieOf(answer);
    if (answer.status !== 303 || cookie === '') throw new Error(`signing in answered ${answer.status}`);
    return cookie;
  }

  /** Megabytes that it holds now, or held at the most. */
  async memoryMb(which: 'VmRSS' | 'VmHWM' = 'VmRSS'): Promise<number> {
    const status = await readFile(`/proc/${String(this.#child.pid)}/status`, 'utf8');
    return (Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / 1e6;
  }

  /** Processor time that it took so far, milliseconds. */
  async processorMs(): Promise<number> {
    const stat = await readFile(`/proc/${String(this.#child.pid)}/stat`, 'utf8');
    // Behind the name, which may hold blanks: fields 3 and on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SEC;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}

const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');

async function readyAt(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('nothing to read from');
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('MediaFlow is ready')) continue;
    // What it says later must not fill the pipe.
    child.stdout.resume();
    return (JSON.parse(line) as { url: string }).url;
  }
  throw new Error('the program ended before it was ready');
}
