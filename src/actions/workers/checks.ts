import { z } from 'zod';
import { toAppError, type AppError } from '../../domain/errors.js';
import { ABILITIES, type Capabilities, type EncoderSupport } from '../../domain/workers/worker.js';
import { formatBytes, formatLineSpeed } from '../../lib/units.js';
import type { Context } from '../action.js';
import { authorizeCommand, ownKey, quoted, sealedKey } from './credentials.js';

const CHECKS = ['reach', 'signIn', 'folder', 'ffmpeg', 'encode', 'line', 'paths'] as const;
type CheckId = (typeof CHECKS)[number];

const TITLES: Readonly<Record<CheckId, string>> = {
  reach: 'Reachable',
  signIn: 'Signed in',
  folder: 'Work folder',
  ffmpeg: 'ffmpeg',
  encode: 'Test encodes',
  line: 'Line',
  paths: 'Shared folders',
};

/** One thing that a worker needs, in the order in which they can be looked at. */
export const WorkerCheck = z.object({
  id: z.enum(CHECKS),
  title: z.string(),
  /** Null: it could not be looked at, because something before it failed. */
  ok: z.boolean().nullable(),
  detail: z.string(),
  /** What to do about it, and what to type on which machine. */
  fix: z.object({ text: z.string(), commands: z.array(z.string()) }).nullable(),
});
export type WorkerCheck = z.infer<typeof WorkerCheck>;

/** What can be looked at by itself; `line` moves some megabytes. */
export const PARTS = ['reach', 'encode', 'line'] as const;
export type Part = (typeof PARTS)[number];

const IN: Readonly<Record<Part, readonly CheckId[]>> = {
  reach: ['reach', 'signIn'],
  encode: ['folder', 'ffmpeg', 'encode'],
  line: ['line'],
};
/** Longer than the test encodes of any machine take. Milliseconds. */
const TEST_MS = 300_000;
/** Less than this carries no film in good time. Megabits in a second. */
const SLOW_MBPS = 50;

interface Address {
  name: string;
  host: string;
  port: number;
  username: string;
  scratchDir: string;
}
type Fix = WorkerCheck['fix'];

/** Looks at a worker, part after part; what comes after a failure is not looked at. Throws `not_found`. */
export async function checksOf(ctx: Context, id: string, parts: readonly Part[]): Promise<WorkerCheck[]> {
  const wanted = PARTS.filter((part) => parts.includes(part));
  if (!ABILITIES[ctx.fleet.get(id).worker.kind].isRemote) return localChecks(ctx, id);
  const worker = ctx.fleet.remote(id);
  const checks = new Map<CheckId, WorkerCheck>();
  for (const part of wanted) {
    const isOver = [...checks.values()].some(({ ok }) => ok !== true);
    for (const check of isOver ? [] : await LOOK[part](ctx, worker)) checks.set(check.id, check);
    for (const check of IN[part]) if (!checks.has(check)) checks.set(check, notTried(check));
  }
  return [...checks.values()];
}

/** What nobody looked at because something before it failed. */
export const notTriedIn = (part: Part): WorkerCheck[] => IN[part].map((id) => notTried(id));

const notTried = (id: CheckId): WorkerCheck => ({
  id,
  title: TITLES[id],
  ok: null,
  detail: 'Not tried yet',
  fix: null,
});
const good = (id: CheckId, detail: string): WorkerCheck => ({ id, title: TITLES[id], ok: true, detail, fix: null });
const bad = (id: CheckId, detail: string, fix: Fix): WorkerCheck => ({ id, title: TITLES[id], ok: false, detail, fix });

const LOOK: Readonly<Record<Part, (ctx: Context, worker: Address & { id: string }) => Promise<WorkerCheck[]>>> = {
  async reach(ctx, worker) {
    if (ctx.fleet.remote(worker.id).seenHostKey !== null)
      return [bad('reach', 'Its host key is not confirmed yet.', KEY_FIX)];
    try {
      await ctx.fleet.measurements.load(worker.id);
      return reached(worker);
    } catch (error) {
      return refused(ctx, worker, toAppError(error));
    }
  },

  async encode(ctx, worker) {
    try {
      return probed(worker, (await untilTested(ctx, worker.id)) ?? (await ctx.fleet.measurements.probe(worker.id)));
    } catch (error) {
      const known = toAppError(error);
      if (known.code !== 'worker_unavailable' && known.code !== 'no_space') return refused(ctx, worker, known);
      // Without a work folder nothing is tried; everything else that is said there is about ffmpeg.
      const isFolder = known.code === 'no_space' || known.message.includes('work folder');
      if (isFolder) return [bad('folder', known.message, folderFix(worker))];
      return [good('folder', 'It can be written to'), bad('ffmpeg', known.message, ffmpegFix(worker))];
    }
  },

  async line(ctx, worker) {
    try {
      const { upMbps, downMbps, latencyMs } = await ctx.fleet.measurements.line(worker.id);
      const slow = Math.min(upMbps, downMbps) < SLOW_MBPS ? '. Films take long over such a connection; a shared folder avoids the transfer' : '';
      return [good('line', `${formatLineSpeed(upMbps)} up, ${formatLineSpeed(downMbps)} down, ${latencyMs} ms${slow}`), ...(await sharedOn(ctx, worker))];
    } catch (error) {
      return [bad('line', toAppError(error).message, { text: 'Check the network between the two, then measure again.', commands: [] })];
    }
  },
}; // prettier-ignore

/** The folders that both machines see, tried anew; nothing where there are none. */
async function sharedOn(ctx: Context, { id, name, username }: Address & { id: string }): Promise<WorkerCheck[]> {
  if (ctx.fleet.remote(id).pathMappings.length === 0) return [];
  const folders = await ctx.fleet.measurements.paths(id);
  const wrong = folders.find(({ problem }) => problem !== null);
  if (!wrong) return [good('paths', folders.map(({ here, there }) => `${here} is ${there} there`).join(', '))];
  return [
    bad('paths', wrong.problem ?? '', {
      text: `Both must see the same folder and be able to write to it. Until then its films are transferred. Check it on ${name}, as ${username}.`,
      commands: [`ls -ld ${quoted(wrong.there)} && df -h ${quoted(wrong.there)}`],
    }),
  ];
}

/** A machine that was just met is being tested already; what comes out of that is not asked for twice. Null for others. */
async function untilTested({ fleet, bus }: Context, id: string): Promise<Capabilities | null> {
  const isTested = (): boolean => !fleet.list().some(({ worker, state }) => worker.id === id && state === 'checking');
  if (isTested() || fleet.get(id).worker.capabilities !== null) return null;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, TEST_MS);
    const forget = bus.on('worker.changed', ({ ids }) => {
      if (ids.includes(id) && isTested()) end();
    });
    function end(): void {
      clearTimeout(timer);
      forget();
      resolve();
    }
  });
  return fleet.get(id).worker.capabilities;
}

const reached = ({ host, port, username }: Address): WorkerCheck[] => [
  good('reach', `${host} answers on port ${port}`),
  good('signIn', `${host} lets ${username} in`),
];

const KEY_FIX: Fix = {
  text: 'Compare its host key on the card of this worker before anything else.',
  commands: [],
};

/** Nobody answers, or nobody lets us in. */
function refused(ctx: Context, worker: Address & { id: string }, error: AppError): WorkerCheck[] {
  const { host, port, username } = worker;
  if (error.code === 'worker_host_key')
    return [
      bad('reach', error.message, KEY_FIX),
    ]; // prettier-ignore
  if (error.code === 'worker_unauthorized')
    return [good('reach', `${host} answers on port ${port}`), bad('signIn', error.message, signInFix(ctx, worker))];
  if (error.code === 'worker_unavailable' && !error.message.includes('cannot be used'))
    return [
      ...reached(worker),
      bad('folder', error.message, {
        text: `MediaFlow needs an ordinary shell there. Log in as ${username} and look what it says.`,
        commands: [`ssh -p ${port} ${quoted(`${username}@${host}`)} 'uname -a; command -v xargs sh'`],
      }),
    ];
  return [bad('reach', error.message, reachFix(worker))];
}

const reachFix = ({ host, port }: Address): Fix => ({
  text: 'Is it switched on and in the same network? SSH has to run there. Address and port can be changed in its settings.',
  commands: [`nc -vz ${quoted(host)} ${port}`, 'sudo systemctl enable --now ssh'],
});

function signInFix(ctx: Context, { id, name, host, port, username }: Address & { id: string }): Fix {
  const key = sealedKey(ctx, id);
  if (key?.kind === 'password')
    return {
      text: `Try the password by hand. Many servers accept keys only; then give this worker a key in its settings.`,
      commands: [`ssh -p ${port} ${quoted(`${username}@${host}`)}`],
    };
  if (key?.kind === 'agent')
    return { text: 'The agent that MediaFlow was started with must hold a key that is accepted there.', commands: ['ssh-add -l'] };
  const own = ownKey(ctx);
  const isOwn = own !== null && key?.kind === 'key' && key.privateKey === own.privateKey;
  if (!isOwn)
    return {
      text: `The public half of the key must be in ~/.ssh/authorized_keys of ${username} on ${name}. If the key has a passphrase, enter it beside the key in the settings of this worker.`,
      commands: ['cat ~/.ssh/authorized_keys'],
    };
  return { text: `Run this on ${name}, as ${username}, then try again.`, commands: [authorizeCommand(own.publicKey)] };
} // prettier-ignore

const folderFix = ({ scratchDir, username }: Address): Fix => {
  const folder = scratchDir === '' ? '' : quoted(scratchDir);
  return {
    text: `${username} must be able to write there, with enough free space for a film. You can choose another folder in the settings of this worker.`,
    commands: folder === '' ? ['df -h ~'] : [`sudo mkdir -p ${folder} && sudo chown ${quoted(username)} ${folder}`, `df -h ${folder}`],
  };
}; // prettier-ignore

const ffmpegFix = ({ name, username }: Address): Fix => ({
  text: `MediaFlow can install it: the button is on the page of ${name}. To install it by hand, use one of these, so that ${username} finds it without a terminal:`,
  commands: ['sudo apt install ffmpeg', 'sudo dnf install ffmpeg', 'brew install ffmpeg'],
});

function probed(worker: Address, { ffmpegVersion, encoders, scratchFreeBytes }: Capabilities): WorkerCheck[] {
  const folder = good('folder', `${formatBytes(scratchFreeBytes)} free`);
  if (ffmpegVersion === null)
    return [folder, bad('ffmpeg', `There is no ffmpeg on ${worker.name}.`, ffmpegFix(worker))];
  return [folder, good('ffmpeg', `Version ${ffmpegVersion}`), encoded(encoders)];
}

function encoded(encoders: readonly EncoderSupport[]): WorkerCheck {
  const working = encoders.filter(({ works }) => works);
  if (working.length === 0)
    return bad('encode', encoders.find(({ error }) => error !== null)?.error ?? 'Not one encoder works.', {
      text: 'This ffmpeg was built without the encoders that films need. Install a full build.',
      commands: ['ffmpeg -hide_banner -encoders'],
    });
  const names = working.map(({ name, tenBit }) => `${name} in ${tenBit ? '8 and 10 bit' : '8 bit'}`);
  return good('encode', names.join(', '));
}

async function localChecks(ctx: Context, id: string): Promise<WorkerCheck[]> {
  try {
    const { ffmpegVersion, encoders } = await ctx.fleet.measurements.probe(id);
    return [good('ffmpeg', `Version ${ffmpegVersion ?? ''}`), encoded(encoders)];
  } catch (error) {
    const fix = { text: 'Install ffmpeg beside MediaFlow, or say where it is with MEDIAFLOW_FFMPEG.', commands: [] };
    return [bad('ffmpeg', toAppError(error).message, fix), notTried('encode')];
  }
}
