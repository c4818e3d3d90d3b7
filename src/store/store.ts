import { access, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AnalysisDue } from '../domain/recommendations/analysis-due.js';
import { ClockSeen } from '../domain/replace/clock-seen.js';
import { LibraryCollection } from '../domain/collections/collection.js';
import { BatchEdit } from '../domain/library/batch-edit.js';
import { AppError, toAppError } from '../domain/errors.js';
import { ExcludedItem } from '../domain/library/excluded-items.js';
import { Attempt, isFinished, Job } from '../domain/jobs/job.js';
import { LibraryItem, Section } from '../domain/library/library.js';
import { QuarantineEntry } from '../domain/replace/quarantine.js';
import { Receipt } from '../domain/replace/receipt.js';
import { Recommendation } from '../domain/recommendations/recommendation.js';
import { RuleSetting } from '../domain/rules/rule.js';
import { Run } from '../domain/recommendations/run.js';
import { SavedFilter } from '../domain/library/saved-filter.js';
import { Server } from '../domain/plex/server.js';
import { Settings, type SettingsChange } from '../domain/settings/settings.js';
import { Tag } from '../domain/library/tag.js';

import { LOCAL_WORKER_ID, LocalWorker, Worker } from '../domain/workers/worker.js';
import { PendingItem, WebhookOutcome } from '../domain/plex/webhook.js';
import { makeFolder } from '../lib/durable.js';
import type { Log } from '../lib/log.js';
import { AuditLog } from './audit.js';
import { problemsOfAudit } from './audit-check.js';
import { backUp } from './backup.js';
import { Collection, type CollectionOptions } from './collection.js';
import { toProblem } from './damage.js';
import { closeToOthers, removeLeftovers } from './data-files.js';
import { Document } from './document.js';
import { KnownServers } from './known-servers.js';
import type { Layout } from './layout.js';
import { migrate } from './migrations.js';
import { PosterCache } from './poster-cache.js';
import { Secrets, type SecretOverrides } from './secrets.js';
import { SettingsDocument } from './settings.js';
import { thriftyItems, thriftyJobs, thriftyRecommendations } from './interned-values.js';

/** A browser that signed in. The id is the SHA-256 of what its cookie holds. */
export const SessionRow = z.object({ id: z.string(), expiresAt: z.string(), data: z.string() });
export type SessionRow = z.infer<typeof SessionRow>;

const Count = z.int().nonnegative().default(0);

/** How many webhooks came, and what became of them. */
export const WebhookCounts = z.object({
  ...(Object.fromEntries(WebhookOutcome.options.map((name) => [name, Count])) as Record<WebhookOutcome, typeof Count>),
  /** The last one that Plex sent with the right address, whatever became of it. */
  lastAt: z.string().nullable().default(null),
  lastEvent: z.string().nullable().default(null),
  /** When the last one of each outcome came. */
  lastAtOf: z.partialRecord(WebhookOutcome, z.string()).default({}),
});
export type WebhookCounts = z.infer<typeof WebhookCounts>;

export interface StoreOptions {
  dir: string;
  log: Log;
  now: () => Date;
  /** From the environment; without it a key file is made. */
  secretKey?: string;
  settingsOverrides?: SettingsChange;
  /** `plex.url` -> variable. */
  lockedBy?: Record<string, string>;
  secretOverrides?: SecretOverrides;
}

export type Store = Awaited<ReturnType<typeof openStore>>;

const month = (iso: string): string => iso.slice(0, 7);
const single = <T>(file: string): Layout<T> => ({ kind: 'single', file });
const filled = <T>(dir: string, groupOf: (row: T) => string = () => ''): Layout<T> => ({
  kind: 'filled',
  dir,
  groupOf,
});
const monthly = <T>(name: string, dateOf: (row: T) => string): Layout<T> => ({
  kind: 'named',
  dir: '',
  prefix: `${name}-`,
  nameOf: (row) => month(dateOf(row)),
});

/** Section ids come from Plex; as a folder name only plain characters are let through. */
const folderName = (id: string): string => id.replace(/[^A-Za-z0-9_-]/g, '_') || '_';

/** Thousands of items may wait at once, so they lie in several files; once it was one, which now is the first of them. */
async function splitPending(dir: string): Promise<void> {
  try {
    await access(join(dir, 'pending.json'));
  } catch {
    return;
  }
  await makeFolder(join(dir, 'pending'));
  await rename(join(dir, 'pending.json'), join(dir, 'pending', '0.json'));
}

/**
 * Opens everything MediaFlow remembers. Throws `damaged` when the folder belongs to a newer version or the secrets'
 * key does not fit; a damaged file is set aside and reported in `problems`, the rest opens.
 */
export async function openStore(options: StoreOptions) {
  const { dir, log, now } = options;
  await makeFolder(dir);
  await removeLeftovers(dir);
  await closeToOthers(dir);
  await migrate(dir, now());
  await splitPending(dir);

  const open = <T extends { id: string }>(
    noun: string,
    schema: z.ZodType<T>,
    layout: Layout<T>,
    more: Pick<CollectionOptions<T>, 'thrift' | 'takesOver' | 'rests'> = {},
  ): Promise<Collection<T>> => Collection.open({ dir, noun, schema, layout, ...more });

  const collections = {
    sections: await open('library section', Section, single('library/sections.json')),
    library: await open(
      'library item',
      LibraryItem,
      filled('library', ({ sectionId }) => folderName(sectionId)),
      { thrift: thriftyItems(), takesOver: true, rests: true },
    ),
    recommendations: await open('recommendation', Recommendation, filled('recommendations'), {
      thrift: thriftyRecommendations(),
      takesOver: true,
    }),
    jobs: await open(
      'job',
      Job,
      filled('jobs', (job) => (isFinished(job.state) ? `done-${month(job.finishedAt ?? job.createdAt)}` : 'open')),
      { thrift: thriftyJobs() },
    ),
    otherServers: await open('Plex server', Server, single('servers.json')),
    workers: await open('worker', Worker, single('workers.json')),
    rules: await open('rule setting', RuleSetting, single('rules.json')),
    filters: await open('saved filter', SavedFilter, single('filters.json')),
    quarantine: await open('original in quarantine', QuarantineEntry, single('quarantine.json')),
    receipts: await open(
      'receipt',
      Receipt,
      monthly('receipts', ({ at }) => at),
    ),
    runs: await open(
      'run',
      Run,
      monthly('runs', ({ startedAt }) => startedAt),
    ),
    attempts: await open('attempt', Attempt, filled('attempts')),
    pending: await open('pending item', PendingItem, filled('pending')),
    // The file keeps the name it had in older versions.
    excluded: await open('excluded item', ExcludedItem, single('untouched.json')),
    tags: await open('tag', Tag, single('tags.json')),
    collections: await open('collection', LibraryCollection, single('collections.json')),
    edits: await open('metadata edit', BatchEdit, { kind: 'named', dir: 'edits', prefix: '', nameOf: ({ id }) => id }),
    sessions: await open('session', SessionRow, single('sessions.json')),
  };
  if (!collections.workers.has(LOCAL_WORKER_ID)) {
    const row = { id: LOCAL_WORKER_ID, kind: 'local', name: 'This machine', createdAt: now().toISOString() };
    await collections.workers.put(LocalWorker.parse(row));
  }
  const settingsFile = await Document.open(dir, 'settings.json', Settings, {});
  const webhookCounts = await Document.open(dir, 'webhooks.json', WebhookCounts, {});
  const clock = await Document.open(dir, 'clock.json', ClockSeen, {});
  const analysisDue = await Document.open(dir, 'analysis-due.json', AnalysisDue, {});
  const settings = new SettingsDocument(settingsFile, options.settingsOverrides ?? {}, options.lockedBy ?? {});
  const secrets = await Secrets.open(dir, options.secretKey, options.secretOverrides ?? {});
  const audit = new AuditLog(dir, now);
  const { otherServers: others, library } = collections;
  const servers = new KnownServers({ others, library, settings, secrets });

  const damaged = [
    ...Object.values(collections).flatMap((collection) => [...collection.damaged]),
    settingsFile.damaged,
    webhookCounts.damaged,
    clock.damaged,
    analysisDue.damaged,
  ];
  const problems = await Promise.all(damaged.filter((shard) => shard !== null).map((shard) => toProblem(dir, shard)));
  problems.push(...(await problemsOfAudit(dir)));
  for (const problem of problems) log.error({ problem }, problem.summary);

  const posters = new PosterCache({ dir: join(dir, 'cache', 'posters'), log });
  const closing = new AbortController();
  let backup: Promise<string> | null = null;
  const copyData = async (reason: string): Promise<string> => {
    const releases = Object.values(collections).map((collection) => collection.keepOldCopies());
    try {
      return await backUp(dir, reason, now(), closing.signal);
    } finally {
      for (const release of releases) release();
    }
  };

  // A browser that signs in and the clock's own notes change nothing that is shown.
  const rows: { version: number }[] = Object.values({ ...collections, sessions: { version: 0 } });
  const shown = [...rows, settings, webhookCounts];
  return {
    ...collections,
    settings,
    secrets,
    servers,
    audit,
    webhookCounts,
    clock,
    analysisDue,
    posters,
    problems,
    /** Ids of the titles of a library of Plex. Wakes none of them, unless another library lies in the same folder. */
    idsOfSection(sectionId: string): string[] {
      const folder = folderName(sectionId);
      const ids = library.idsIn(folder);
      const isShared = collections.sections.where(({ id }) => id !== sectionId && folderName(id) === folder).length > 0;
      return isShared ? ids.filter((id) => library.find(id)?.sectionId === sectionId) : ids;
    },
    /** Goes up with every change of what is shown: whoever sees the same number twice knows that nothing changed in between. */
    get version(): number {
      return shown.reduce((sum, { version }) => sum + version, 0);
    },
    /**
     * Copies all data files into `backups/<time>-<reason>/` while everything goes on, and keeps the last five of that
     * reason. A second call during one joins it. Returns the folder. Throws `no_space`, or `cancelled` when closing.
     */
    async backup(reason: string): Promise<string> {
      backup ??= copyData(reason).finally(() => (backup = null));
      try {
        return await backup;
      } catch (error) {
        if (!closing.signal.aborted) throw toAppError(error);
        throw new AppError('cancelled', 'The backup was given up because MediaFlow stops', { cause: error });
      }
    },
    /** Resolves when everything is on disk. */
    async close(): Promise<void> {
      closing.abort();
      await backup?.catch(() => undefined);
      await Promise.all(Object.values(collections).map((collection) => collection.flush()));
      await Promise.all([settings, webhookCounts, clock, analysisDue, audit].map((file) => file.flush()));
      await posters.close();
    },
  };
}
