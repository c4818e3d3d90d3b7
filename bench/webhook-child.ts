// MediaFlow as a whole over a data folder with a large library; takes webhooks one after the other and says how long each took.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { answer } from './child.js';
import { timed } from './figure.js';
import { startBesidePlex } from './with-plex.js';

const [dir = '', plexUrl = '', token = '', serverId = '', keys = ''] = process.argv.slice(2);
const { app, hook } = await startBesidePlex({ dir, url: plexUrl, token, serverId, settleSec: 0 });
const { bus } = app.context;
const each: number[] = [];
const bare: number[] = [];
for (const ratingKey of keys.split(',')) {
  const stored = new Promise<void>((resolve) => {
    const off = bus.on('recommendation.changed', () => {
      off();
      resolve();
    });
  });
  const payload = {
    event: 'library.new',
    Server: { uuid: serverId, title: 'Bench' },
    Metadata: { type: 'movie', ratingKey, title: 'x', librarySectionID: 1 },
  };
  each.push(
    await timed(async () => {
      const form = new FormData();
      form.set('payload', JSON.stringify(payload));
      const response = await fetch(hook, { method: 'POST', body: form });
      if (response.status !== 200) throw new Error(`the webhook answered ${response.status}`);
      await stored;
    }),
  );
  bare.push(await timed(() => writeAndSync(join(dir, 'yardstick.tmp'))));
}
await app.stop();
answer({ each, bare });

async function writeAndSync(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.writeFile(Buffer.alloc(4096));
  await file.sync();
  await file.close();
}
