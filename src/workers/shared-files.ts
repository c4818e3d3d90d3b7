import { randomBytes } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../domain/errors.js';
import type { EncodeTask } from '../domain/jobs/executor.js';
import { toLocalPath } from '../domain/settings/paths.js';
import type { WorkerPath } from '../domain/workers/worker.js';
import { sha256Of } from '../lib/sha256.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { hashOf, sizeOf } from '../ssh/remote-job.js';
import type { FileWay } from './file-way.js';
import { sampleOf, sampleThere } from './sample.js';

export interface SharedFilesParts {
  line: ReconnectingSsh;
  task: Pick<EncodeTask, 'input' | 'output'>;
  shared: readonly WorkerPath[];
}

/** Network disks show a file's new size only after a while; NFS asks again after a minute at the latest. Milliseconds. */
const SHOWN_MS = 120_000;
const LOOK_MS = 500;

/** Where the worker sees a path of this machine, through the longest folder that both see; null when none holds it. */
const toWorkerPath = (path: string, shared: readonly WorkerPath[]): string | null =>
  toLocalPath(
    path,
    shared.map(({ here, there }) => ({ from: here, to: there })),
  );

/**
 * Both machines see the files: nothing is copied. The worker writes under a name that no other run uses, so that a late
 * one that was given up long ago writes into a file nobody reads.
 */
export class SharedFiles implements FileWay {
  readonly #parts: SharedFilesParts;
  /** Where this machine sees what the worker writes. */
  readonly #written: string;
  readonly input: string;
  readonly output: string;
  readonly isLasting = false;

  constructor(parts: SharedFilesParts) {
    const { task, shared } = parts;
    this.#parts = parts;
    const name = `from-worker-${randomBytes(6).toString('hex')}${extname(task.output)}`;
    this.#written = join(dirname(task.output), name);
    this.input = this.#there(task.input, shared);
    this.output = this.#there(this.#written, shared);
  }

  async bring(_freeBytes: number, signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const there = await sampleThere(line, this.input, signal);
    if (there === (await sampleOf(task.input))) return;
    const what = there === null ? 'no file' : 'another file than this machine';
    throw new AppError(
      'transfer_failed',
      `${line.address.host} sees ${what} at ${this.input}. Verify the shared folder again on this worker's page.`,
    );
  }

  async fetch(signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const [folder, name] = [dirname(this.output), basename(this.output)];
    const size = await line.persist((connection) => sizeOf(connection, folder, name, signal), signal);
    if (!size)
      throw new AppError('encode_failed', 'ffmpeg ended well but wrote nothing. The log of the job says more.');
    const hash = await line.persist((connection) => hashOf(connection, folder, name, signal), signal);
    for (const untilMs = performance.now() + SHOWN_MS; ;) {
      const seen = await stat(this.#written).catch(() => null);
      if (seen?.size === size && (await sha256Of(this.#written, signal)) === hash) break;
      if (performance.now() > untilMs) {
        const text = `This machine does not see what ${line.address.host} wrote to ${this.output}. Verify the shared folder again on this worker's page.`;
        throw new AppError('transfer_failed', text);
      }
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {
        signal.throwIfAborted();
      });
    }
    await rename(this.#written, task.output);
  }

  async drop(): Promise<void> {
    await rm(this.#written, { force: true });
  }

  #there(path: string, shared: readonly WorkerPath[]): string {
    const there = toWorkerPath(path, shared);
    if (there === null) {
      throw new AppError('transfer_failed', `No verified shared folder of this worker holds ${path}.`);
    }
    return there;
  }
}
