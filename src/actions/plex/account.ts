import { z } from 'zod';
import { AppError, notFound, toAppError } from '../../domain/errors.js';
import type { SignIn } from '../../domain/plex/account.js';
import { action, type Context } from '../action.js';
import { connect, PlexIdentity, ServerUrl } from './plex.js';

const Pin = z.object({
  id: z.string(),
  state: z.enum(['waiting', 'approved', 'denied', 'expired']),
  /** The page of plex.tv on which the owner signs in. */
  authUrl: z.string(),
  expiresAt: z.string(),
  /** What is in the way, or what to do now; null when there is nothing to say. */
  message: z.string().nullable(),
});

const ADVICE: Partial<Record<SignIn['state'], string>> = {
  denied: 'The sign-in was refused or cancelled on plex.tv. Sign in again if that was not meant.',
  expired:
    'The sign-in was not finished in time. Sign in again; the page of plex.tv stays open for a quarter of an hour.',
};

const toPin = ({ id, state, authUrl, expiresAt, trouble }: SignIn): z.infer<typeof Pin> => ({
  id,
  state,
  authUrl,
  expiresAt,
  message: trouble ?? ADVICE[state] ?? null,
});

/** Looks at a sign-in, and keeps what it gave us before anybody hears of it. */
async function look({ plexTv, store, bus, log }: Context, id?: string): Promise<SignIn | null> {
  const signIn = await plexTv.findSignIn(id);
  if (signIn?.state === 'approved' && signIn.token !== null) {
    await store.secrets.set('accountToken', signIn.token);
    plexTv.settleSignIn(signIn.id);
    await store.audit.append({ who: 'owner', action: 'sign in with Plex', object: 'plex.tv' });
    log.info('Signed in with Plex');
    bus.emit('settings.changed', {});
  }
  return signIn;
}

/** Asks plex.tv for a code. Throws a `plex_*` code that says what to do. */
export const startSignIn = action(
  { summary: 'Begin to sign in with Plex', input: z.object({}), output: Pin },
  async ({ plexTv }) => toPin(await plexTv.beginSignIn()),
);

/** Whether the owner has signed in on plex.tv meanwhile. Throws `not_found` for a code of somebody else, or of before a restart. */
export const showSignIn = action(
  {
    summary: 'Show the progress of the sign-in with Plex',
    input: z.object({ id: z.string().min(1).max(40) }),
    output: Pin,
  },
  async (ctx, { id }) => {
    const signIn = await look(ctx, id);
    if (signIn === null) throw notFound('sign-in', id);
    return toPin(signIn);
  },
);

/** Forgets the account. The server stays connected. */
export const signOutOfPlex = action(
  { summary: 'Sign out of Plex; the server stays connected', input: z.object({}), output: z.object({}) },
  async ({ store, bus }) => {
    await store.secrets.remove('accountToken');
    await store.audit.append({ who: 'owner', action: 'sign out of Plex', object: 'plex.tv' });
    bus.emit('settings.changed', {});
    return {};
  },
);

const Kind = z.enum(['local', 'remote', 'relay']);
const Server = z.object({
  serverId: z.string(),
  name: z.string(),
  version: z.string(),
  isOwned: z.boolean(),
  sharedBy: z.string().nullable(),
  isOnline: z.boolean(),
  /** Whether MediaFlow is connected to it. */
  isCurrent: z.boolean(),
  /** The connection that would be taken; null when none works from here. */
  best: z.object({ url: z.string(), kind: Kind }).nullable(),
  connections: z.array(z.object({ url: z.string(), kind: Kind, works: z.boolean(), reason: z.string().nullable() })),
});
const Found = z.object({
  account: z.object({ name: z.string(), hasPlexPass: z.boolean() }),
  items: z.array(Server),
});

/** The account's token. Throws `conflict` when nobody signed in. */
function accountToken({ store }: Context): string {
  const token = store.secrets.find('accountToken');
  if (token === null) throw new AppError('conflict', 'Sign in with Plex first.');
  return token;
}

/** Asks with the account's token, which is forgotten once plex.tv itself says that it is worth nothing. */
async function withAccount<T>(ctx: Context, ask: (token: string) => Promise<T>): Promise<T> {
  const token = accountToken(ctx);
  try {
    return await ask(token);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    // Only the account itself is a judge of its token.
    const isRevoked = await ctx.plexTv.account(token).then(() => false, isUnauthorized);
    if (isRevoked) {
      ctx.log.warn('plex.tv no longer accepts our sign-in');
      await ctx.store.secrets.remove('accountToken');
    }
    throw error;
  }
}

const isUnauthorized = (error: unknown): boolean => toAppError(error).code === 'plex_unauthorized';

async function find(ctx: Context): Promise<z.infer<typeof Found>> {
  const { account, servers } = await withAccount(ctx, async (token) => {
    const [account, servers] = await Promise.all([ctx.plexTv.account(token), ctx.plexTv.servers(token)]);
    return { account, servers };
  });
  const connected = ctx.store.servers.ids();
  const items = await Promise.all(
    servers.map(async (server) => {
      const connections = await ctx.plexTv.tryConnections(server);
      const { serverId, name, version, isOwned, sharedBy, isOnline } = server;
      return {
        ...{ serverId, name, version, isOwned, sharedBy, isOnline },
        isCurrent: connected.includes(serverId),
        best: connections.find(({ works }) => works) ?? null,
        connections,
      };
    }),
  );
  return { account, items };
}

/** Lists the servers of the account with every address, tried from here. Throws `conflict` before the sign-in, or a `plex_*` code. */
export const findServers = action(
  { summary: 'Find the servers of the Plex account and try their addresses', input: z.object({}), output: Found },
  find,
);

/**
 * Connects one of the account's servers: at the best address that works, or at the one given. Whoever answers there has to
 * be that server before it gets a token. Throws `conflict` before the sign-in, `not_found`, or a `plex_*` code; nothing is
 * kept then.
 */
export const chooseServer = action(
  {
    summary: 'Connect one of the servers of the Plex account',
    input: z.object({ serverId: z.string().min(1).max(200), url: ServerUrl.optional() }),
    output: PlexIdentity.extend({ url: z.string(), kind: Kind }),
  },
  async (ctx, { serverId, url: given }) => {
    const servers = await withAccount(ctx, (token) => ctx.plexTv.servers(token));
    const server = servers.find((candidate) => candidate.serverId === serverId);
    if (!server) throw notFound('server of this account', serverId);
    const { settings, servers: known } = ctx.store;
    const isFirst = known.firstId === '' || known.firstId === serverId;
    const isLocked = settings.locked['plex.url'] !== undefined && isFirst;
    const fixed = isLocked ? settings.value.plex.url : given;
    const tried = fixed === undefined ? await ctx.plexTv.tryConnections(server) : [];
    const best = fixed === undefined ? tried.find(({ works }) => works) : { url: fixed, kind: 'local' as const };
    if (!best) {
      throw new AppError(
        'plex_unreachable',
        `None of the addresses of ${server.name} can be reached from here. Enter one that this machine reaches, such as http://192.168.1.10:32400.`,
      );
    }
    const kind = server.connections.find((connection) => connection.url === best.url)?.kind ?? best.kind;
    const identity = await connect(ctx, {
      url: best.url,
      token: server.accessToken,
      serverId,
      isOwned: server.isOwned,
    });
    return { ...identity, url: best.url, kind };
  },
);

/** What the pages that connect Plex show of the account. */
export const PlexConnect = z.object({
  /** The sign-in under way or the last one; null when there is none to speak of. */
  pin: Pin.nullable(),
  isSignedIn: z.boolean(),
  found: Found.nullable(),
  /** Why the servers could not be found. */
  trouble: z.string().nullable(),
});

/** The state of the account for a page. With `find` its servers are looked for, which may take some seconds. Never throws for Plex's sake. */
export async function plexConnect(ctx: Context, wantsServers: boolean): Promise<z.infer<typeof PlexConnect>> {
  const signIn = await look(ctx);
  const pin = signIn === null || signIn.state === 'approved' ? null : toPin(signIn);
  const isSignedIn = (): boolean => ctx.store.secrets.find('accountToken') !== null;
  if (!wantsServers || !isSignedIn()) return { pin, isSignedIn: isSignedIn(), found: null, trouble: null };
  try {
    return { pin: null, isSignedIn: true, found: await find(ctx), trouble: null };
  } catch (error) {
    return { pin: null, isSignedIn: isSignedIn(), found: null, trouble: toAppError(error).message };
  }
}
