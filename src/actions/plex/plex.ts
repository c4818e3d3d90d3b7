import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { whyNoServerUrl } from '../../domain/access/address.js';
import { conflict } from '../../domain/errors.js';
import { Section } from '../../domain/library/library.js';
import type { ServerIdentity } from '../../domain/plex/media-server.js';
import { Run } from '../../domain/recommendations/run.js';
import { action, type Context } from '../action.js';
import { withoutEnd } from '../../lib/without-end.js';

/** A server's address: http or https, nothing hidden in it. Kept without a trailing slash. */
export const ServerUrl = z
  .string()
  .trim()
  .max(2000)
  .superRefine((url, check) => {
    const reason = whyNoServerUrl(url);
    if (reason !== null) check.addIssue({ code: 'custom', message: reason });
  })
  .transform((url) => withoutEnd(url, '/'));

/** What a server tells of itself. */
export const PlexIdentity = z.object({
  serverId: z.string(),
  name: z.string(),
  version: z.string(),
  platform: z.string(),
  webhooksEnabled: z.boolean().nullable(),
});

const toServer = ({ machineIdentifier, ...identity }: ServerIdentity): z.infer<typeof PlexIdentity> => ({
  serverId: machineIdentifier,
  name: identity.name,
  version: identity.version,
  platform: identity.platform,
  webhooksEnabled: identity.webhooksEnabled,
});

const Address = z.object({ url: ServerUrl, token: z.string().trim().min(1, 'is missing').max(200) });

/** Asks a server who it is, without storing anything. Throws a `plex_*` code. */
export const testPlex = action(
  { summary: 'Try the address and token of a Plex server', input: Address, output: PlexIdentity },
  async ({ connectPlex }, address) => toServer(await connectPlex(address).identity()),
);

/**
 * Tries a server and keeps its address and token; one beside the first gets a row of its own. With a server's id, no other
 * server gets to see the token. Throws a `plex_*` code and keeps nothing when it does not answer as Plex.
 */
export async function connect(
  ctx: Context,
  address: z.infer<typeof Address> & { serverId?: string; isOwned?: boolean },
): Promise<z.infer<typeof PlexIdentity>> {
  const { store } = ctx;
  const identity = await ctx.connectPlex(address).identity();
  const { firstId, others } = store.servers;
  const isBeside = firstId !== '' && firstId !== identity.machineIdentifier;
  if (isBeside && (store.library.size > 0 || others.size > 0)) await keepBeside(ctx, address, identity);
  else await keepFirst(ctx, address, identity);
  await store.audit.append({ who: 'owner', action: 'connect server', object: identity.name });
  ctx.bus.emit('settings.changed', {});
  return toServer(identity);
}

async function keepFirst({ store }: Context, { url, token }: z.infer<typeof Address>, identity: ServerIdentity) {
  if (store.secrets.find('plexToken') !== token) await store.secrets.set('plexToken', token);
  await store.settings.change({
    plex: { url, serverId: identity.machineIdentifier, serverName: identity.name },
  });
}

/** Its libraries are read at once, or by the sync that comes next. Throws `conflict` when its ids could not be told from another's. */
async function keepBeside(
  { store, sync, now, log }: Context,
  { url, token, isOwned = true }: z.infer<typeof Address> & { isOwned?: boolean },
  { machineIdentifier: id, name }: ServerIdentity,
): Promise<void> {
  const { servers, secrets } = store;
  const isSame = (other: string): boolean => other !== id && other.slice(0, 8) === id.slice(0, 8);
  if (servers.ids().some(isSame)) throw conflict('The id of this server begins like that of another one.');
  // The token first: a server without one would be asked in vain.
  await secrets.set(`plexToken:${id}`, token);
  if (secrets.find(`webhookSecret:${id}`) === null)
    await secrets.set(`webhookSecret:${id}`, randomBytes(24).toString('base64url'));
  const addedAt = servers.others.find(id)?.addedAt ?? now().toISOString();
  await servers.others.put({ id, name, url, isOwned, addedAt });
  sync.run({ mode: 'changed', trigger: 'owner' }).done.catch((error: unknown) => {
    log.warn({ err: error }, 'The first sync of a server ended early');
  });
}

/** Connects a server. Throws a `plex_*` code; nothing is kept then. */
export const connectPlex = action({ summary: 'Connect a Plex server', input: Address, output: PlexIdentity }, connect);

/** Answers at once with the sync that does what was asked: one that runs already, or a new one. */
export const startSync = action(
  {
    summary: 'Read the library from Plex',
    input: z.object({ mode: z.enum(['full', 'changed']).default('changed'), sectionId: z.string().min(1).optional() }),
    output: z.object({ runId: z.string() }),
  },
  ({ sync, log }, { mode, sectionId }) => {
    const { runId, done } = sync.run({ mode, trigger: 'owner', ...(sectionId === undefined ? {} : { sectionId }) });
    done.catch((error: unknown) => {
      log.warn({ err: error }, 'The sync that was asked for ended early');
    });
    return { runId };
  },
);

/** How far the sync is, and how the last one ended. */
export const showSync = action(
  {
    summary: 'Show the state of the sync',
    input: z.object({}),
    output: z.object({
      state: z.enum(['idle', 'running']),
      done: z.int(),
      total: z.int(),
      lastRun: Run.nullable(),
    }),
  },
  ({ sync }) => sync.status(),
);

/** The libraries as the last sync saw them. */
export const listSections = action(
  { summary: 'List the libraries of the server', input: z.object({}), output: z.object({ items: z.array(Section) }) },
  ({ store }) => ({ items: [...store.sections.values()] }),
);

/** Who watches what right now. Throws a `plex_*` code. */
export const listPlaySessions = action(
  {
    summary: 'List what is being played',
    input: z.object({}),
    output: z.object({
      items: z.array(
        z.object({
          ratingKey: z.string(),
          title: z.string(),
          user: z.string(),
          state: z.enum(['playing', 'paused', 'buffering']),
          transcodesVideo: z.boolean(),
        }),
      ),
    }),
  },
  async ({ server }) => ({ items: await server().sessions() }),
);
