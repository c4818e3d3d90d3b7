import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { SimulatedPlexTv } from '../../src/demo/plex-tv/simulated-plex-tv.js';
import type { Context } from '../../src/actions/action.js';
import { AppError } from '../../src/domain/errors.js';
import { PlexTvService } from '../../src/plex/account.js';
import { PlexServer } from '../../src/plex/server.js';
import { startWeb, type WebTest } from './web.js';

/** Nobody listens there. */
export const DEAD = 'http://127.0.0.1:9';

export interface AccountWorld {
  web: WebTest;
  plexTv: SimulatedPlexTv;
  /** The owner's own server. */
  den: SimulatedPlex;
  /** Answers at the first address that plex.tv names for the owner's server, as a container of another house does. */
  mismatch: SimulatedPlex;
  /** Somebody else's. */
  shared: SimulatedPlex;
  stop(): Promise<void>;
}

/**
 * MediaFlow with an account: an own server behind a dead address and behind one where a stranger answers, and a shared one.
 * The clock of plex.tv's part can be moved by `later`.
 */
export async function startAccountWorld(
  options: { password?: string | null; prepare?: (context: Context) => Promise<void> } = {},
): Promise<AccountWorld & { later(seconds: number): void }> {
  const sections = [{ id: '1', title: 'Films', type: 'movie' as const, locations: [] }];
  const den = new SimulatedPlex({ name: 'Den', token: 'den-token-1', sections });
  const mismatch = new SimulatedPlex({ name: 'FileMismatch', sections: [] });
  const shared = new SimulatedPlex({ name: 'Attic', token: 'attic-token-1', sections: [] });
  const plexTv = new SimulatedPlexTv();
  for (const part of [den, mismatch, shared, plexTv]) await part.start();
  plexTv.devices = [
    {
      name: 'Attic',
      clientIdentifier: shared.machineIdentifier,
      accessToken: shared.token,
      owned: false,
      sourceTitle: 'Kim',
      connections: [{ uri: mismatch.url, local: true }, { uri: shared.url }],
    },
    {
      name: 'Den',
      clientIdentifier: den.machineIdentifier,
      accessToken: den.token,
      connections: [
        { uri: mismatch.url, local: true },
        { uri: DEAD, local: true },
        { uri: den.url, local: true },
        { uri: den.url.replace('127.0.0.1', 'localhost'), relay: true },
      ],
    },
    { name: 'Phone', clientIdentifier: 'phone', accessToken: 'x', provides: 'client,player', connections: [] },
  ];
  let aheadMs = 0;
  const web = await startWeb({
    ...(options.password === undefined ? {} : { password: options.password }),
    prepare: async (context) => {
      await options.prepare?.(context);
      const clientId = (): string => 'client-of-this-test';
      const connect: Context['connectPlex'] = ({ url, token, serverId }) =>
        new PlexServer({ url, token, clientId: clientId(), version: '1.2.3', expectedServerId: serverId ?? null });
      const { store } = context;
      return {
        plexTv: new PlexTvService({
          url: plexTv.url,
          clientId,
          version: '1.2.3',
          now: () => new Date(Date.now() + aheadMs),
          steadyMs: () => performance.now() + aheadMs,
          connectionTimeoutMs: 2500,
        }),
        connectPlex: connect,
        server: () => {
          const { url, serverId } = store.settings.value.plex;
          const token = store.secrets.find('plexToken');
          if (url === '' || token === null) throw new AppError('plex_not_configured', 'Plex is not connected yet.');
          return connect({ url, token, serverId });
        },
      };
    },
  });
  return {
    web,
    plexTv,
    den,
    mismatch,
    shared,
    later: (seconds) => {
      aheadMs += seconds * 1000;
    },
    async stop() {
      await web.stop();
      for (const part of [den, mismatch, shared, plexTv]) await part.stop();
    },
  };
}
