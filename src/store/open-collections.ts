import { z } from 'zod';
import { LibraryCollection } from '../domain/collections/collection.js';
import { Attempt, isFinished, Job } from '../domain/jobs/job.js';
import { BatchEdit } from '../domain/library/batch-edit.js';
import { ExcludedItem } from '../domain/library/excluded-items.js';
import { LibraryItem, Section } from '../domain/library/library.js';
import { SavedFilter } from '../domain/library/saved-filter.js';
import { Tag } from '../domain/library/tag.js';
import { Server } from '../domain/plex/server.js';
import { PendingItem } from '../domain/plex/webhook.js';
import { Recommendation } from '../domain/recommendations/recommendation.js';
import { Run } from '../domain/recommendations/run.js';
import { QuarantineEntry } from '../domain/replace/quarantine.js';
import { Receipt } from '../domain/replace/receipt.js';
import { RuleSetting } from '../domain/rules/rule.js';
import { LOCAL_WORKER_ID, LocalWorker, Worker } from '../domain/workers/worker.js';
import { Collection, type CollectionOptions } from './collection.js';
import { thriftyItems, thriftyJobs, thriftyRecommendations } from './interned-values.js';
import type { Layout } from './layout.js';

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
export const folderName = (id: string): string => id.replace(/[^A-Za-z0-9_-]/g, '_') || '_';

/** A browser that signed in. The id is the SHA-256 of what its cookie holds. */
const SessionRow = z.object({ id: z.string(), expiresAt: z.string(), data: z.string() });
type SessionRow = z.infer<typeof SessionRow>;

/** Every collection of rows there is, each with the files it lies in. The row of this machine is there from the beginning. */
export async function openCollections(dir: string, now: () => Date) {
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
  return collections;
}
