// MediaFlow as a whole that takes a burst of webhooks; says how long they were answered in, and when all was worked off.
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, runChild } from './child.js';
import { startBesidePlex } from './with-plex.js';

const [dir = '', plexUrl = '', token = '', serverId = '', connections = '', keys = ''] = process.argv.slice(2);
const PATIENCE_MS = 180_000;
const SETTLED_MS = 3000;
const { app, hook } = await startBesidePlex({ dir, url: plexUrl, token, serverId });
const { store } = app.context;
// Nobody posts a burst in the very second in which the program starts.
await app.settled();
await sleep(SETTLED_MS);
const taken = await runChild<{ each: number[]; bare: number[] }>('webhook-senders-child.ts', [
  hook,
  serverId,
  connections,
  keys,
]);
const answeredMs = performance.now();
const count = keys.split(',').length;
const isOver = (): boolean => store.pending.size === 0 && store.library.size >= count;
while (!isOver() && performance.now() - answeredMs < PATIENCE_MS) await sleep(100);
const afterMs = performance.now() - answeredMs;
const lost = keys.split(',').filter((key) => !store.library.has(`${serverId.slice(0, 8)}-${key}`)).length;
const pending = store.pending.size;
await app.stop();
answer({ ...taken, afterMs, lost, pending });
