import { createApp, type App } from '../src/app.js';
import { readConfig } from '../src/config.js';
import { keepHeapSmall } from '../src/lib/heap.js';
import { createLog } from '../src/lib/log.js';

const SECRET = 'hook-secret-for-benchmarks';

/** MediaFlow as a whole in this process, beside a Plex server whose webhooks it takes at `hook`. */
export async function startBesidePlex(plex: {
  dir: string;
  url: string;
  token: string;
  serverId: string;
  settleSec?: number;
}): Promise<{ app: App; hook: string }> {
  const { dir, url, token, serverId, settleSec } = plex;
  const config = readConfig({
    PORT: '0',
    HOST: '127.0.0.1',
    MEDIAFLOW_DATA_DIR: dir,
    MEDIAFLOW_PLEX_URL: url,
    MEDIAFLOW_PLEX_TOKEN: token,
    MEDIAFLOW_WEBHOOK_SECRET: SECRET,
  });
  const app = createApp(config, { log: createLog('silent') });
  await app.start();
  keepHeapSmall();
  await app.context.store.settings.change({ plex: { serverId, ...(settleSec === undefined ? {} : { settleSec }) } });
  return { app, hook: `${app.url}/hooks/plex/${SECRET}` };
}
