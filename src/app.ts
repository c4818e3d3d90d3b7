import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from './actions/action.js';
import { openPresets } from './catalog/presets.js';
import { openRules } from './catalog/rules.js';
import type { Config } from './config.js';
import { AppError } from './domain/errors.js';
import type { Log } from './lib/log.js';
import { assemble, type Ground } from './parts.js';
import { DataLock } from './store/data-lock.js';
import { openStore, type Store } from './store/store.js';
import { openPageFiles } from './web/page-files.js';
import { WebServer } from './web/server.js';

/** MediaFlow as one thing that can be started and stopped. */
export interface App {
  /** Resolves when work can be taken in. Throws when the port is taken, or the data cannot be opened. */
  start(): Promise<void>;
  /** Resolves when what is read after the start was read; also when it was stopped before. */
  settled(): Promise<void>;
  /** Lets go of everything; what ran is continued at the next start. Safe to call twice. */
  stop(): Promise<void>;
  /** The address on this machine; known once started. */
  readonly url: string;
  /** Everything actions work with; known once started. */
  readonly context: Context;
}

export interface AppOptions {
  log: Log;
  now?: () => Date;
  isDemo?: boolean;
  workers?: Ground['workers'];
}

/** The composition root, with `parts.ts`: the only places that know all parts. */
export function createApp(config: Config, options: AppOptions): App {
  return new MediaFlow(config, options);
}

interface Stoppable {
  stop(): Promise<void> | void;
}

class MediaFlow implements App {
  readonly #config: Config;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #isDemo: boolean;
  readonly #workers: Ground['workers'];
  readonly #started: Stoppable[] = [];
  #context: Context | null = null;
  #url = '';
  #isReady = false;
  #settled: () => Promise<unknown> = () => Promise.resolve();
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #halt = new AbortController();
  #lock: DataLock | null = null;

  constructor(config: Config, { log, now, isDemo, workers }: AppOptions) {
    this.#config = config;
    this.#log = log;
    this.#now = now ?? ((): Date => new Date());
    this.#isDemo = isDemo ?? false;
    this.#workers = workers ?? {};
  }

  get url(): string {
    return this.#url;
  }

  get context(): Context {
    if (!this.#context) throw new AppError('unavailable', 'MediaFlow has not started yet');
    return this.#context;
  }

  async start(): Promise<void> {
    this.#stopping = null;
    this.#halt = new AbortController();
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async settled(): Promise<void> {
    await this.#settled();
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#isReady = false;
    this.#halt.abort(new AppError('unavailable', 'MediaFlow was stopped while it was starting'));
    await this.#lock?.markStopping();
    // What is half started is stopped whole: it gives up at its next step.
    await this.#starting?.catch(() => undefined);
    let failure: unknown = null;
    for (const part of this.#started.reverse().splice(0)) {
      try {
        await part.stop();
      } catch (error) {
        // The others are let go of all the same: the store is written, the lock given free.
        failure ??= error;
      }
    }
    if (failure) throw failure as Error;
  }

  async #start(): Promise<void> {
    const root = projectRoot();
    const config = this.#config;
    // Beside the store: a thread takes a while to start.
    const loading = openPresets({ builtInDir: join(root, 'presets'), userDir: config.presetsDir });
    const opening = openRules({
      ...{ builtInDir: join(compiledRoot(), 'rules'), userDir: config.rulesDir, log: this.#log, now: this.#now },
      presets: async () => (await loading).list(),
    });
    // Awaited below; until then its failure is nobody's surprise.
    for (const early of [loading, opening]) early.catch(() => undefined);
    this.#started.push({
      stop: async () => {
        const rules = await opening.catch(() => null);
        await rules?.close();
      },
    });
    const store = await this.#open();
    // While the rules are still being loaded: together that would take a quarter of a second longer.
    const places = { viewsDir: join(root, 'views'), publicDir: join(root, 'public') };
    const pageFiles = openPageFiles({ ...places, urlBase: config.urlBase });
    pageFiles.catch(() => undefined);
    const [presets, rules] = await Promise.all([loading, opening]);
    this.#halt.signal.throwIfAborted();
    const parts = await assemble({
      ...{ config, store, presets, rules, log: this.#log, now: this.#now, workers: this.#workers },
      version: versionOf(root),
      isDemo: this.#isDemo,
      isReady: () => this.#isReady,
      closeLater: (close) => this.#started.push({ stop: close }),
    });
    this.#context = parts.context;
    this.#settled = parts.settled;
    const web = new WebServer({ context: parts.context, pageFiles });
    const port = await web.start({ port: config.port, host: config.host });
    this.#started.push(web);
    this.#url = `http://${config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host}:${port}${config.urlBase}`;
    for (const part of parts.inOrder) {
      this.#halt.signal.throwIfAborted();
      await part.start();
      this.#started.push(part);
    }
    this.#halt.signal.throwIfAborted();
    this.#isReady = true;
    this.#log.info({ url: this.#url, version: parts.context.config.version }, 'MediaFlow is ready');
  }

  async #open(): Promise<Store> {
    const { dataDir, secretKey, settings, lockedBy, secrets } = this.#config;
    const lock = await DataLock.take(dataDir, {
      onWait: (message) => {
        this.#log.info(message);
      },
      signal: this.#halt.signal,
    });
    this.#lock = lock;
    this.#started.push({ stop: () => lock.release() });
    this.#halt.signal.throwIfAborted();
    const store = await openStore({
      dir: dataDir,
      log: this.#log,
      now: this.#now,
      settingsOverrides: settings,
      lockedBy,
      secretOverrides: secrets,
      ...(secretKey === null ? {} : { secretKey }),
    });
    this.#started.push({ stop: () => store.close() });
    if (store.secrets.find('clientId') === null) await store.secrets.set('clientId', randomUUID());
    return store;
  }
}

/** Where the compiled `rules` lie, or their sources when the program runs from those. */
const compiledRoot = (): string => dirname(dirname(fileURLToPath(import.meta.url)));

/** The folder with `views`, `public` and `presets`: ours, or the one above `dist`. */
function projectRoot(): string {
  const here = compiledRoot();
  return existsSync(join(here, 'views')) ? here : dirname(here);
}

const versionOf = (root: string): string =>
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
