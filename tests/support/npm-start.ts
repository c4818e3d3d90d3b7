import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Built } from './job-kill.js';

const READY_MS = 120_000;

/** `npm start` (or another script of npm) as a process group of its own, as a terminal would start it. */
export class NpmStart {
  readonly #child: ChildProcess;
  readonly said: string[] = [];
  readonly #gone: Promise<unknown>;

  constructor({ folder }: Built, env: Record<string, string>, script = 'start') {
    this.#child = spawn('npm', ['run', '--silent', script], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], HOST: '127.0.0.1', PORT: '0', ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#gone = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.said.push(line));
    }
  }

  /** Process number of npm itself. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with the line that holds `words`. Throws with what was said when it ends, or takes two minutes. */
  async says(words: string): Promise<string> {
    const endsAt = performance.now() + READY_MS;
    for (;;) {
      const line = this.said.find((one) => one.includes(words));
      if (line !== undefined) return line;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null || performance.now() > endsAt) {
        throw new Error(`npm did not say "${words}":\n${this.said.slice(-20).join('\n')}`);
      }
      await sleep(50);
    }
  }

  /** npm alone gets the signal. */
  signalNpm(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Everything in the group gets the signal, as from a terminal. */
  signalAll(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody is left.
    }
  }

  async gone(): Promise<void> {
    await this.#gone;
  }

  /** Processes of the group that live; those that ended and were not reaped do not. */
  async living(): Promise<string[]> {
    const found: string[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(group) !== this.pid || state === 'Z') continue;
      found.push((await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '));
    }
    return found;
  }

  /** Resolves when nothing of it lives. Throws with what still does after half a minute. */
  async leavesNothing(): Promise<void> {
    const endsAt = performance.now() + 30_000;
    for (;;) {
      const living = await this.living();
      if (living.length === 0) return;
      if (performance.now() > endsAt) throw new Error(`These live on:\n${living.join('\n')}`);
      await sleep(100);
    }
  }
}
