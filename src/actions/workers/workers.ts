import { z } from 'zod';
import { isForbiddenHost } from '../../domain/access/address.js';
import { conflict, invalid } from '../../domain/errors.js';
import {
  ABILITIES,
  Capabilities,
  Slots,
  WorkerAbilities,
  WorkingHours,
  type WorkerPath,
} from '../../domain/workers/worker.js';
import { action, type Context } from '../action.js';
import { whatLiesOn } from './remote-paths.js';
import { listOf, pageOf, Paging } from '../paging.js';
import { checksOf, notTriedIn, PARTS, WorkerCheck, type Part } from './checks.js';
import { Auth, toKey } from './credentials.js';
import { historyOf, Metrics, WorkerRow, workerRow, workerRows } from './rows.js';

const ById = z.object({ id: z.string().min(1).max(100) });

const Host = z.string().trim().min(1, 'Enter its address').max(255).regex(/^(?!-)[^\s@/]+$/, 'Only the address: tower.local, or 192.168.1.20').refine((host) => !isForbiddenHost(host), 'No worker has this address: link-local, or the metadata of a cloud'); // prettier-ignore
const User = z.string().trim().min(1, 'Enter the user').max(64).regex(/^(?!-)[^\s@]+$/, 'A user name has no spaces'); // prettier-ignore
const Name = z.string().trim().min(1, 'Give it a name').max(60);
const Tags = z.array(z.string().trim().min(1).max(60)).max(20);
const Folder = z.string().trim().max(1000).regex(/^(\/.*)?$/s, 'Begin with /, or leave it empty'); // prettier-ignore
const Paths = z.array(z.object({ here: z.string().trim().min(1), there: z.string().trim().min(1) })).max(50);
/** An empty field of a form: no limit. */
const MaxMbps = z.preprocess(
  (given) => (given === '' ? null : typeof given === 'string' ? Number(given.replace(',', '.')) : given),
  z.number('Write a number').positive('Write a number above zero').nullable(),
);
/** A form also sends lines that nobody filled in, and days as texts. */
const Hours = z
  .array(
    z.object({
      days: z.union([z.coerce.number(), z.array(z.coerce.number())]).default([]).transform((days) => [days].flat()),
      from: z.string().trim(),
      to: z.string().trim(),
    }),
  )
  .transform((lines) => lines.filter(({ from, to }) => from !== '' || to !== ''))
  .pipe(z.array(WorkingHours).max(20)); // prettier-ignore

/** Lists every worker, this machine included. */
export const listWorkers = action(
  { summary: 'List the workers; this machine is the one with the id local', input: Paging, output: listOf(WorkerRow) },
  (ctx, paging) => pageOf(workerRows(ctx), paging),
);

/** One worker. Throws `not_found`. */
export const showWorker = action({ summary: 'Show one worker', input: ById, output: WorkerRow }, (ctx, { id }) =>
  workerRow(ctx, id),
);

/** Adds a worker. Throws `worker_unreachable`, or `conflict` for one that is there already. */
export const addWorker = action(
  {
    summary: 'Add a worker over SSH; until its host key is confirmed it gets no work',
    input: z.object({
      kind: z.literal('ssh').default('ssh'),
      name: z.string().trim().max(60).default(''),
      host: Host,
      port: z.int().min(1).max(65_535).default(22),
      username: User,
      auth: Auth,
      hostKey: z.string().trim().optional(),
      scratchDir: Folder.default(''),
      slots: Slots.default(1),
      tags: Tags.default([]),
      pathMappings: Paths.default([]),
    }),
    output: WorkerRow,
  },
  async (ctx, { auth, hostKey, name, pathMappings, ...draft }) => {
    const { id } = await ctx.fleet.add(
      {
        ...draft,
        name: name || draft.host,
        hostKey: hostKey === undefined || hostKey === '' ? null : hostKey,
        pathMappings: pathMappings.map(unproved),
        ...{ hours: [], maxMbps: null, isPaused: false, isDraining: false, disabledReason: null, failuresInRow: 0 },
        ...{ capabilities: null, line: null, lastSeenAt: null },
      },
      await toKey(ctx, auth),
    );
    return workerRow(ctx, id);
  },
);

const unproved = (path: { here: string; there: string }): WorkerPath => ({ ...path, provedAt: null, problem: null });

const Change = ById.extend({
  name: Name.optional(),
  host: Host.optional(),
  port: z.int().min(1).max(65_535).optional(),
  username: User.optional(),
  /** Left out, or `keep`: MediaFlow gets in as before. */
  auth: z.union([z.object({ kind: z.literal('keep') }), Auth]).optional(),
  scratchDir: Folder.optional(),
  slots: Slots.optional(),
  tags: Tags.optional(),
  pathMappings: Paths.optional(),
  hours: Hours.optional(),
  maxMbps: MaxMbps.optional(),
});

/** Fields that only a worker with an address has. */
const OF_REMOTE = ['host', 'port', 'username', 'auth', 'scratchDir', 'pathMappings', 'maxMbps'] as const;

/** Changes what is sent, leaves the rest. Throws `not_found`, `invalid` for a field that this kind of worker has not, `worker_unreachable`. */
export const changeWorker = action(
  { summary: 'Change a worker; what is left out stays as it is', input: Change, output: WorkerRow },
  async (ctx, { id, ...sent }) => {
    const { kind, name } = ctx.store.workers.get(id);
    const wrong = ABILITIES[kind].isRemote ? [] : OF_REMOTE.filter((field) => sent[field] !== undefined);
    if (wrong.length > 0)
      throw invalid(
        `${name} is the machine MediaFlow runs on: it has no address, no key and no shared folders. Its work folder is a setting of the queue.`,
        Object.fromEntries(wrong.map((field) => [field, 'cannot be set for this machine'])),
      );
    const { auth, pathMappings, ...rest } = sent;
    const change = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const before = pathMappings === undefined ? [] : ctx.fleet.remote(id).pathMappings;
    const proved = (path: { here: string; there: string }): WorkerPath =>
      before.find(({ here, there }) => here === path.here && there === path.there) ?? unproved(path);
    const key = auth === undefined || auth.kind === 'keep' ? undefined : await toKey(ctx, auth);
    await ctx.fleet.change(
      id,
      { ...change, ...(pathMappings === undefined ? {} : { pathMappings: pathMappings.map(proved) }) },
      key,
    );
    if (pathMappings?.some((path) => proved(path).provedAt === null))
      // What does not work stands beside the folder; a worker that is away is asked when it is back.
      await ctx.fleet.measurements.paths(id).catch(() => undefined);
    const what = [...Object.keys(change), ...(key ? ['key'] : []), ...(pathMappings ? ['pathMappings'] : [])];
    await note(ctx, `change worker (${what.join(', ')})`, id);
    return workerRow(ctx, id);
  },
);

const note = async ({ store }: Context, what: string, id: string): Promise<void> => {
  await store.audit.append({ who: 'owner', action: what, object: store.workers.find(id)?.name ?? id });
};

/** Forgets a worker and how to get in. Throws `not_found`, or `conflict` while it encodes. */
export const removeWorker = action(
  { summary: 'Remove a worker', input: ById, output: z.object({ id: z.string(), name: z.string() }) },
  async (ctx, { id }) => {
    const { kind } = ctx.store.workers.get(id);
    if (!ABILITIES[kind].removable)
      throw conflict('This machine is always in the list. Pause it, or give it 0 slots, and it encodes nothing.');
    const lies = whatLiesOn(ctx, id);
    if (lies !== null) throw conflict(lies);
    const { name } = await ctx.fleet.remove(id);
    return { id, name };
  },
);

/** The owner's yes to the host key that was seen. Throws `invalid` for another one. */
export const confirmWorker = action(
  {
    summary: 'Confirm the host key of a worker, as it was compared on the machine itself',
    input: ById.extend({ hostKey: z.string().trim().min(1, 'Send the fingerprint that was compared') }),
    output: WorkerRow,
  },
  async (ctx, { id, hostKey }) => {
    await ctx.fleet.confirm(id, hostKey);
    return workerRow(ctx, id);
  },
);

const switching = (
  summary: string,
  what: string,
  change: { isPaused: boolean; isDraining: boolean },
): ReturnType<typeof action<typeof ById, typeof WorkerRow>> =>
  action({ summary, input: ById, output: WorkerRow }, async (ctx, { id }) => {
    await ctx.fleet.change(id, change);
    await note(ctx, what, id);
    return workerRow(ctx, id);
  });

/** Gives it nothing new until it is resumed; what runs there goes on. */
export const pauseWorker = switching('Pause a worker: it gets nothing new', 'pause worker', {
  isPaused: true,
  isDraining: false,
});
/** Lets it finish what it has, then stand still. */
export const drainWorker = switching('Let a worker finish what it has and take nothing new', 'drain worker', {
  isPaused: false,
  isDraining: true,
});
/** Takes pause and drain back. */
export const resumeWorker = switching('Let a paused or draining worker work again', 'resume worker', {
  isPaused: false,
  isDraining: false,
});

/** Puts a worker that was taken out of service back. */
export const enableWorker = action(
  { summary: 'Return a worker to service', input: ById, output: WorkerRow },
  async (ctx, { id }) => {
    await ctx.fleet.enable(id);
    await note(ctx, 'enable worker', id);
    return workerRow(ctx, id);
  },
);

const Parts = z
  .union([z.string(), z.array(z.string())])
  .default('reach,encode')
  .transform((given) => [given].flat().flatMap((text) => text.split(',')))
  .pipe(z.array(z.enum(PARTS)).min(1));

/** Looks whether a worker is there and has what it needs. What fails is an answer, not an error. Throws `not_found`. */
export const testWorker = action(
  {
    summary: 'Test a worker: everything it needs in order, and how to fix what is missing',
    input: ById.extend({
      /** `reach`, `encode`, `line`; the last one moves some megabytes. */
      parts: Parts,
      /** A page that asks for one part after the other. */
      chain: z.literal('yes').optional(),
    }),
    output: z.object({
      id: z.string(),
      name: z.string(),
      can: WorkerAbilities,
      ok: z.boolean(),
      checks: z.array(WorkerCheck),
      /** What a page asks for next; null at the end. */
      next: z.enum(PARTS).nullable(),
    }),
  },
  async (ctx, { id, parts, chain }) => {
    const checks = await checksOf(ctx, id, parts);
    const { name, can } = workerRow(ctx, id);
    const hasMore = chain === 'yes' && can.isRemote;
    const ok = checks.every((check) => check.ok === true);
    const last = Math.max(...parts.map((part) => PARTS.indexOf(part)));
    const next: Part | null = hasMore && ok ? (PARTS[last + 1] ?? null) : null;
    const rest = hasMore && !ok ? PARTS.slice(last + 1).flatMap(notTriedIn) : [];
    return { id, name, can, ok, checks: [...checks, ...rest], next };
  },
);

/** Finds out anew what a worker is and can encode. Throws what keeps it from answering. */
export const probeWorker = action(
  { summary: 'Probe a worker: processor, graphics, memory, disk, ffmpeg and real test encodes', input: ById, output: Capabilities },
  (ctx, { id }) => ctx.fleet.measurements.probe(id),
); // prettier-ignore

/** Measures how fast files get there and back. Throws what keeps it from answering. */
export const benchmarkWorker = action(
  { summary: 'Measure the bandwidth to a worker', input: ById, output: WorkerRow },
  async (ctx, { id }) => {
    if (!workerRow(ctx, id).can.isRemote)
      throw conflict('Nothing is sent to this machine, so there is no bandwidth to measure.');
    await ctx.fleet.measurements.line(id);
    return workerRow(ctx, id);
  },
);

/** Measures how many pictures each encoder makes in a second. Throws `conflict` while it encodes, and what keeps it from answering. */
export const measureSpeed = action(
  { summary: 'Measure the speed of every encoder of a worker with a generated film', input: ById, output: WorkerRow },
  async (ctx, { id }) => {
    const { name } = workerRow(ctx, id);
    const speeds = await ctx.fleet.measurements.speeds(id);
    if (speeds.length === 0) throw conflict(`Not one encoder of ${name} works. Test it again, which says why.`);
    return workerRow(ctx, id);
  },
);

/** The last ten minutes of a worker, oldest first. Throws `not_found`. */
export const showMetrics = action(
  { summary: 'The measurements of a worker in the last ten minutes', input: ById, output: z.object({ items: z.array(Metrics) }) },
  (ctx, { id }) => ({ items: [...historyOf(ctx, id)] }),
); // prettier-ignore
