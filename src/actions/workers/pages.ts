import { z } from 'zod';
import { conflict } from '../../domain/errors.js';
import type { Job } from '../../domain/jobs/job.js';
import { ScorePart } from '../../domain/workers/choice.js';
import { action, type Context } from '../action.js';
import { authorizeCommand, ownKey, sealedKey } from './credentials.js';
import { Provision, provisionOf } from './provision.js';
import { WorkerCard, workerCards, workerRow, workerRows } from './rows.js';

const ById = z.object({ id: z.string().min(1).max(100) });

/** Prints every host key of a machine, whichever of them it shows to whom. */
const PRINT_COMMAND = 'for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done';
const PrintCommand = z.string();

/** Every worker as a card. */
export const showWorkers = action(
  {
    summary: 'List the workers and what they are doing',
    input: z.object({}),
    output: z.object({
      items: z.array(WorkerCard),
      ready: z.int(),
      slots: z.int(),
      busy: z.int(),
      printCommand: PrintCommand,
      queuePaused: z.boolean(),
    }),
  },
  (ctx) => {
    const items = workerCards(ctx, workerRows(ctx));
    const ready = items.filter(({ state }) => state === 'online');
    return {
      items,
      ready: ready.length,
      slots: ready.reduce((sum, { slots }) => sum + slots, 0),
      busy: items.reduce((sum, { running }) => sum + running, 0),
      printCommand: PRINT_COMMAND,
      queuePaused: ctx.queue.state().paused,
    };
  },
);

/** The first page of the way to a new worker. */
export const showNewWorker = action(
  {
    summary: 'Show the defaults of a new worker',
    input: z.object({}),
    output: z.object({
      title: z.string(),
      name: z.string(),
      host: z.string(),
      port: z.int(),
      username: z.string(),
      scratchDir: z.string(),
      publicKey: z.string().nullable(),
      authorize: z.string().nullable(),
    }),
  },
  (ctx) => {
    const own = ownKey(ctx);
    return {
      ...{ title: 'Add a worker', name: '', host: '', port: 22, username: '', scratchDir: '' },
      publicKey: own?.publicKey ?? null,
      authorize: own && authorizeCommand(own.publicKey),
    };
  },
);

/** How a job was, or would be, given to this worker. */
const Scored = z.object({
  jobId: z.string(),
  title: z.string(),
  when: z.enum(['next', 'running', 'ended']),
  parts: z.array(ScorePart),
  /** Whether it is this worker that gets it. */
  isChosen: z.boolean(),
  /** In a sentence: why this worker, or why not. */
  why: z.string().nullable(),
});
type Scored = z.infer<typeof Scored>;

/** A page does not wait longer for what is next. Milliseconds. */
const NEXT_MS = 1500;

const OnePage = WorkerCard.extend({
  displayTitle: z.string(),
  printCommand: PrintCommand,
  /** Lets MediaFlow's own key in; null when the worker is reached in another way. */
  authorize: z.string().nullable(),
  /** The public half of MediaFlow's own key, whether this worker uses it or not. */
  publicKey: z.string().nullable(),
  /** How the last installation of ffmpeg goes, or went. */
  provision: Provision.nullable(),
  /** The job that is next in the queue, if its worker is still open, and the last one that this worker got. */
  scores: z.array(Scored),
});

/** One worker with its settings. Throws `not_found`. */
export const showWorkerPage = action(
  { summary: 'One worker with its settings', input: ById, output: OnePage },
  async (ctx, { id }) => {
    const [card] = workerCards(ctx, [workerRow(ctx, id)]);
    if (!card) throw conflict('This worker was removed meanwhile.');
    const own = ownKey(ctx);
    const key = card.can.isRemote ? sealedKey(ctx, id) : null;
    const isOwn = own !== null && key?.kind === 'key' && key.privateKey === own.privateKey;
    return {
      ...card,
      displayTitle: card.name,
      printCommand: PRINT_COMMAND,
      authorize: isOwn ? authorizeCommand(own.publicKey) : null,
      publicKey: own?.publicKey ?? null,
      provision: provisionOf(ctx, id),
      scores: await scoresOf(ctx, id),
    };
  },
);

async function scoresOf({ queue, store }: Context, id: string): Promise<Scored[]> {
  const scores: Scored[] = [];
  const next = await queue.next(NEXT_MS);
  const ranked = next?.choice.ranked.find((worker) => worker.id === id);
  if (next && ranked) {
    const isChosen = next.choice.winner?.id === id;
    const why = ranked.refusal ? `It ${ranked.refusal.why}.` : next.choice.why;
    const { id: jobId, title } = next.job;
    scores.push({ jobId, title, when: 'next', parts: ranked.parts, isChosen, why });
  }
  const [last] = store.jobs.where(({ workerId, weighed }) => workerId === id && weighed !== null).sort(latestStart);
  if (last?.weighed) {
    const { id: jobId, title, whyWorker: why } = last;
    const when = last.state === 'running' ? 'running' : 'ended';
    scores.push({ jobId, title, when, parts: last.weighed.parts, isChosen: true, why });
  }
  return scores;
}

const latestStart = (a: Job, b: Job): number => (b.startedAt ?? '').localeCompare(a.startedAt ?? '');

/** All workers beside each other. */
export const compareWorkers = action(
  {
    summary: 'Compare the workers: hardware, finished work, load in the last ten minutes',
    input: z.object({}),
    output: z.object({ title: z.string(), items: z.array(WorkerCard) }),
  },
  (ctx) => ({ title: 'Compare workers', items: workerCards(ctx, workerRows(ctx)) }),
);
