import { z } from 'zod';
import { conflict, invalid } from '../../domain/errors.js';
import { isFinished } from '../../domain/jobs/job.js';
import { Section } from '../../domain/library/library.js';
import { action, type Context } from '../action.js';
import { Origin, webhookUrl } from './webhooks.js';

/** A server that MediaFlow reads beside the first one. */
export const ServerBeside = z.object({
  serverId: z.string(),
  name: z.string(),
  url: z.string(),
  isOwned: z.boolean(),
  addedAt: z.string(),
  /** Of the connection over which it sends notifications. */
  liveConnection: z.enum(['off', 'connecting', 'connected']),
  /** Why there is none. */
  trouble: z.string().nullable(),
  /** Takes only events of this server. */
  webhookUrl: z.string().nullable(),
  sections: z.array(Section),
});

/** Every server beside the first, with its libraries. */
export const serversBeside = ({ store, notifications, access, config }: Context, origin: string) =>
  [...store.servers.others.values()].map(({ id: serverId, ...server }): z.infer<typeof ServerBeside> => {
    const { state, lastError } = notifications.status(serverId);
    const secret = access.webhookSecretOf(serverId);
    return {
      serverId,
      ...server,
      liveConnection: state,
      trouble: lastError?.message ?? null,
      webhookUrl: secret === null ? null : webhookUrl(config.publicUrl, origin, secret),
      sections: store.sections.where((section) => section.serverId === serverId),
    };
  });

/** Lists the servers beside the first. */
export const listServersBeside = action(
  {
    summary: 'List the additional Plex servers',
    input: z.object({ origin: Origin }),
    output: z.object({ items: z.array(ServerBeside) }),
  },
  (ctx, { origin }) => ({ items: serversBeside(ctx, origin) }),
);

/**
 * Forgets a server with everything read from it; its files and kept originals are not touched. Throws `not_found`, or
 * `conflict` for the first server and while a job of one of its titles is open.
 */
export const removeServer = action(
  {
    summary: 'Remove an additional Plex server; no file is touched',
    input: z.object({ serverId: z.string().min(1).max(200) }),
    output: z.object({ name: z.string(), titles: z.int() }),
  },
  async (ctx, { serverId }) => {
    const { store, bus } = ctx;
    if (serverId === store.servers.firstId) {
      throw conflict(
        'This is the server MediaFlow was set up with. Only servers that were added later can be removed.',
      );
    }
    const { name } = store.servers.others.get(serverId);
    refuseOpenJobs(ctx, serverId);
    await store.servers.others.remove(serverId);
    // From here on nobody asks it, so nothing comes back.
    await store.secrets.remove(`plexToken:${serverId}`);
    await store.secrets.remove(`webhookSecret:${serverId}`);
    await store.sections.removeMany(
      store.sections.where((section) => section.serverId === serverId).map(({ id }) => id),
    );
    const itemIds = await itemsOf(ctx, (item) => item.serverId === serverId);
    await forget(ctx, itemIds);
    await store.audit.append({ who: 'owner', action: 'remove server', object: name });
    bus.emit('settings.changed', {});
    return { name, titles: itemIds.length };
  },
);

function refuseOpenJobs({ store }: Context, serverId: string): void {
  const open = store.jobs.where(({ itemId, state }) => !isFinished(state) && store.servers.ofItem(itemId) === serverId);
  if (open.length > 0) {
    const what = open.length === 1 ? '1 job of its titles is' : `${open.length} jobs of its titles are`;
    throw conflict(`${what} still in the queue. Cancel or finish them first.`);
  }
}

/**
 * Switches a library on or off. One that is off is not read and nothing of it is recommended; its titles leave MediaFlow with
 * their tags, and no file is touched. Throws `not_found`, or `conflict` while a job of one of its titles is open.
 */
export const switchSection = action(
  {
    summary: 'Switch a library on or off',
    input: z.object({ sectionId: z.string().min(1).max(100), enabled: z.boolean() }),
    output: z.object({ title: z.string(), enabled: z.boolean() }),
  },
  async (ctx, { sectionId, enabled }) => {
    const { store, sync, bus, log } = ctx;
    const section = store.sections.get(sectionId);
    if (section.enabled === enabled) return { title: section.title, enabled };
    if (sync.status().state === 'running') throw conflict('The library is being read. Try again when that is done.');
    if (!enabled) {
      const open = store.jobs.where(
        ({ itemId, state }) => !isFinished(state) && store.library.find(itemId)?.sectionId === sectionId,
      );
      if (open.length > 0)
        throw invalid('Titles of this library are still in the queue. Cancel or finish those jobs first.');
    }
    await store.sections.put({
      ...section,
      enabled,
      syncedAt: null,
      frozen: null,
      itemCount: enabled ? section.itemCount : 0,
    });
    if (!enabled) await forget(ctx, await itemsOf(ctx, (item) => item.sectionId === sectionId));
    await store.audit.append({
      who: 'owner',
      action: `${enabled ? 'switch on' : 'switch off'} library`,
      object: section.title,
    });
    bus.emit('settings.changed', {});
    if (enabled)
      sync.run({ mode: 'changed', trigger: 'owner', sectionId }).done.catch((error: unknown) => {
        log.warn({ err: error }, 'The sync of a library that was switched on ended early');
      });
    return { title: section.title, enabled };
  },
);

async function itemsOf(
  { store }: Context,
  match: (item: { serverId: string; sectionId: string }) => boolean,
): Promise<string[]> {
  const ids: string[] = [];
  await store.library.each((item) => {
    if (match(item)) ids.push(item.id);
  });
  return ids;
}

/** Takes titles out of the library; what was recommended for them goes along. */
async function forget({ store, analyzer, bus }: Context, itemIds: readonly string[]): Promise<void> {
  for (let start = 0; start < itemIds.length; start += AT_A_TIME) {
    const some = itemIds.slice(start, start + AT_A_TIME);
    await store.library.removeMany(some);
    bus.emit('library.changed', { itemIds: some });
    await analyzer.items(some, 'owner');
  }
}

const AT_A_TIME = 500;
