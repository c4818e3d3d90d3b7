import { toAppError } from '../../domain/errors.js';
import type { Servers } from '../../domain/plex/media-server.js';
import type { Problem } from '../../domain/health/problem.js';
import type { Store } from '../../store/store.js';

interface Parts {
  store: Store;
  server: Servers;
}

const LINK = '/settings/plex';
const HINT = 'MediaFlow still syncs on its schedule.';

/** What keeps the servers from being read, or from telling what is new. */
export async function problemsOfServers({ store, server }: Parts, signal: AbortSignal): Promise<Problem[]> {
  if (store.settings.value.plex.url === '') {
    const [summary, fix] = ['Plex is not connected.', 'Sign in with Plex.'];
    return [{ id: 'plex.missing', severity: 'warning', summary, fix, link: LINK }];
  }
  const { servers } = store;
  // With one server everybody knows which is meant, and its problems keep their plain ids.
  const [first = '', ...others] = servers.ids();
  const of = (id: string, name: string, suffix: string): Promise<Problem[]> =>
    problemsOf(() => server(id).identity(signal), { name, suffix, isOwned: servers.isOwned(id) }, signal);
  const found = await Promise.all([
    of(first, others.length === 0 ? 'Plex' : servers.nameOf(first) || 'Plex', ''),
    ...others.map((id) => of(id, servers.nameOf(id), `.${id.slice(0, 8)}`)),
  ]);
  return found.flat();
}

async function problemsOf(
  ask: () => Promise<{ webhooksEnabled: boolean | null; pushNotifications: boolean | null }>,
  { name, suffix, isOwned }: { name: string; suffix: string; isOwned: boolean },
  signal: AbortSignal,
): Promise<Problem[]> {
  const warning = (id: string, summary: string, fix: string): Problem => ({
    ...{ id: id + suffix, severity: 'warning' as const },
    ...{ summary: `${summary} ${HINT}`, fix, link: null },
  });
  try {
    const { webhooksEnabled, pushNotifications } = await ask();
    // What is switched off on somebody else's server is theirs to decide.
    if (!isOwned) return [];
    const webhooks = 'Turn on "Webhooks" in Plex under Settings, Network.';
    const push = 'Turn on "Push notifications" in Plex under Settings, General.';
    return [
      ...(webhooksEnabled === false
        ? [warning('plex.webhooks-off', `${name} has webhooks turned off.`, webhooks)]
        : []),
      ...(pushNotifications === false ? [warning('plex.push-off', `${name} does not announce new titles.`, push)] : []),
    ];
  } catch (error) {
    if (signal.aborted) return [];
    const { code, message } = toAppError(error);
    const fix =
      code === 'plex_unauthorized'
        ? 'Sign in with Plex again; nothing is replaced until then.'
        : 'Check the connection; nothing is replaced until it answers.';
    const summary = `${name} cannot be used: ${message}`;
    return [{ id: code.replace('_', '.') + suffix, severity: 'error', summary, fix, link: LINK }];
  }
}
