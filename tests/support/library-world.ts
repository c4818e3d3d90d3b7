import { EventEmitter, on } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openPresets } from '../../src/catalog/presets.js';
import { AppError, conflict } from '../../src/domain/errors.js';
import type { Events } from '../../src/domain/events.js';
import type { Job } from '../../src/domain/jobs/job.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { MediaServer, ServerSection } from '../../src/domain/plex/media-server.js';
import type { ServerEvent } from '../../src/domain/library/server-event.js';
import type { Decision, RuleCall, RuleRunner, Subject } from '../../src/domain/rules/rule.js';
import { Analyzer } from '../../src/engine/recommendations/analyze.js';
import { Automation } from '../../src/engine/recommendations/automate.js';
import { Intake } from '../../src/engine/library/intake.js';
import { LeftUndone } from '../../src/engine/recommendations/left-undone.js';
import { LibrarySync } from '../../src/engine/library/sync.js';
import { Bus } from '../../src/lib/bus.js';
import { newId } from '../../src/lib/ids.js';
import { createLog } from '../../src/lib/log.js';
import { openStore, type Store } from '../../src/store/store.js';
import { aFile, aJob, anItem } from './builders.js';

export const SERVER_ID = '0123456789abcdef0123456789abcdef01234567';

/** A media server in memory, which answers like the contract says and can be made to fail. */
export class FakeServer implements MediaServer {
  items_: LibraryItem[] = [];
  sections_: ServerSection[] = [aSection('1')];
  leaves_: { ratingKey: string; addedAt: string }[] = [];
  asked: string[] = [];
  /** Thrown instead of an answer. */
  fault: AppError | null = null;
  /** A title without which it answers well: the fault of every request that names it. */
  spoiltBy: { key: string; fault: AppError } | null = null;
  /** Throws while it lists this section, after its first page. */
  faultInSection: string | null = null;
  pageSize = 2;
  /** `emit('event', ...)` is what the server tells by itself; `emit('error', ...)` ends the connection. */
  readonly news = new EventEmitter();

  #ask(what: string): void {
    this.asked.push(what);
    if (this.fault) throw this.fault;
  }
  identity = () =>
    Promise.resolve({
      machineIdentifier: SERVER_ID,
      name: 'Den',
      version: '1',
      platform: 'Linux',
      webhooksEnabled: true,
      pushNotifications: true,
    });
  async sections(): Promise<ServerSection[]> {
    await Promise.resolve();
    this.#ask('sections');
    return this.sections_;
  }
  async *items(section: { id: string }, options: { since?: string } = {}) {
    await Promise.resolve();
    this.#ask(`items ${section.id}${options.since ? ' since' : ''}`);
    const { since = '' } = options;
    const all = this.items_.filter(
      ({ sectionId, updatedAt, addedAt }) =>
        sectionId === section.id && ((updatedAt ?? '') >= since || addedAt >= since),
    );
    for (let start = 0; start < all.length; start += this.pageSize) {
      yield { items: all.slice(start, start + this.pageSize).map(listed), total: all.length };
      if (this.faultInSection === section.id) throw new AppError('plex_timeout', 'Plex took too long');
    }
  }
  async details(keys: readonly string[]): Promise<LibraryItem[]> {
    await Promise.resolve();
    this.#ask(`details ${keys.join(',')}`);
    if (this.spoiltBy && keys.includes(this.spoiltBy.key)) throw this.spoiltBy.fault;
    return this.items_.filter(({ ratingKey }) => keys.includes(ratingKey));
  }
  async item(key: string): Promise<LibraryItem | null> {
    await Promise.resolve();
    this.#ask(`item ${key}`);
    if (this.spoiltBy?.key === key) throw this.spoiltBy.fault;
    return this.items_.find(({ ratingKey }) => ratingKey === key) ?? null;
  }
  async leaves(key: string): Promise<{ ratingKey: string; addedAt: string }[]> {
    await Promise.resolve();
    this.#ask(`leaves ${key}`);
    return this.leaves_;
  }
  findByPath = () => Promise.resolve([]);
  refresh = () => Promise.resolve();
  analyze = () => Promise.resolve();
  sessions = () => Promise.resolve([]);
  async *listen(signal: AbortSignal): AsyncGenerator<ServerEvent> {
    this.#ask('listen');
    yield { type: 'listening' };
    try {
      for await (const [event] of on(this.news, 'event', { signal })) yield event as ServerEvent;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }
  collections = {} as MediaServer['collections'];
  metadata = {} as MediaServer['metadata'];
  poster = () => Promise.reject(new AppError('plex_not_found', 'Plex has no poster for this.'));
}

/** What a listing tells: no streams, no HDR. */
const listed = (item: LibraryItem): LibraryItem => ({
  ...item,
  labels: [],
  files: item.files.map((file) => ({
    ...file,
    detailed: false,
    audio: [],
    subtitles: [],
    video: file.video && { ...file.video, hdr: 'sdr', bitDepth: null },
  })),
});

export const aSection = (id: string, change: Partial<ServerSection> = {}): ServerSection => ({
  id,
  serverId: SERVER_ID,
  title: `Library ${id}`,
  type: 'movie',
  locations: [`/share/${id}`],
  refreshing: false,
  ...change,
});

/** A film as the server tells it; `localPath` is for us to find. */
export function film(key: string, change: Parameters<typeof anItem>[0] = {}): LibraryItem {
  const { file, ...rest } = change;
  const path = `/share/${rest.sectionId ?? '1'}/Film ${key}.mkv`;
  return anItem({
    id: `01234567-${key}`,
    ratingKey: key,
    title: `Film ${key}`,
    files: [aFile({ id: `p${key}`, path, localPath: null, ...file })],
    ...rest,
  });
}

/** Rules as plain functions, without a thread. */
export class FakeRules implements RuleRunner {
  rules = new Map<string, (subject: Subject, options: Record<string, unknown>) => Decision['finding']>();
  calls: RuleCall[][] = [];
  private held: Promise<void> | null = null;
  readonly perGroup = new Set<string>();

  /** No rule answers until the returned function is called. */
  hold(): () => void {
    let goOn = (): void => undefined;
    this.held = new Promise((resolve) => (goOn = resolve));
    return goOn;
  }

  list = () => [...this.rules.keys()].map((id) => this.get(id));
  get = (id: string) => {
    if (!this.rules.has(id)) throw new AppError('not_found', id);
    const docs = { what: '', why: '', whenNotToUse: '' };
    return {
      id,
      title: id,
      docs,
      perGroup: this.perGroup.has(id),
      optionsSchema: {},
      defaults: {},
      origin: 'built-in' as const,
      file: id,
      problem: null,
      lastRunMs: null,
      failures: 0,
      lastFailure: null,
    };
  };
  parseOptions = (_: string, options: Record<string, unknown>) => Promise.resolve(options as Record<string, never>);
  evaluate = (subjects: readonly Subject[], calls: readonly RuleCall[]) =>
    Promise.resolve(
      subjects.flatMap((subject) =>
        calls.map(({ ruleId, options }) => ({
          itemId: subject.item.id,
          fileId: subject.file.id,
          ruleId,
          finding: this.rules.get(ruleId)?.(subject, options) ?? null,
        })),
      ),
    );
  async *evaluateMany(subjects: Iterable<Subject>, calls: readonly RuleCall[]) {
    this.calls.push([...calls]);
    await this.held;
    const all = [...subjects];
    for (let start = 0; start < all.length; start += 3) {
      const part = all.slice(start, start + 3);
      const decisions = await this.evaluate(part, calls);
      const findings = decisions.filter(({ finding }) => finding !== null);
      yield { subjects: part, findings, ruleIds: calls.map(({ ruleId }) => ruleId) };
    }
  }
}

/** Everything of `engine/library` over a real store in a folder of its own. */
export class World {
  readonly server = new FakeServer();
  readonly rules = new FakeRules();
  readonly bus = new Bus<Events>((error) => {
    throw error;
  });
  readonly events: { [K in keyof Events]?: Events[K][] } = {};
  readonly logged: string[] = [];
  readonly queued: string[] = [];
  refuse: AppError | null = null;
  nowMs = Date.parse('2026-03-01T12:00:00Z');
  /** Real time goes on in `now` unless a test holds it. */
  isHeld = false;
  readonly #startMs = Date.now();
  store!: Store;
  automation!: Automation;
  analyzer!: Analyzer;
  sync!: LibrarySync;
  intake!: Intake;
  leftUndone!: LeftUndone;

  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** `from`: another one, as its disk is at this moment; it goes on as if it had been killed. */
  static async open(from?: World): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'mediaflow-library-')));
    if (from) {
      await copyOf(from.dir, world.dir);
      world.server.items_ = from.server.items_;
      world.rules.rules = from.rules.rules;
    }
    for (const name of [
      'library.changed',
      'sync.progressed',
      'sync.completed',
      'analysis.completed',
      'webhook.received',
      'recommendation.changed',
    ] as const)
      world.bus.on(name, (payload) => ((world.events[name] ??= []) as unknown[]).push(payload));
    await world.start();
    return world;
  }

  now = (): Date => new Date(this.isHeld ? this.nowMs : this.nowMs + Date.now() - this.#startMs);

  async start(): Promise<void> {
    const log = createLog('warn', { write: (line: string) => void this.logged.push(line) });
    this.store = await openStore({ dir: this.dir, log, now: this.now });
    if (this.store.settings.value.plex.serverId === '') {
      await this.store.settings.change({
        plex: { url: 'http://127.0.0.1:1', serverId: SERVER_ID, serverName: 'Den', settleSec: 0 },
        paths: { mappings: [{ from: '/share', to: join(this.dir, 'share') }] },
      });
    }
    const presets = await openPresets({ builtInDir: resolve(import.meta.dirname, '../../presets'), userDir: null });
    const { store, bus, rules } = this;
    const shared = { store, bus, log, rules, presets, newId, now: this.now, server: () => this.server };
    const enqueue = {
      job: async (request: {
        itemId: string;
        fileId: string;
        recommendationId: string;
        ruleId: string;
        presetId: string;
        alsoPresetIds?: readonly string[];
      }): Promise<Job> => {
        this.queued.push(request.recommendationId);
        if (this.refuse) throw this.refuse;
        const isOpen = ({ fileId, state }: Job): boolean => fileId === request.fileId && state === 'queued';
        if (store.jobs.where(isOpen).length > 0) throw conflict('There is already a job for this file');
        const { itemId, fileId, recommendationId, ruleId, presetId, alsoPresetIds = [] } = request;
        const recipe = { presetId, alsoPresetIds: [...alsoPresetIds] };
        return store.jobs.put(aJob({ id: newId('job'), itemId, fileId, recommendationId, ruleId, ...recipe }));
      },
    };
    this.automation = new Automation({ ...shared, enqueue });
    this.analyzer = new Analyzer({ ...shared, automation: this.automation });
    this.sync = new LibrarySync({ ...shared, analyzer: this.analyzer });
    this.intake = new Intake({ ...shared, analyzer: this.analyzer, retryMs: 20 });
    this.leftUndone = new LeftUndone({ ...shared, analyzer: this.analyzer, automation: this.automation });
    await this.analyzer.start();
    this.leftUndone.start();
    this.intake.start();
    await this.sync.start();
  }

  async stop(): Promise<void> {
    await this.sync.stop();
    await this.intake.stop();
    this.leftUndone.stop();
    await this.analyzer.stop();
    await this.store.close();
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true });
  }

  /** Runs a sync and everything that follows it. */
  async synced(mode: 'full' | 'changed' = 'full') {
    const run = await this.sync.run({ mode, trigger: 'owner' }).done;
    await this.sync.settled();
    await this.automation.idle();
    return run;
  }

  /** Waits until it is so. */
  async until(isSo: () => boolean, what = isSo.toString()): Promise<void> {
    for (let tries = 0; tries < 2000; tries++) {
      if (isSo()) return;
      await new Promise((done) => setTimeout(done, 5));
    }
    throw new Error(`It never came to this: ${what}`);
  }

  /** Waits until all news are handled. */
  async quiet(): Promise<void> {
    await this.until(() => this.store.pending.size === 0, 'no pending items');
    await this.automation.idle();
  }
}

/** A folder in which files come and go meanwhile. */
async function copyOf(from: string, to: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await cp(from, to, { recursive: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 20) throw error;
      await rm(to, { recursive: true });
    }
  }
}
