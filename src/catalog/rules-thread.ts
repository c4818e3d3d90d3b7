import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { keepThreadsSmall } from '../lib/heap.js';
import type { Log } from '../lib/log.js';
import type { Answer, Ask, ThreadPlaces } from './rules-protocol.js';

/** What rules may use. */
export interface RuleLimits {
  /** How long one rule may think about one batch, milliseconds. */
  batchMs: number;
  /** How long one rule may take to load, milliseconds. */
  loadMs: number;
  /** How long all of the owner's rules together may take to load, milliseconds. */
  loadAllMs: number;
  /** Memory of the thread, megabytes. */
  memoryMb: number;
}

/** The thread is gone. `rule` is the number of the rule that did it, or null when nobody can tell. */
export class ThreadEnded extends Error {
  readonly rule: number | null;

  constructor(rule: number | null, reason: string) {
    super(reason);
    this.name = 'ThreadEnded';
    this.rule = rule;
  }
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  limitMs: number;
  tooLate: string;
}

const LOOK_EVERY_MS = 50;
/** Buffers lie outside the thread's own memory limit; the process may grow so much for one request. */
const GROWTH_LIMIT_BYTES = 1024 ** 3;
const START_LIMIT_MS = 30_000;

/** One worker thread with rules in it, and the watch over it. Requests are answered in their order; a dead thread stays dead. */
export class RuleThread {
  readonly #worker: Worker;
  readonly #state: Int32Array;
  readonly #ruleOfStack: (stack: string) => number | null;
  readonly #memoryMb: number;
  #ended: ThreadEnded | null = null;
  readonly #waiting: Waiting[] = [];
  #watch: NodeJS.Timeout | null = null;
  #isRetired = false;

  private constructor(worker: Worker, state: SharedArrayBuffer, options: Parameters<typeof RuleThread.open>[0]) {
    this.#worker = worker;
    this.#state = new Int32Array(state);
    this.#state[0] = -1;
    this.#ruleOfStack = options.ruleOfStack;
    this.#memoryMb = options.memoryMb;
    worker.on('message', (message: unknown) => {
      this.#waiting.shift()?.resolve(message);
      if (this.#waiting.length > 0) return;
      this.#stopWatch();
      if (this.#isRetired) void this.close();
    });
    worker.on('error', (error) => {
      this.#end(this.#explain(error));
    });
    worker.on('exit', () => {
      this.#end(new ThreadEnded(this.#running(), 'it ended the thread that rules run in'));
    });
    for (const stream of [worker.stdout, worker.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        options.log.debug({ text: text.slice(0, 1000) }, 'A rule printed something');
      });
    }
  }

  /** Starts a thread and waits until it answers. `ruleOfStack` finds the rule that a stack trace names. */
  static async open(options: {
    places: Omit<ThreadPlaces, 'state'>;
    memoryMb: number;
    ruleOfStack: (stack: string) => number | null;
    log: Log;
  }): Promise<RuleThread> {
    const state = new SharedArrayBuffer(8);
    keepThreadsSmall();
    const worker = new Worker(entry(), {
      workerData: { ...options.places, state } satisfies ThreadPlaces,
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
    });
    const thread = new RuleThread(worker, state, options);
    await thread.#wait(START_LIMIT_MS, 'the thread for rules did not start');
    return thread;
  }

  /** Throws `ThreadEnded` when the thread dies of it, is stopped for taking longer than `limitMs`, or is dead already. */
  async ask<T>(ask: Ask, limitMs: number): Promise<Answer<T>> {
    const answer = this.#wait(limitMs, `it took longer than ${limitMs} ms and was stopped`);
    if (!this.#ended) this.#worker.postMessage(ask);
    return (await answer) as Answer<T>;
  }

  /** Milliseconds in which this thread was not waiting. */
  get activeMs(): number {
    return this.#worker.performance.eventLoopUtilization().active;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Lets it answer what it was asked and then end. */
  retire(): void {
    this.#isRetired = true;
    if (this.#waiting.length === 0) void this.close();
  }

  async close(): Promise<void> {
    this.#end(new ThreadEnded(null, 'the thread for rules was closed'));
    await this.#worker.terminate();
  }

  #wait(limitMs: number, tooLate: string): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, limitMs, tooLate });
      this.#startWatch();
    });
  }

  /** Counts looks, not time: when this thread itself was held up, no rule is blamed for it. */
  #startWatch(): void {
    if (this.#watch) return;
    const bytesBefore = process.memoryUsage.rss();
    let step = Atomics.load(this.#state, 1);
    let looks = 0;
    this.#watch = setInterval(() => {
      const now = Atomics.load(this.#state, 1);
      looks = now === step ? looks + 1 : 0;
      step = now;
      const [first] = this.#waiting;
      if (first && looks * LOOK_EVERY_MS > first.limitMs) this.#kill(first.tooLate);
      else if (process.memoryUsage.rss() - bytesBefore > GROWTH_LIMIT_BYTES) this.#kill('it used too much memory');
    }, LOOK_EVERY_MS);
  }

  #stopWatch(): void {
    if (this.#watch) clearInterval(this.#watch);
    this.#watch = null;
  }

  #kill(reason: string): void {
    this.#end(new ThreadEnded(this.#running(), reason));
    void this.#worker.terminate();
  }

  #running(): number | null {
    const rule = Atomics.load(this.#state, 0);
    return rule < 0 ? null : rule;
  }

  #explain(error: unknown): ThreadEnded {
    const { code, message, stack } = error as { code?: unknown; message?: string; stack?: string };
    const rule = this.#ruleOfStack(stack ?? '') ?? this.#running();
    if (code === 'ERR_WORKER_OUT_OF_MEMORY')
      return new ThreadEnded(rule, `it needed more than ${this.#memoryMb} MB of memory`);
    return new ThreadEnded(rule, `it failed outside of its evaluate function: ${message ?? String(error)}`);
  }

  #end(ended: ThreadEnded): void {
    this.#ended ??= ended;
    this.#stopWatch();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

/** The worker's file; from the sources it needs tsx, which a thread does not inherit on Node 20. */
function entry(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./rules-worker.js', import.meta.url);
  const worker = new URL('./rules-worker.ts', import.meta.url);
  // `require.resolve` names the CommonJS twin; only the module beside it can register in a thread.
  const tsx = new URL('index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api')));
  const code = `import { register } from ${JSON.stringify(tsx.href)}; register(); await import(${JSON.stringify(worker.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
