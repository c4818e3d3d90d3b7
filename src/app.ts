import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from './actions/action.js';
import { LibraryStatisticsBook } from './actions/library-statistics.js';
import { OwnerAccess } from './actions/owner-access.js';
import { openPresets } from './catalog/presets.js';
import { openRules, type Rules } from './catalog/rules.js';
import type { Config } from './config.js';
import { AppError } from './domain/errors.js';
import type { Events } from './domain/events.js';
import type { MediaServer } from './domain/media-server.js';
import type { Presets } from './domain/presets.js';
import { AllNews } from './engine/library/all-news.js';
import { Analyzer } from './engine/library/analyze.js';
import { GroupQueue } from './engine/library/group-queue.js';
import { Automation } from './engine/library/automate.js';
import { CollectionKeeper } from './engine/library/collection-keeper.js';
import { BatchEdits } from './engine/library/batch-edits.js';
import { Estimates } from './engine/library/estimates.js';
import { FileCheck } from './engine/library/file-check.js';
import { FirstContact } from './engine/library/first-contact.js';
import { Intake } from './engine/library/intake.js';
import { Learning } from './engine/library/learning.js';
import { LibrarySearch } from './engine/library/search.js';
import { LibrarySync } from './engine/library/sync.js';
import { Fleet } from './engine/fleet/fleet.js';
import { Storage } from './engine/fleet/storage.js';
import { Problems } from './engine/problems.js';
import { Enqueue } from './engine/queue/enqueue.js';
import { FarSources } from './engine/queue/far-sources.js';
import { Queue } from './engine/queue/queue.js';
import { Schedule } from './engine/schedule.js';
import { mountRemotes } from './files/disks.js';
import { countMatches, findLocalFolder } from './files/find-folder.js';
import { countLinks } from './files/link-counts.js';
import { provePath } from './files/prove-path.js';
import { SpaceLedger } from './files/space.js';
import { Swapper } from './files/swap.js';
import { Bus } from './lib/bus.js';
import { newId } from './lib/ids.js';
import type { Log } from './lib/log.js';
import { PlexTvService } from './plex/account.js';
import { PlexServers } from './plex/servers.js';
import { newSshKey } from './ssh/new-key.js';
import { DataLock } from './store/data-lock.js';
import { openStore, type Store } from './store/store.js';
import { WebServer } from './web/server.js';
import { connectDisk, connectWorker, seeHostKey } from './workers/connect.js';
import { LocalExecutor } from './workers/local.js';
import { ThisMachine } from './workers/this-machine.js';

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
  /** Another pace than usual, milliseconds: how often workers are asked, how long lost ones are waited for. */
  workers?: { heartbeatMs?: number; patienceMs?: number; pollMs?: number };
}

/** The composition root: puts the parts together, and is the only place that knows them all. */
export function createApp(config: Config, options: AppOptions): App {
  return new MediaFlow(config, options);
}

/** When hardly anybody watches, and before the full look changes much. */
const BACKUP_CRON = '15 3 * * *';

/** Encoders that do not answer by then do not work. */
const WORKER_CHECK_MS = 120_000;

interface Stoppable {
  stop(): Promise<void> | void;
}

class MediaFlow implements App {
  readonly #config: Config;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #isDemo: boolean;
  readonly #workers: NonNullable<AppOptions['workers']>;
  readonly #started: Stoppable[] = [];
  #context: Context | null = null;
  #url = '';
  #isReady = false;
  #settled: () => Promise<unknown> = () => Promise.resolve();

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
    try {
      await this.#start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async settled(): Promise<void> {
    await this.#settled();
  }

  async stop(): Promise<void> {
    this.#isReady = false;
    for (const part of this.#started.reverse().splice(0)) await part.stop();
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
    const [presets, rules] = await Promise.all([loading, opening]);
    const parts = await this.#assemble(store, presets, rules);
    const web = new WebServer({
      context: parts.context,
      viewsDir: join(root, 'views'),
      publicDir: join(root, 'public'),
    });
    const port = await web.start({ port: config.port, host: config.host });
    this.#started.push(web);
    this.#url = `http://${config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host}:${port}${config.urlBase}`;
    for (const part of parts.inOrder) {
      await part.start();
      this.#started.push(part);
    }
    this.#isReady = true;
    this.#log.info({ url: this.#url, version: parts.context.config.version }, 'MediaFlow is ready');
  }

  async #open(): Promise<Store> {
    const { dataDir, secretKey, settings, lockedBy, secrets } = this.#config;
    const lock = await DataLock.take(dataDir);
    this.#started.push({ stop: () => lock.release() });
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

  async #assemble(store: Store, presets: Presets, rules: Rules) {
    const log = this.#log;
    const now = this.#now;
    const config = this.#config;
    const bus = new Bus<Events>((error, event) => {
      log.error({ err: error, event }, 'Something that listens to an event failed');
    });
    rules.watch((ids) => {
      bus.emit('rule.changed', { ids });
    });
    const access = new OwnerAccess({
      secrets: store.secrets,
      log,
      password: config.adminPassword,
      apiKey: config.apiKey,
    });
    await access.start();
    const version = versionOf(projectRoot());
    const clientId = (): string => store.secrets.find('clientId') ?? 'mediaflow';
    const plex = new PlexServers({ addressOf: (id) => store.servers.address(id), clientId, version });
    const server = (id?: string): MediaServer => plex.server(id);
    const executor = new LocalExecutor({ ffmpeg: config.ffmpeg });
    this.#started.push({ stop: () => executor.close() });
    const swapper = new Swapper({ journalDir: join(config.dataDir, 'swaps') });

    const shared = { store, bus, log, now, newId, server, presets, rules };
    const enqueue = new Enqueue(shared);
    const automation = new Automation({ ...shared, enqueue });
    const groups = new GroupQueue({ ...shared, enqueue });
    const learning = new Learning(shared);
    const analyzer = new Analyzer({ ...shared, automation, learned: learning });
    const estimates = new Estimates({
      ...shared,
      learning,
      membersOf: (group, ruleId) => analyzer.membersOf(group, ruleId),
    });
    const search = new LibrarySearch(shared);
    const statistics = new LibraryStatisticsBook(shared);
    this.#settled = () => Promise.all([search.settled(), analyzer.settled(), estimates.settled()]);
    const collections = new CollectionKeeper({ ...shared, search });
    const sync = new LibrarySync({ ...shared, analyzer });
    const intake = new Intake({ ...shared, analyzer });
    const { heartbeatMs, ...pace } = this.#workers;
    const fleet = new Fleet({
      ...shared,
      local: executor,
      seeHostKey,
      connect: (worker, key, sharedPaths) =>
        connectWorker(worker, key, {
          installId: clientId(),
          agentSocket: config.agentSocket,
          now,
          sharedPaths,
          ...pace,
        }),
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    });
    const storage = new Storage({
      store,
      connectDisk: (machine, key) => connectDisk(machine, key, { agentSocket: config.agentSocket, ...pace }),
    });
    const unmount = mountRemotes((machineId) => storage.diskOf(machineId));
    this.#started.push({
      stop: () => {
        storage.stop();
        unmount();
      },
    });
    const fetchDir = join(config.dataDir, 'fetched');
    const here = new ThisMachine({
      ...{ bus, now },
      workFolder: () => {
        const { queue: { workDir }, paths: { mappings } } = store.settings.value; // prettier-ignore
        return workDir || (mappings[0]?.to ?? null);
      },
    });
    const queue = new Queue(
      {
        ...shared,
        fleet,
        secondsOf: (file, preset, key) => estimates.seconds(file, preset, key).seconds,
        swapper,
        space: new SpaceLedger(),
        tools: { ffmpeg: config.ffmpeg, ffprobe: config.ffprobe },
        farSources: new FarSources({ dir: fetchDir, ffprobe: config.ffprobe }),
        fetchDir,
        logsDir: join(config.dataDir, 'logs', 'jobs'),
        readNow: (ratingKeys, serverId) => intake.readNow(ratingKeys, serverId),
      },
      enqueue,
    );
    const news = new AllNews({
      ...shared,
      intake,
      sync,
      onPlaying: () => {
        queue.viewersChanged();
      },
    });
    const edits = new BatchEdits({
      ...shared,
      readNow: (ratingKeys, serverId) => intake.readNow(ratingKeys, serverId),
    });
    const contact = new FirstContact({ ...shared, sync });
    const schedule = this.#schedule(store, bus, sync, analyzer);
    const files = new FileCheck(shared);
    const problems = new Problems({ ...shared, files, executor, swapper, schedule, dataDir: config.dataDir });
    this.#context = {
      ...shared,
      config: { version, urlBase: config.urlBase, publicUrl: config.publicUrl, demo: this.#isDemo },
      intake,
      sync,
      search,
      statistics,
      collections,
      news,
      analyzer,
      estimates,
      enqueue,
      groups,
      copies: queue,
      queue,
      edits,
      connectPlex: (address) => plex.connect(address),
      plexTv: new PlexTvService({
        url: config.plexTvUrl,
        clientId,
        version,
        now,
      }),
      nextRuns: () => schedule.next(),
      provePath,
      findFolder: findLocalFolder,
      countFiles: (files) => countMatches('/', files),
      countLinks,
      checkWorker: () => fleet.lookAtLocal(AbortSignal.timeout(WORKER_CHECK_MS)),
      fleet,
      here: () => here.describe(),
      newKey: () => newSshKey('mediaflow'),
      problems: () => Promise.resolve(problems.list()),
      readiness: () => ({ ready: this.#isReady }),
      access,
    };
    return {
      context: this.#context,
      inOrder: [
        learning,
        estimates,
        analyzer,
        search,
        statistics,
        collections,
        fleet,
        here,
        queue,
        intake,
        edits,
        sync,
        news,
        contact,
        schedule,
        files,
        problems,
      ],
    };
  }

  #schedule(store: Store, bus: Bus<Events>, sync: LibrarySync, analyzer: Analyzer): Schedule {
    const look = (mode: 'full' | 'changed') => async (): Promise<void> => {
      const { url } = store.settings.value.plex;
      if (url === '' || sync.status().state === 'running') return;
      await sync.run({ mode, trigger: 'schedule' }).done;
    };
    return new Schedule({
      bus,
      log: this.#log,
      tasks: [
        { name: 'look for changes', cron: () => store.settings.value.plex.syncCron, run: look('changed') },
        { name: 'full look', cron: () => store.settings.value.plex.fullSyncCron, run: look('full') },
        {
          name: 'analysis',
          cron: () => store.settings.value.intel.analyzeCron,
          run: async () => {
            await analyzer.library('schedule');
          },
        },
        {
          name: 'backup',
          cron: () => BACKUP_CRON,
          run: async () => {
            await store.backup('daily');
          },
        },
      ],
    });
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
