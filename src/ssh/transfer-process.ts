import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fromPlain, type Answer, type Ask } from './transfer-protocol.js';
import type { TransferRequest, Watch } from './transfer-request.js';

const START_MS = 20_000;
/** What was told to stop and does not is ended. Milliseconds. */
const STOP_MS = 10_000;
/**
 * ssh2 makes a buffer for every 32 kB and throws it away. With a small heap, collecting them in one go costs least; and the thread
 * that used them gives them back, for with a second one that does it the two are in each other's way.
 */
const COLLECT = ['--no-incremental-marking', '--no-concurrent-array-buffer-sweeping'];

/** What is started: a file, and flags for Node. */
export interface Program {
  file: string;
  flags: readonly string[];
}

/** The process was lost, and not by the fault of what it transferred. */
export class Lost extends Error {}

interface Transfer {
  watch: Watch;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** The process that transfers files, as it is seen from here. */
export class TransferProcess {
  readonly #child: ChildProcess;
  readonly #transfers = new Map<number, Transfer>();
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  #isGone = false;
  #next = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      this.#hear(answer);
    });
    this.ended = new Promise((resolve) => {
      const gone = (how: string): void => {
        this.#isGone = true;
        for (const { reject } of this.#transfers.values()) reject(new Lost(how));
        resolve();
      };
      child.once('exit', (code, signal) => {
        gone(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
      // Not once: what cannot be said to it, and what cannot be ended, are errors as well.
      child.on('error', (error) => {
        gone(error.message);
      });
    });
  }

  /** Null when it does not start. */
  static async start({ file, flags }: Program): Promise<TransferProcess | null> {
    const child = fork(file, [], {
      execArgv: [...COLLECT, ...flags],
      env: {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const transferProcess = new TransferProcess(child);
    let limit: NodeJS.Timeout | undefined;
    const isReady = await Promise.race([
      once(child, 'message').then(() => true),
      transferProcess.ended.then(() => false),
      new Promise<false>((resolve) => {
        limit = setTimeout(() => {
          resolve(false);
        }, START_MS);
      }),
    ]).catch(() => false);
    clearTimeout(limit);
    if (!isReady) child.kill('SIGKILL');
    // While it transfers nothing, it does not keep this process from ending.
    child.unref();
    child.channel?.unref();
    return isReady ? transferProcess : null;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Throws `Lost`, what `transferFile` throws, or the signal's reason: only when nothing is written any more. */
  async transferFile(load: TransferRequest, watch: Watch): Promise<void> {
    const id = this.#next++;
    const { signal } = watch;
    signal.throwIfAborted();
    let limit: NodeJS.Timeout | undefined;
    const stop = (): void => {
      this.#say({ kind: 'stop', id });
      limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    };
    this.#child.ref();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#transfers.set(id, { watch, resolve, reject });
        signal.addEventListener('abort', stop, { once: true });
        this.#say({ kind: 'transfer', id, load });
      });
    } finally {
      this.#transfers.delete(id);
      if (this.#transfers.size === 0) this.#child.unref();
      signal.removeEventListener('abort', stop);
      clearTimeout(limit);
      signal.throwIfAborted();
    }
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #say(ask: Ask): void {
    // Should it be gone, its end says so.
    this.#child.send(ask, () => undefined);
  }

  #hear(answer: Answer): void {
    if (answer.kind === 'ready') return;
    const transfer = this.#transfers.get(answer.id);
    if (answer.kind === 'bytes') transfer?.watch.onBytes(answer.doneBytes);
    else if (answer.kind === 'done') transfer?.resolve();
    else transfer?.reject(fromPlain(answer.error));
  }
}

/** From the sources it needs tsx. */
export function ownProgram(): Program {
  if (!import.meta.url.endsWith('.ts')) {
    return { file: fileURLToPath(new URL('./transfer-child.js', import.meta.url)), flags: [] };
  }
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx'));
  return { file: fileURLToPath(new URL('./transfer-child.ts', import.meta.url)), flags: [`--import=${tsx.href}`] };
}
