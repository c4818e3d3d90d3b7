import { z } from 'zod';
import { conflict, toAppError } from '../../domain/errors.js';
import type { ServerIdentity } from '../../domain/plex/media-server.js';
import type { WebhookOutcome } from '../../domain/plex/webhook.js';
import type { WebhookCounts } from '../../store/store.js';
import { action, type Context } from '../action.js';
import { Origin, webhookUrl } from './webhooks.js';

/** One thing on the way from Plex to MediaFlow. */
const Line = z.object({
  id: z.enum(['server', 'pass', 'webhooks-enabled', 'webhook-listed', 'push', 'last-webhook', 'socket', 'schedule']),
  state: z.enum(['ok', 'warning', 'unknown']),
  title: z.string(),
  text: z.string(),
  /** What to do about it; null when there is nothing to do. */
  fix: z.string().nullable(),
  /** Page that helps. */
  link: z.string().nullable(),
  /** Whether MediaFlow can fix it on a click: by adding its address to the account's webhooks. */
  canAdd: z.boolean(),
});
type Line = z.infer<typeof Line>;

const line = (id: Line['id'], state: Line['state'], title: string, text: string, extra: Partial<Line> = {}): Line => ({
  ...{ id, state, title, text },
  ...{ fix: null, link: null, canAdd: false },
  ...extra,
});

/** Every part of the way from Plex to MediaFlow, with what is wrong and how to fix it. Asks Plex and plex.tv; never throws for their sake. */
export const showDiagnosis = action(
  {
    summary: 'Whether events from Plex arrive, and what blocks them',
    input: z.object({ origin: Origin }),
    output: z.object({ tab: z.literal('events'), items: z.array(Line) }),
  },
  async (ctx, { origin }) => {
    const [server, account] = await Promise.all([ofServer(ctx), ofAccount(ctx, origin)]);
    return { tab: 'events' as const, items: [...server, ...account, ofWebhooks(ctx), ofSocket(ctx), ofSchedule(ctx)] };
  },
);

async function ofServer(ctx: Context): Promise<Line[]> {
  let identity: ServerIdentity;
  try {
    identity = await ctx.server().identity();
  } catch (error) {
    const { code, message } = toAppError(error);
    // A fault of ours is none of Plex's, and its words are for the log.
    if (code === 'internal') throw error;
    const fix =
      code === 'plex_unauthorized' || code === 'plex_not_configured'
        ? 'Sign in with Plex.'
        : 'Check the address, and whether Plex runs.';
    return [line('server', 'warning', 'Plex server', message, { fix, link: '/settings/plex' })];
  }
  const { name, version, webhooksEnabled, pushNotifications } = identity;
  return [
    line('server', 'ok', 'Plex server', `${name} answers, version ${version}.`),
    ofSwitch('webhooks-enabled', 'Webhooks of the server', webhooksEnabled, 'Network'),
    ofSwitch('push', 'Push notifications of the server', pushNotifications, 'General'),
  ];
}

function ofSwitch(id: 'webhooks-enabled' | 'push', title: string, isOn: boolean | null, where: string): Line {
  if (isOn === true) return line(id, 'ok', title, 'Switched on.');
  const name = id === 'push' ? 'Push notifications' : 'Webhooks';
  const fix = `In Plex open Settings, ${where}, show the advanced settings, and tick "${name}".`;
  if (isOn === false)
    return line(id, 'warning', title, 'Switched off, so Plex sends no events about new titles.', { fix });
  return line(id, 'unknown', title, 'Only the owner of the server may see this.', { fix });
}

/** What the account says. The server's token often is the account's own, so it serves while nobody signed in. */
async function ofAccount(ctx: Context, origin: string): Promise<Line[]> {
  const { store, plexTv } = ctx;
  const token = store.secrets.find('accountToken') ?? store.secrets.find('plexToken');
  const unknown = (text: string, fix: string): Line[] => [
    line('pass', 'unknown', 'Plex Pass', text, { fix, link: '/settings/plex' }),
    line('webhook-listed', 'unknown', 'Our address in Plex', text, { fix, link: '/settings/plex' }),
  ];
  if (token === null) return unknown('Nobody has signed in yet.', 'Sign in with Plex.');
  try {
    const { name, hasPlexPass, hasWebhooks } = await plexTv.account(token);
    if (!hasWebhooks) {
      const text = hasPlexPass ? `The Plex Pass of ${name} does not list webhooks.` : `${name} has no Plex Pass.`;
      const fix =
        'Nothing has to be done: without webhooks MediaFlow hears of new titles over its own connection and by its schedule.';
      return [
        line('pass', 'warning', 'Plex Pass', `${text} Plex posts webhooks only with it.`, { fix }),
        line('webhook-listed', 'unknown', 'Our address in Plex', 'Not needed without Plex Pass.'),
      ];
    }
    const pass = line('pass', 'ok', 'Plex Pass', `${name} may use webhooks.`);
    return [pass, ofList(ctx, origin, await plexTv.webhooks(token))];
  } catch (error) {
    const { code, message } = toAppError(error);
    if (code === 'internal') throw error;
    if (code !== 'plex_unauthorized') return unknown(message, 'Open this page again later.');
    return unknown('The account behind our token is not known to plex.tv.', 'Sign in with Plex.');
  }
}

function ofList({ config, access }: Context, origin: string, urls: readonly string[]): Line {
  const title = 'Our address in Plex';
  const path = `/hooks/plex/${access.webhookSecret}`;
  const listed = urls.find((url) => url.endsWith(path));
  const host = hostOf(listed ?? webhookUrl(config.publicUrl, origin, ''));
  // A container or another machine means itself by this name.
  const isLoopback = /^(localhost|127\.|\[::1\])/.test(host);
  const only = `Plex must be able to reach ${host}; ${isLoopback ? 'that only works when it runs on this very machine. Open MediaFlow under its address in your network, or set MEDIAFLOW_PUBLIC_URL' : 'if it cannot, set MEDIAFLOW_PUBLIC_URL'}.`;
  if (listed === undefined) {
    return line(
      'webhook-listed',
      'warning',
      title,
      'Plex does not post to MediaFlow: its address is not among the webhooks of the account.',
      {
        fix: `Add it; the other webhooks stay. ${only}`,
        canAdd: true,
      },
    );
  }
  return line(
    'webhook-listed',
    isLoopback ? 'warning' : 'ok',
    title,
    `Plex posts to MediaFlow at ${host}.`,
    isLoopback ? { fix: only } : {},
  );
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'MediaFlow');

const minuteOf = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

/** How many of these outcomes there were, in words with the time of the last one; null when there were none. */
function refusedInWords(
  { lastAtOf, ...counts }: WebhookCounts,
  outcomes: readonly WebhookOutcome[],
  why: string,
): string | null {
  const count = outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);
  const lastAt = outcomes
    .flatMap((outcome) => lastAtOf[outcome] ?? [])
    .sort()
    .at(-1);
  if (count === 0) return null;
  return `${count} ${why}${lastAt === undefined ? '' : ` (last at ${minuteOf(lastAt)})`}`;
}

function ofWebhooks({ store }: Context): Line {
  const counts = store.webhookCounts.value;
  const { lastAt, lastEvent, lastAtOf } = counts;
  const accepted = counts.accepted + counts.repeated + counts.ignored;
  const refused = [
    refusedInWords(counts, ['wrong_server'], 'from another server'),
    refusedInWords(counts, ['malformed'], 'not readable'),
    refusedInWords(counts, ['wrong_secret'], 'refused for a wrong secret'),
    refusedInWords(counts, ['too_large'], 'refused for their size'),
  ].filter((words) => words !== null);
  const trouble = refused.length === 0 ? '' : ` Not accepted: ${refused.join(', ')}.`;
  const title = 'Webhooks received';
  if (accepted === 0 || lastAt === null) {
    const fix = 'Play something in Plex for a moment: that posts one.';
    const state = refused.length > 0 ? 'warning' : 'unknown';
    return line('last-webhook', state, title, `None was accepted yet.${trouble}`, { fix });
  }
  const event = lastEvent === null || lastEvent === '' ? '' : `, ${lastEvent}`;
  const text = `${accepted} accepted (last at ${minuteOf(lastAt)}${event}).${trouble}`;
  const isBrokenSince = (['malformed', 'too_large'] as const).some((outcome) => (lastAtOf[outcome] ?? '') > lastAt);
  const hasOldAddress = counts.wrong_secret + counts.wrong_server > 0;
  const oldAddress = 'Remove old addresses of MediaFlow from the webhooks in Plex. Counts of the past stay here.';
  const broken =
    'Something between Plex and MediaFlow changes or cuts what Plex sends; check the proxy, if there is one.';
  return line('last-webhook', hasOldAddress || isBrokenSince ? 'warning' : 'ok', title, text, {
    fix: hasOldAddress ? oldAddress : isBrokenSince ? broken : null,
  });
}

function ofSocket({ notifications }: Context): Line {
  const { state, lastError, lastEventAt } = notifications.status();
  const title = 'Live connection to Plex';
  if (state === 'connected') {
    const text =
      lastEventAt === null
        ? 'Connected.'
        : `Connected; the last event came at ${lastEventAt.slice(0, 16).replace('T', ' ')} UTC.`;
    return line('socket', 'ok', title, `${text} It reports new titles even without Plex Pass.`);
  }
  if (state === 'off') return line('socket', 'unknown', title, 'It starts when a server is connected.');
  const text = lastError === null ? 'It is being established.' : `It is interrupted: ${lastError.message}`;
  return line('socket', lastError === null ? 'unknown' : 'warning', title, text, {
    fix: lastError === null ? null : 'MediaFlow tries again by itself; the schedule below finds what was missed.',
  });
}

function ofSchedule({ nextRuns }: Context): Line {
  const title = 'Safety net';
  const next = nextRuns()
    .flatMap(({ name, at }) => (at === null || name === 'backup' || name === 'analysis' ? [] : [{ name, at }]))
    .sort((a, b) => a.at.getTime() - b.at.getTime())[0];
  if (next === undefined) {
    const fix = 'Write the times as minute hour day month weekday, such as */15 * * * *.';
    return line('schedule', 'warning', title, 'No sync is scheduled.', { fix, link: '/settings/plex' });
  }
  const at = next.at.toISOString().slice(0, 16).replace('T', ' ');
  return line('schedule', 'ok', title, `Whatever no event told of is found by the next sync at ${at} UTC.`);
}

/**
 * Adds the webhook's address to those of the account, and leaves the others. Throws `conflict` while no account is known,
 * or a `plex_*` code.
 */
export const addWebhook = action(
  {
    summary: "Add the webhook's address to the Plex account",
    input: z.object({ origin: Origin }),
    output: z.object({ count: z.int() }),
  },
  async ({ plexTv, store, access, config }, { origin }) => {
    const token = store.secrets.find('accountToken') ?? store.secrets.find('plexToken');
    if (token === null) throw conflict('Sign in with Plex first.');
    const urls = await plexTv.addWebhook(token, webhookUrl(config.publicUrl, origin, access.webhookSecret));
    await store.audit.append({ who: 'owner', action: 'add webhook in Plex', object: 'Plex webhook' });
    return { count: urls.length };
  },
);
