import { access, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../domain/health/problem.js';
import { WebhookOutcome } from '../domain/plex/webhook.js';
import { AnalysisDue } from '../domain/recommendations/analysis-due.js';
import { ClockSeen } from '../domain/replace/clock-seen.js';
import { Settings, type SettingsChange } from '../domain/settings/settings.js';
import { makeFolder } from '../lib/durable.js';
import type { Log } from '../lib/log.js';
import { problemsOfAudit } from './audit-check.js';
import { AuditLog } from './audit.js';
import { Backups } from './backups.js';
import type { Damage } from './damage.js';
import { toProblem } from './damage.js';
import { closeToOthers, removeLeftovers } from './data-files.js';
import { Document } from './document.js';
import { KnownServers } from './known-servers.js';
import { migrate } from './migrations.js';
import { folderName, openCollections } from './open-collections.js';
import { PosterCache } from './poster-cache.js';
import { Secrets, type SecretOverrides } from './secrets.js';
import { SettingsDocument } from './settings.js';

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

/** A folder of any version as this one expects it. */
async function prepare(dir: string, at: Date): Promise<void> {
  await makeFolder(dir);
  await removeLeftovers(dir);
  await closeToOthers(dir);
  await migrate(dir, at);
  await splitPending(dir);
}

async function openDocuments(dir: string) {
  return {
    settingsFile: await Document.open(dir, 'settings.json', Settings, {}),
    webhookCounts: await Document.open(dir, 'webhooks.json', WebhookCounts, {}),
    clock: await Document.open(dir, 'clock.json', ClockSeen, {}),
    analysisDue: await Document.open(dir, 'analysis-due.json', AnalysisDue, {}),
  };
}

async function problemsIn(dir: string, damaged: readonly (Damage | null)[]): Promise<Problem[]> {
  const ofFiles = damaged.filter((damage) => damage !== null).map((damage) => toProblem(dir, damage));
  return [...(await Promise.all(ofFiles)), ...(await problemsOfAudit(dir))];
}

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
  await prepare(dir, now());
  const collections = await openCollections(dir, now);
  const documents = await openDocuments(dir);
  const { settingsFile, webhookCounts, clock, analysisDue } = documents;
  const settings = new SettingsDocument(settingsFile, options.settingsOverrides ?? {}, options.lockedBy ?? {});
  const secrets = await Secrets.open(dir, options.secretKey, options.secretOverrides ?? {});
  const audit = new AuditLog(dir, now);
  const { otherServers: others, library } = collections;
  const servers = new KnownServers({ others, library, settings, secrets });

  const problems = await problemsIn(dir, [
    ...Object.values(collections).flatMap(({ damaged }) => [...damaged]),
    ...Object.values(documents).map(({ damaged }) => damaged),
  ]);
  for (const problem of problems) log.error({ problem }, problem.summary);

  const posters = new PosterCache({ dir: join(dir, 'cache', 'posters'), log });
  const backups = new Backups({ dir, now, collections: Object.values(collections) });

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
    backup: (reason: string): Promise<string> => backups.make(reason),
    /** Resolves when everything is on disk. */
    async close(): Promise<void> {
      await backups.stop();
      await Promise.all(Object.values(collections).map((collection) => collection.flush()));
      await Promise.all([settings, webhookCounts, clock, analysisDue, audit].map((file) => file.flush()));
      await posters.close();
    },
  };
}
