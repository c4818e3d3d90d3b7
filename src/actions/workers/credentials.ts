import { z } from 'zod';
import { WorkerKey } from '../../domain/workers/worker.js';
import { action, type Context } from '../action.js';

/** Under a name that `workerIdFor` gives to no worker. */
const OWN = 'worker:own-key';

const KeyPair = z.object({ privateKey: z.string(), publicKey: z.string() });

/** How a caller says that MediaFlow gets in. `own`: with the key that MediaFlow made. */
export const Auth = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('key'),
    privateKey: z.string().max(20_000).refine((text) => text.trim() !== '', 'Paste the private key'),
    passphrase: z.string().max(1000).optional(),
  }),
  z.object({ kind: z.literal('password'), password: z.string().min(1, 'Enter the password').max(1000) }),
  z.object({ kind: z.literal('agent') }),
  z.object({ kind: z.literal('own') }),
]); // prettier-ignore
export type Auth = z.infer<typeof Auth>;

/** The key pair that MediaFlow made, or null. */
export function ownKey({ store }: Context): z.infer<typeof KeyPair> | null {
  const sealed = store.secrets.find(OWN);
  return sealed === null ? null : KeyPair.parse(JSON.parse(sealed));
}

/** How MediaFlow gets into a worker; null when that is not known. Never to be answered to anybody. */
export function sealedKey({ store }: Context, id: string): WorkerKey | null {
  const sealed = store.secrets.find(`worker:${id}`);
  return sealed === null ? null : WorkerKey.parse(JSON.parse(sealed));
}

async function makeOwnKey(ctx: Context): Promise<z.infer<typeof KeyPair>> {
  const known = ownKey(ctx);
  if (known) return known;
  const made = await ctx.newKey();
  await ctx.store.secrets.set(OWN, JSON.stringify(made));
  await ctx.store.audit.append({ who: 'owner', action: 'make key', object: 'for workers' });
  return made;
}

/** What is kept for an answer to "how do I get in?". MediaFlow's own key is made when it is first needed. */
export async function toKey(ctx: Context, auth: Auth): Promise<WorkerKey> {
  if (auth.kind === 'own') return { kind: 'key', privateKey: (await makeOwnKey(ctx)).privateKey };
  if (auth.kind !== 'key') return auth;
  const { passphrase = '' } = auth;
  // A form sends the line ends of another system, and what was marked by hand lacks the last one.
  const privateKey = `${auth.privateKey.replaceAll('\r\n', '\n').trim()}\n`;
  return { kind: 'key', privateKey, ...(passphrase === '' ? {} : { passphrase }) };
}

/** Makes the key pair with which MediaFlow signs in to workers that have none of their own; one that is there stays. */
export const makeKey = action(
  {
    summary: 'Make a key for signing in to workers, or show the public half of the one there is',
    input: z.object({}),
    output: z.object({ publicKey: z.string(), authorize: z.string() }),
  },
  async (ctx) => {
    const { publicKey } = await makeOwnKey(ctx);
    return { publicKey, authorize: authorizeCommand(publicKey) };
  },
);

/** What lets a public key in, typed on the machine itself. */
export const authorizeCommand = (publicKey: string): string =>
  `mkdir -p ~/.ssh && chmod 700 ~/.ssh && echo ${quoted(publicKey)} >> ~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys`;

/** One word for a Unix shell, whatever is in it. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
