import { ReviewSearch } from './engine/recommendations/review-search.js';
import { join } from 'node:path';
import type { Context } from './actions/action.js';
import { LibraryStatisticsCache } from './engine/library/statistics.js';
import { OwnerAccess } from './engine/access/owner-access.js';
import type { Rules } from './catalog/rules.js';
import type { Config } from './config.js';
import type { Events } from './domain/events.js';
import type { MediaServer } from './domain/plex/media-server.js';
import type { Presets } from './domain/presets/presets.js';
import { Fleet } from './engine/workers/fleet.js';
import { Storage } from './engine/workers/storage.js';
import { NotificationListeners } from './engine/plex/notification-listeners.js';
import { Analyzer } from './engine/recommendations/analyze.js';
import { Automation } from './engine/recommendations/automate.js';
import { BatchEdits } from './engine/library/batch-edits.js';
import { CollectionKeeper } from './engine/collections/keeper.js';
import { Coverage } from './engine/recommendations/coverage.js';
import { Estimates } from './engine/recommendations/estimates.js';
import { FileCheck } from './engine/library/file-check.js';
import { FirstContact } from './engine/library/first-contact.js';
import { firstReadOver } from './engine/library/first-read.js';
import { GroupQueue } from './engine/recommendations/group-queue.js';
import { Intake } from './engine/library/intake.js';
import { LeftUndone } from './engine/recommendations/left-undone.js';
import { Learning } from './engine/recommendations/learning.js';
import { LibrarySearch } from './engine/library/search.js';
import { LibrarySync } from './engine/library/sync.js';
import { Problems } from './engine/health/problems.js';
import { Enqueue } from './engine/queue/enqueue.js';
import { RemoteSources } from './engine/jobs/remote-sources.js';
import { Queue } from './engine/queue/queue.js';
import { Schedule } from './engine/settings/schedule.js';
import { SavingsLedger } from './engine/replace/savings-ledger.js';
import { standingTasks } from './engine/settings/standing-tasks.js';
import { mountRemotes } from './files/disks.js';
import { countMatches, findLocalFolder } from './files/find-folder.js';
import { countLinks } from './files/link-counts.js';
import { verifyPath } from './files/verify-path.js';
import { SpaceLedger } from './files/space.js';
import { Swapper } from './files/swap.js';
import { Bus } from './lib/bus.js';
import { newId } from './lib/ids.js';
import type { Log } from './lib/log.js';
import { PlexTvService } from './plex/account.js';
import { PlexServers } from './plex/servers.js';
import { newSshKey } from './ssh/new-key.js';
import type { Store } from './store/store.js';
import { FileTransfers, connectDisk, connectWorker, seeHostKey } from './workers/connect.js';
import { LocalExecutor } from './workers/local.js';
import { ThisMachine } from './workers/this-machine.js';

/** What is there before the parts are. */
export interface Ground {
  config: Config;
  store: Store;
  presets: Presets;
  rules: Rules;
  log: Log;
  now: () => Date;
  version: string;
  isDemo: boolean;
  isReady: () => boolean;
  /** Another pace than usual, milliseconds: how often workers are asked, how long lost ones are waited for. */
  workers: { heartbeatMs?: number; patienceMs?: number; pollMs?: number };
  /** What was opened is handed over here at once, so that it is closed whatever happens next. */
  closeLater: (close: () => Promise<void> | void) => void;
}

interface Part {
  start(): Promise<void> | void;
  stop(): Promise<void> | void;
}

export interface Parts {
  context: Context;
  /** As they are to be started; stopped in reverse. */
  inOrder: Part[];
  /** Resolves when what is read after the start was read. */
  settled: () => Promise<unknown>;
}

/** Encoders that do not answer by then do not work. */
const WORKER_CHECK_MS = 120_000;

/** Puts the parts together, and hands each the contracts it needs. */
export async function assemble(ground: Ground): Promise<Parts> {
  const { config, store, presets, rules, log, now, version, isDemo, isReady } = ground;
  const bus = new Bus<Events>((error, event) => {
    log.error({ err: error, event }, 'Something that listens to an event failed');
  });
  rules.watch((ids) => {
    bus.emit('rule.changed', { ids });
  });
  const { adminPassword: password, apiKey } = config;
  const access = new OwnerAccess({ secrets: store.secrets, log, password, apiKey });
  await access.start();
  const clientId = (): string => store.secrets.find('clientId') ?? 'mediaflow';
  const plex = new PlexServers({ addressOf: (id) => store.servers.address(id), clientId, version });
  const server = (id?: string): MediaServer => plex.server(id);

  const shared = { store, bus, log, now, newId, server, presets, rules };
  const library = libraryParts(shared);
  const { analyzer, estimates, search, sync, intake } = library;
  const work = workParts(ground, { shared, library, clientId });
  const { fleet, queue, here, swapper } = work;
  const notifications = new NotificationListeners({
    ...shared,
    intake,
    sync,
    onPlaying: () => {
      queue.viewersChanged();
    },
  });
  const contact = new FirstContact({ ...shared, sync });
  const schedule = new Schedule({ bus, log, tasks: standingTasks({ store, sync, analyzer }) });
  const files = new FileCheck(shared);
  const problems = new Problems({ ...shared, files, fleet, swapper, schedule, dataDir: config.dataDir });
  const { savings, learning, leftUndone, coverage, statistics, review, collections, edits } = library;
  const context: Context = {
    ...shared,
    ...{ ...library, notifications, queue, copies: queue, fleet, access },
    config: { version, urlBase: config.urlBase, publicUrl: config.publicUrl, demo: isDemo },
    connectPlex: (address) => plex.connect(address),
    plexTv: new PlexTvService({ url: config.plexTvUrl, clientId, version, now }),
    nextRuns: () => schedule.next(),
    verifyPath,
    findFolder: findLocalFolder,
    countFiles: (paths) => countMatches('/', paths),
    countLinks,
    checkWorker: () => fleet.checkLocal(AbortSignal.timeout(WORKER_CHECK_MS)),
    newKey: () => newSshKey('mediaflow'),
    problems: () => problems.current(),
    readiness: () => ({ ready: isReady() }),
  };
  return {
    context,
    inOrder: [
      ...[savings, learning, estimates, analyzer, coverage, search, statistics, review, collections],
      ...[fleet, here, queue],
      ...[leftUndone, intake, edits, sync, notifications, contact, schedule, files, problems],
    ],
    settled: () => Promise.all([search.settled(), analyzer.settled(), estimates.settled(), coverage.settled()]),
  };
}

interface Shared extends Pick<Ground, 'store' | 'log' | 'now' | 'presets' | 'rules'> {
  bus: Bus<Events>;
  newId: (prefix: string) => string;
  server: (id?: string) => MediaServer;
}

/** What knows the titles, and what the rules say of them. */
function libraryParts(shared: Shared) {
  const enqueue = new Enqueue(shared);
  const automation = new Automation({ ...shared, enqueue });
  const groups = new GroupQueue({ ...shared, enqueue });
  const savings = new SavingsLedger(shared);
  const learning = new Learning({ ...shared, savings });
  const analyzer = new Analyzer({ ...shared, automation, learned: learning });
  const membersOf = analyzer.membersOf.bind(analyzer);
  const estimates = new Estimates({ ...shared, learning, membersOf });
  const leftUndone = new LeftUndone({ ...shared, analyzer, automation });
  const coverage = new Coverage(shared);
  const search = new LibrarySearch(shared);
  const statistics = new LibraryStatisticsCache(shared);
  const review = new ReviewSearch(shared);
  const collections = new CollectionKeeper({ ...shared, search });
  const sync = new LibrarySync({ ...shared, analyzer });
  const intake = new Intake({ ...shared, analyzer });
  const edits = new BatchEdits({ ...shared, readNow: intake.readNow.bind(intake) });
  return {
    enqueue,
    groups,
    savings,
    learning,
    analyzer,
    leftUndone,
    estimates,
    coverage,
    search,
    statistics,
    review,
    collections,
    sync,
    intake,
    edits,
  };
}

/** What encodes, and what takes the results in. */
function workParts(
  { config, workers, closeLater }: Ground,
  { shared, library, clientId }: { shared: Shared; library: ReturnType<typeof libraryParts>; clientId: () => string },
) {
  const { store, bus, now } = shared;
  const { enqueue, estimates, intake } = library;
  const { heartbeatMs, ...pace } = workers;
  const { agentSocket } = config;
  const executor = new LocalExecutor({ ffmpeg: config.ffmpeg });
  closeLater(() => executor.close());
  const transfers = new FileTransfers({ log: shared.log });
  closeLater(() => transfers.close());
  const transferFile = transfers.transferFile.bind(transfers);
  const swapper = new Swapper({ journalDir: join(config.dataDir, 'swaps') });
  const fleet = new Fleet({
    ...shared,
    local: executor,
    describe: () => here.describe(),
    mayProbeLocal: (signal) => firstReadOver({ store, bus }, signal),
    seeHostKey,
    connect: (worker, key, sharedPaths) =>
      connectWorker(worker, key, { installId: clientId(), agentSocket, now, sharedPaths, transferFile, ...pace }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  });
  const storage = new Storage({
    store,
    connectDisk: (machine, key) => connectDisk(machine, key, { agentSocket, transferFile, ...pace }),
  });
  const unmount = mountRemotes((machineId) => storage.diskOf(machineId));
  closeLater(() => {
    storage.stop();
    unmount();
  });
  const here = new ThisMachine({
    ...{ bus, now },
    workFolder: () => {
      const { queue: { workDir }, paths: { mappings } } = store.settings.value; // prettier-ignore
      return workDir || (mappings[0]?.to ?? null);
    },
  });
  const fetchDir = join(config.dataDir, 'fetched');
  const queue = new Queue(
    {
      ...{ ...shared, fleet, swapper, fetchDir },
      secondsOf: (file, preset, key) => estimates.seconds(file, preset, key).seconds,
      space: new SpaceLedger(),
      tools: { ffmpeg: config.ffmpeg, ffprobe: config.ffprobe },
      remoteSources: new RemoteSources({ dir: fetchDir, ffprobe: config.ffprobe }),
      logsDir: join(config.dataDir, 'logs', 'jobs'),
      readNow: intake.readNow.bind(intake),
    },
    enqueue,
  );
  return { swapper, fleet, here, queue };
}
