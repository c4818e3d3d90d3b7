import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { remotePath } from '../../domain/settings/disk.js';
import { invalid, type AppError } from '../../domain/errors.js';
import { Section } from '../../domain/library/library.js';
import { PathProof } from '../../domain/settings/path-proof.js';
import type { PathMapping } from '../../domain/settings/paths.js';
import { Run } from '../../domain/recommendations/run.js';
import { Settings } from '../../domain/settings/settings.js';
import { fieldSentence, refusalMessage } from '../../lib/plain-refusals.js';
import { ABILITIES } from '../../domain/workers/worker.js';
import { action, type AnyAction, type Context } from '../action.js';
import { withMachine, withMachines } from '../workers/remote-paths.js';
import { plexConnect, PlexConnect } from '../plex/account.js';
import { ServerBeside, serversBeside } from '../plex/servers.js';
import { SETTINGS_CHECKS } from './checks.js';
import { Origin, showWebhook, WebhookAddress } from '../plex/webhooks.js';

/** The groups that have a page of their own. */
export const SETTINGS_TABS = ['safety', 'plex', 'queue', 'intel', 'paths', 'security'] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];

const groupOf = (tab: SettingsTab): z.ZodObject => Settings.shape[tab].unwrap();

/** What may be sent for a group: any part of it. Defaults are taken off: what is left out stays as it is. */
function changeOf(tab: SettingsTab): z.ZodObject {
  const shape = Object.entries(groupOf(tab).shape).map(([name, field]) => {
    const bare = (field instanceof z.ZodDefault ? field.unwrap() : field) as z.ZodType;
    return [name, bare.optional().meta((field as z.ZodType).meta() ?? {})] as const;
  });
  return z.strictObject(Object.fromEntries(shape));
}

const Change = z.strictObject({
  ...(Object.fromEntries(SETTINGS_TABS.map((tab) => [tab, changeOf(tab).optional()])) as Record<
    SettingsTab,
    z.ZodOptional<z.ZodObject>
  >),
  setup: z.strictObject({ finishedAt: z.string().nullable(), reached: z.string().nullable().optional() }).optional(),
});

/** Set by what MediaFlow does, not by hand; sending back what was read is fine. */
const READ_ONLY = ['plex.serverId', 'plex.serverName', 'setup.finishedAt', 'setup.reached'];

async function save(ctx: Context, change: Record<string, Record<string, unknown> | undefined>): Promise<Settings> {
  const before: Record<string, Record<string, unknown>> = ctx.store.settings.value;
  const fields: Record<string, string> = {};
  for (const [group, values] of Object.entries(change)) {
    for (const [name, value] of Object.entries(values ?? {})) {
      const field = `${group}.${name}`;
      // A number whose field was emptied.
      if (value === undefined) fields[field] = 'is missing';
      if (READ_ONLY.includes(field) && before[group]?.[name] !== value) fields[field] = 'cannot be set by hand';
      if (field === 'queue.defaultPresetId' && !ctx.presets.list().some(({ id }) => id === value))
        fields[field] = 'is not a preset that is there';
      const reason = value === undefined ? null : (SETTINGS_CHECKS[field]?.(value) ?? null);
      if (reason !== null && JSON.stringify(before[group]?.[name]) !== JSON.stringify(value)) fields[field] = reason;
    }
  }
  if (Object.keys(fields).length > 0) throw refusal(fields);
  const mappings = change['paths']?.['mappings'] as PathMapping[] | undefined;
  if (mappings) change = { ...change, paths: { ...change['paths'], mappings: withMachines(ctx, mappings) } };

  const given = Object.entries(change).filter(([, values]) => values !== undefined);
  const settings = await ctx.store.settings.change(Object.fromEntries(given));
  await ctx.store.audit.append({
    who: 'owner',
    action: 'change settings',
    object: given.flatMap(([group, values]) => Object.keys(values ?? {}).map((name) => `${group}.${name}`)).join(', '),
  });
  ctx.bus.emit('settings.changed', {});
  return settings;
}

function refusal(fields: Record<string, string>): AppError {
  const sentences = Object.entries(fields).map(([field, text]) => [
    field,
    fieldSentence(Settings, field.split('.'), text),
  ]);
  const named = Object.fromEntries(sentences) as Record<string, string>;
  return invalid(refusalMessage(named), named);
}

/** All settings, the environment's word included. Secrets are not among them. */
export const showSettings = action(
  { summary: 'Read the settings', input: z.object({}), output: Settings },
  ({ store }) => store.settings.value,
);

/**
 * Changes what is sent, leaves the rest. Throws `invalid` with a message per field, also for what the environment holds, and
 * for another address of Plex: that is changed on its page by a person, or together with a token by connecting the server.
 */
export const saveSettings = action({ summary: 'Change settings', input: Change, output: Settings }, (ctx, change) => {
  // The token goes wherever this address leads: with a key alone, whoever holds the key would hold the token.
  const url = change.plex?.['url'];
  if (url !== undefined && url !== ctx.store.settings.value.plex.url) {
    throw invalid(
      'The address of Plex is not changed here. Connect the server again with its address and token, or change it in Settings, Plex.',
      {
        'plex.url': 'is changed in Settings, Plex, or with a token under /api/plex/servers',
      },
    );
  }
  return save(ctx, change);
});

const Tab = z.object({
  tab: z.enum(SETTINGS_TABS),
  values: z.record(z.string(), z.json()),
  /** Name -> the environment variable that holds it. */
  locked: z.record(z.string(), z.string()),
  /** JSON schema with title and description of each setting. */
  schema: z.record(z.string(), z.json()),
  /** Machines on which films may lie. */
  machines: z.array(z.object({ path: z.string(), name: z.string() })),
  /** Whom a path mapping may count for; empty when there is one server only. */
  servers: z.array(z.object({ id: z.string(), name: z.string() })),
});

/** The JSON schema of a group, with the presets there are as choices. */
function schemaOf({ presets }: Context, tab: SettingsTab): Record<string, z.core.util.JSONType> {
  const schema = z.toJSONSchema(groupOf(tab), { io: 'input' }) as Record<string, z.core.util.JSONType>;
  const { defaultPresetId } = schema['properties'] as Record<string, Record<string, z.core.util.JSONType>>;
  if (defaultPresetId) {
    const all = presets.list();
    defaultPresetId['enum'] = all.map(({ id }) => id);
    defaultPresetId['labels'] = Object.fromEntries(all.map(({ id, title }) => [id, title]));
  }
  return schema;
}

function tabOf(ctx: Context, tab: SettingsTab): z.infer<typeof Tab> {
  const { store } = ctx;
  const { servers } = store;
  const own = Object.entries(store.settings.locked).filter(([field]) => field.startsWith(`${tab}.`));
  return {
    tab,
    values: store.settings.value[tab] as z.infer<typeof Tab>['values'],
    locked: Object.fromEntries(own.map(([field, variable]) => [field.slice(tab.length + 1), variable])),
    schema: schemaOf(ctx, tab),
    machines: [...store.workers.values()]
      .filter(({ kind }) => ABILITIES[kind].isRemote)
      .map(({ id, name }) => ({ path: remotePath(id, '/'), name })),
    servers: servers.others.size === 0 ? [] : servers.ids().map((id) => ({ id, name: servers.nameOf(id) })),
  };
}

/** One group with what a form needs to be drawn. */
export const showSettingsTab = action(
  { summary: 'Read one group of settings with its form', input: Tab.pick({ tab: true }), output: Tab },
  (ctx, { tab }) => tabOf(ctx, tab),
);

/** One action per group: its input is the group itself. */
export const saveSettingsTab = Object.fromEntries(
  SETTINGS_TABS.map((tab) => [
    tab,
    action({ summary: `Change the ${tab} settings`, input: changeOf(tab), output: Tab }, async (ctx, values) => {
      await save(ctx, { [tab]: values });
      return tabOf(ctx, tab);
    }),
  ]),
) as unknown as Record<SettingsTab, AnyAction>;

const Connection = z.object({ isConnected: z.boolean(), name: z.string(), url: z.string(), hasToken: z.boolean() });

/** The settings of Plex with the connection, the libraries, the sync and the address of the webhook. */
export const showPlexSettings = action(
  {
    summary: 'The Plex settings with connection, libraries and webhook',
    input: z.object({
      /** Whether to look for the servers of the account, which may take some seconds. */
      find: z.literal('yes').optional().catch(undefined),
      origin: Origin,
    }),
    output: Tab.extend({
      connect: PlexConnect,
      connection: Connection,
      /** Of the first server. */
      sections: z.array(Section),
      others: z.array(ServerBeside),
      sync: z.object({
        state: z.enum(['idle', 'running']),
        done: z.int(),
        total: z.int(),
        lastRun: Run.nullable(),
      }),
      webhook: WebhookAddress,
    }),
  },
  async (ctx, { find, origin }) => {
    const { plex } = ctx.store.settings.value;
    const hasToken = ctx.store.secrets.find('plexToken') !== null;
    return {
      ...tabOf(ctx, 'plex'),
      connect: await plexConnect(ctx, find === 'yes'),
      connection: { isConnected: plex.url !== '' && hasToken, name: plex.serverName, url: plex.url, hasToken },
      sections: ctx.store.sections.where(({ serverId }) => !ctx.store.servers.others.has(serverId)),
      others: serversBeside(ctx, origin),
      sync: ctx.sync.status(),
      webhook: await showWebhook(ctx, { origin }),
    };
  },
);

/** The security settings, and whether there is a key. */
export const showSecuritySettings = action(
  {
    summary: 'The security settings, and whether there is an API key',
    input: z.object({}),
    output: Tab.extend({ hasApiKey: z.boolean() }),
  },
  (ctx) => ({ ...tabOf(ctx, 'security'), hasApiKey: ctx.access.hasApiKey }),
);

/** Asks the connected server who it is. Throws a `plex_*` code that says what to do. */
export const checkPlex = action(
  {
    summary: 'Ask the connected Plex server who it is',
    input: z.object({}),
    output: z.object({
      name: z.string(),
      version: z.string(),
      platform: z.string(),
      webhooksEnabled: z.boolean().nullable(),
      tookMs: z.int(),
    }),
  },
  async ({ server, now }) => {
    const startMs = now().getTime();
    const { name, version, platform, webhooksEnabled } = await server().identity();
    return { name, version, platform, webhooksEnabled, tookMs: now().getTime() - startMs };
  },
);

/** What MediaFlow may do in a folder, found out by doing it; nothing is left behind. */
export const testPath = action(
  {
    summary: 'Check what a folder allows',
    input: z.object({ folder: z.string().trim().max(4096).refine(isAbsolute, 'must begin with /') }),
    output: PathProof,
  },
  (ctx, { folder }) => ctx.verifyPath(withMachine(ctx, folder)),
);
