import { z } from 'zod';
import { PlexWebhook, WebhookOutcome } from '../../domain/plex/webhook.js';
import { action, type Context } from '../action.js';
import { withoutEnd } from '../../lib/without-end.js';

/** Where Plex must post to, and what came so far. */
export const WebhookAddress = z.object({
  url: z.string(),
  counts: z.record(z.string(), z.int()),
  lastAt: z.string().nullable(),
  lastEvent: z.string().nullable(),
  lastAtOf: z.partialRecord(WebhookOutcome, z.string()),
});

/** Filled in by the door: the address under which the caller reached MediaFlow, url base included. */
export const Origin = z.string().default('');

/** The address of the webhook. `publicUrl` is what the owner configured and wins over how the caller got here. */
export const webhookUrl = (publicUrl: string | null, origin: string, secret: string): string =>
  `${withoutEnd(publicUrl ?? origin, '/')}/hooks/plex/${secret}`;

/** The address to enter in Plex, with the counts of what came. */
export const showWebhook = action(
  { summary: 'The address for the Plex webhook', input: z.object({ origin: Origin }), output: WebhookAddress },
  ({ access, config, store }, { origin }) => {
    const { lastAt, lastEvent, lastAtOf, ...counts } = store.webhookCounts.value;
    const url = webhookUrl(config.publicUrl, origin, access.webhookSecret);
    return { url, counts, lastAt, lastEvent, lastAtOf };
  },
);

/** The old address ends at once. Throws `conflict` when the environment holds the secret. */
export const rotateWebhook = action(
  {
    summary: 'Make a new webhook address; the old one stops working at once',
    input: z.object({ origin: Origin }),
    output: z.object({ url: z.string() }),
  },
  async ({ access, config, store }, { origin }) => {
    const secret = await access.rotateWebhookSecret();
    await store.audit.append({ who: 'owner', action: 'rotate webhook address', object: 'Plex webhook' });
    return { url: webhookUrl(config.publicUrl, origin, secret) };
  },
);

/** Who may post under a secret: every server, the one with this id, or nobody. Takes the same time for right and wrong. */
export function senderOf({ access, store }: Context, secret: string): 'all' | { serverId: string } | null {
  const isShared = access.checkWebhookSecret(secret);
  const own = store.servers.others.where(({ id }) => access.checkWebhookSecret(secret, id))[0];
  return isShared ? 'all' : own ? { serverId: own.id } : null;
}

/** Takes in one event from Plex. `onlyFrom`: the only server that may send it here. */
export const receiveWebhook = action(
  {
    summary: 'Receive a Plex webhook',
    input: z.object({ event: PlexWebhook, onlyFrom: z.string().nullable().default(null) }),
    output: z.object({ outcome: WebhookOutcome }),
  },
  async ({ intake }, { event, onlyFrom }) => {
    if (onlyFrom === null || event.Server.uuid === onlyFrom) return { outcome: await intake.receive(event) };
    await intake.count('wrong_server', event.event);
    return { outcome: 'wrong_server' as const };
  },
);

/** Counts a webhook that was refused at the door. */
export const countWebhook = action(
  {
    summary: 'Count a refused webhook',
    input: z.object({ outcome: WebhookOutcome, event: z.string().max(100) }),
    output: z.object({}),
  },
  async ({ intake }, { outcome, event }) => {
    await intake.count(outcome, event);
    return {};
  },
);
