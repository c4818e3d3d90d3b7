import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { NewPassword } from '../../domain/access/access.js';
import { AppError, conflict, invalid } from '../../domain/errors.js';
import { PathProof } from '../../domain/settings/path-proof.js';
import { codecName } from '../../domain/labels.js';
import { encoderNamed, isHardwareEncoder } from '../../domain/presets/encoders.js';
import type { WorkerHealth } from '../../domain/jobs/executor.js';
import type { Settings } from '../../domain/settings/settings.js';
import { action, type Context } from '../action.js';
import { LOCAL_WORKER_ID, Slots } from '../../domain/workers/worker.js';
import { withMachines } from '../workers/remote-paths.js';
import { connect, ServerUrl } from '../plex/plex.js';
import { ProvedMapping, suggestMappings, wrongFolders } from './path-suggestions.js';
import { chooseServer, plexConnect, PlexConnect } from '../plex/account.js';
import { Origin, webhookUrl } from '../plex/webhooks.js';

const Step = z.enum(['token', 'admin', 'plex', 'paths', 'worker', 'safety', 'ready']);
type Step = z.infer<typeof Step>;
type Reached = NonNullable<Settings['setup']['reached']>;
const Next = z.object({ step: Step });

/** Whether the owner got through the setup, or was connected without it: by the environment, or by the settings. */
export const isSetUp = ({ store }: Context): boolean => {
  const { setup, plex } = store.settings.value;
  const isConnected = plex.url !== '' && store.secrets.find('plexToken') !== null;
  return setup.finishedAt !== null || (isConnected && setup.reached === null);
};

/** Throws `conflict` once the setup is done. */
function mustBeOpen(ctx: Context): void {
  if (ctx.store.settings.value.setup.finishedAt !== null)
    throw conflict('The setup is done. Change this on the pages of the settings.');
}

/** Remembers how far the owner came, so that the setup opens there again. */
async function reach({ store, bus }: Context, step: Reached): Promise<void> {
  const { finishedAt, reached } = store.settings.value.setup;
  const isFurther = reached === null || Step.options.indexOf(step) > Step.options.indexOf(reached);
  if (finishedAt === null && isFurther) await store.settings.change({ setup: { reached: step } });
  bus.emit('settings.changed', {});
}

function firstOpenStep({ access, store }: Context): Step {
  if (!access.hasPassword) return 'admin';
  if (store.settings.value.plex.url === '' || store.secrets.find('plexToken') === null) return 'plex';
  const { setup, paths } = store.settings.value;
  if (paths.mappings.length === 0 || setup.reached === 'paths') return 'paths';
  return setup.reached ?? 'worker';
}

const WorkerReport = z.object({
  ffmpegVersion: z.string().nullable(),
  encoders: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      works: z.boolean(),
      tenBit: z.boolean(),
      error: z.string().nullable(),
    }),
  ),
  /** What is in the way; null when an encoder works. */
  trouble: z.string().nullable(),
});

/** `HEVC`, or `HEVC on the graphics card`. */
function titleOf(name: string): string {
  const known = encoderNamed(name);
  if (!known) return name;
  const codec = codecName(known.codec);
  return known.hardware === null ? codec : `${codec} on the graphics card`;
}

function toReport(health: WorkerHealth): z.infer<typeof WorkerReport> {
  if (!health.ok) return { ffmpegVersion: null, encoders: [], trouble: health.reason };
  // What a graphics card does not do is no news to somebody who has none.
  const shown = health.encoders.filter(({ name, works }) => works || !isHardwareEncoder(name));
  const encoders = shown.map((encoder) => ({ ...encoder, title: titleOf(encoder.name) }));
  const isUsable = encoders.some(({ works }) => works);
  const trouble = isUsable
    ? null
    : 'This ffmpeg has no encoder that works. Install the one of your system, or set MEDIAFLOW_FFMPEG.';
  return { ffmpegVersion: health.ffmpegVersion, encoders, trouble };
}

/** Asked for before the setup token was given. Throws `conflict` once a password exists. */
export const askSetupToken = action(
  { summary: 'The first page of the setup', input: z.object({}), output: Next },
  ({ access }) => {
    if (access.hasPassword) throw conflict('MediaFlow is set up. Sign in instead.');
    return { step: 'token' as const };
  },
);

/** Throws `unauthorized` for a wrong token, and always once a password exists. */
export const enterSetupToken = action(
  { summary: 'Show that this machine is yours', input: z.object({ token: z.string().max(200) }), output: Next },
  ({ access, log }, { token }) => {
    if (!access.checkSetupToken(token)) {
      log.warn('Somebody entered a wrong setup token');
      throw new AppError('unauthorized', 'That is not the setup token. It is in the log of the last start.', {
        fields: { token: 'is not right' },
      });
    }
    return { step: 'admin' as const };
  },
);

/** What the setup page shows: the asked step, as far as those before it are done. */
export const showSetup = action(
  {
    summary: 'Show the progress of the setup',
    input: z.object({
      step: Step.optional().catch(undefined),
      /** Whether to look for the servers of the account, which may take some seconds. */
      find: z.literal('yes').optional().catch(undefined),
      origin: Origin,
    }),
    output: z.object({
      step: Step,
      finishedAt: z.string().nullable(),
      plexUrl: z.string(),
      serverName: z.string(),
      mappings: z.array(ProvedMapping),
      dryRun: z.boolean(),
      webhookUrl: z.string(),
      /** Null but in the step that connects Plex. */
      connect: PlexConnect.nullable(),
      /** What real test encodes on this machine showed; null but in the step about it. */
      worker: WorkerReport.nullable(),
      /** How many films this machine encodes at a time. */
      slots: z.int(),
    }),
  },
  async (ctx, { step: asked, find, origin }) => {
    const { store, access, config } = ctx;
    const open = firstOpenStep(ctx);
    const canGoBack = open !== 'admin' && asked !== undefined && asked !== 'token' && asked !== 'admin';
    const isReached =
      canGoBack &&
      Step.options.indexOf(asked) <= Step.options.indexOf(['plex', 'paths'].includes(open) ? open : 'ready');
    const step = isReached ? asked : open;
    const { plex, queue, safety, setup } = store.settings.value;
    return {
      step,
      finishedAt: setup.finishedAt,
      plexUrl: plex.url,
      serverName: plex.serverName,
      mappings: step === 'paths' ? await suggestMappings(ctx) : [],
      dryRun: safety.dryRun,
      webhookUrl: webhookUrl(config.publicUrl, origin, access.webhookSecret),
      connect: step === 'plex' ? await plexConnect(ctx, find === 'yes') : null,
      worker: step === 'worker' ? toReport(await ctx.checkWorker()) : null,
      slots: queue.concurrency,
    };
  },
);

/** Sets the first password. Throws `conflict` once there is one. */
export const setFirstPassword = action(
  { summary: 'Choose the password', input: z.object({ password: NewPassword }), output: Next },
  async (ctx, { password }) => {
    await ctx.access.setFirstPassword(password);
    await ctx.store.audit.append({ who: 'owner', action: 'choose password', object: 'MediaFlow' });
    return { step: firstOpenStep(ctx) };
  },
);

/** Tries the server and keeps it. Throws a `plex_*` code; nothing is kept then. */
export const setupPlex = action(
  {
    summary: 'Connect Plex in the setup',
    input: z.object({ url: ServerUrl, token: z.string().trim().min(1, 'is missing').max(200) }),
    output: Next.extend({ serverName: z.string() }),
  },
  async (ctx, address) => {
    mustBeOpen(ctx);
    const { name } = await connect(ctx, address);
    await reach(ctx, 'paths');
    return { step: firstOpenStep(ctx), serverName: name };
  },
);

/** The same with a server of the account. Throws like `chooseServer`. */
export const setupServer = action(
  {
    summary: 'Connect one of the servers of the Plex account in the setup',
    input: chooseServer.input,
    output: chooseServer.output,
  },
  async (ctx, choice) => {
    mustBeOpen(ctx);
    const server = await chooseServer(ctx, choice);
    await reach(ctx, 'paths');
    return server;
  },
);

const Pairs = z.array(z.object({ from: z.string().trim(), to: z.string().trim() })).max(100);

/**
 * Proves every local folder, and that files of Plex lie there, then keeps the mappings. Throws `invalid` naming the folders
 * that do not work.
 */
export const setupPaths = action(
  {
    summary: 'Set the path mappings',
    input: z.object({ mappings: Pairs }),
    output: Next.extend({ proofs: z.array(PathProof) }),
  },
  async (ctx, { mappings }) => {
    mustBeOpen(ctx);
    const pairs = withMachines(
      ctx,
      mappings.filter(({ from, to }) => from !== '' && to !== ''),
    );
    if (pairs.length === 0) throw invalid('Enter at least one folder as Plex sees it and as this machine sees it.');
    const relative = pairs.find(({ to }) => !isAbsolute(to));
    if (relative) throw invalid(`${relative.to} must begin with /`, { mappings: 'local folders must begin with /' });
    const proofs = await Promise.all(pairs.map(({ to }) => ctx.verifyPath(to)));
    const broken = proofs.filter(({ message }) => message !== null);
    if (broken.length > 0) {
      const list = broken.map(({ folder, message }) => `${folder}: ${message ?? ''}`);
      throw invalid(list.join(' '), { mappings: 'some folders do not work yet' });
    }
    const wrong = await wrongFolders(ctx, pairs);
    if (wrong.length > 0) throw invalid(wrong.join(' '), { mappings: 'the files are not there' });
    await ctx.store.settings.change({ paths: { mappings: pairs } });
    await reach(ctx, 'worker');
    return { step: 'worker' as const, proofs };
  },
);

/** The owner saw what this machine can encode, and goes on. */
export const setupWorker = action(
  {
    summary: 'Set how many films this machine encodes at a time',
    /** 0: this machine encodes nothing, and leaves that to other workers. */
    input: z.object({ slots: Slots.optional() }),
    output: Next,
  },
  async (ctx, { slots }) => {
    mustBeOpen(ctx);
    if (slots !== undefined) await ctx.fleet.change(LOCAL_WORKER_ID, { slots });
    await reach(ctx, 'safety');
    return { step: 'safety' as const };
  },
);

/** Keeps whether jobs are only planned. */
export const setupSafety = action(
  { summary: 'Choose between dry run and real work', input: z.object({ dryRun: z.boolean() }), output: Next },
  async (ctx, { dryRun }) => {
    mustBeOpen(ctx);
    await ctx.store.settings.change({ safety: { dryRun } });
    await reach(ctx, 'ready');
    return { step: 'ready' as const };
  },
);

/** Ends the setup and answers with the full sync that reads the library: a new one, or one that does the same already. Throws `conflict` while Plex is not connected. */
export const finishSetup = action(
  { summary: 'Finish the setup', input: z.object({}), output: z.object({ runId: z.string() }) },
  async (ctx) => {
    if (firstOpenStep(ctx) === 'admin' || firstOpenStep(ctx) === 'plex') {
      throw conflict('Connect Plex before you finish the setup.');
    }
    await ctx.store.settings.change({ setup: { finishedAt: ctx.now().toISOString() } });
    ctx.bus.emit('settings.changed', {});
    const { runId, done } = ctx.sync.run({ mode: 'full', trigger: 'owner' });
    done.catch((error: unknown) => {
      ctx.log.warn({ err: error }, 'The first sync ended early');
    });
    return { runId };
  },
);
