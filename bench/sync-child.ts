// One part of the sync benchmark in a process of its own: `sync` or `fetch`, the server's address and a data folder.
import { LibrarySync } from '../src/engine/library/sync.js';
import type { Events } from '../src/domain/events.js';
import { Bus } from '../src/lib/bus.js';
import { newId } from '../src/lib/ids.js';
import { keepHeapSmall } from '../src/lib/heap.js';
import { createLog } from '../src/lib/log.js';
import { PlexServer } from '../src/plex/server.js';
import { openStore } from '../src/store/store.js';
import { answer, collectGarbage } from './child.js';
import { timed } from './figure.js';
import { watchLoop } from './watch-loop.js';

/** As large as the pages that a sync asks for. */
const PAGE = 500;
const [part = '', url = '', token = '', dir = ''] = process.argv.slice(2);

const PARTS: Record<string, () => Promise<object>> = {
  async sync() {
    const log = createLog('silent');
    const now = (): Date => new Date();
    const store = await openStore({ dir, log, now });
    const server = new PlexServer({ url, token, clientId: 'bench', version: '0' });
    const idle = {
      items: () => Promise.resolve(),
      library: () => Promise.resolve({ error: null }),
      willAnalyze: () => Promise.resolve(() => undefined),
    };
    const bus = new Bus<Events>(() => undefined);
    const sync = new LibrarySync({ store, bus, log, now, newId, server: () => server, analyzer: idle });
    const first = await syncOnce(sync);
    const again = await syncOnce(sync);
    await sync.stop();
    await store.close();
    await collectGarbage();
    const memoryMb = process.memoryUsage.rss() / 1e6;
    return { first, again, rows: store.library.size, memoryMb, peakMb: (process.resourceUsage().maxRSS * 1024) / 1e6 };
  },
  async fetch() {
    let items = 0;
    const ms = await timed(async () => {
      for (let start = 0; ; start += PAGE) {
        const response = await fetch(
          `${url}/library/sections/1/all?type=1&sort=id&excludeElements=Country,Director,Genre,Image,Rating,Role,Similar,UltraBlurColors,Writer&excludeFields=summary,tagline&X-Plex-Container-Start=${start}&X-Plex-Container-Size=${PAGE}`,
          { headers: { Accept: 'application/json', 'X-Plex-Token': token } },
        );
        const { MediaContainer } = JSON.parse(await response.text()) as { MediaContainer: { Metadata?: object[] } };
        const { length } = MediaContainer.Metadata ?? [];
        items += length;
        if (length < PAGE) return;
      }
    });
    return { ms, items };
  },
};

async function syncOnce(sync: LibrarySync): Promise<{ ms: number; blockedMs: number }> {
  const watch = await watchLoop();
  const ms = await timed(async () => {
    const { error } = await sync.run({ mode: 'full', trigger: 'owner' }).done;
    if (error !== null) throw new Error(error);
  });
  return { ms, blockedMs: watch.stop() };
}

keepHeapSmall();
answer((await PARTS[part]?.()) ?? {});
