// Opens a data folder, says when it begins and when it has opened, and ends. A test kills it somewhere in between.
import { createLog } from '../../src/lib/log.js';
import { openStore } from '../../src/store/store.js';

process.stdout.write('begins\n');
const store = await openStore({ dir: process.argv[2] ?? '', log: createLog('silent'), now: () => new Date() });
process.stdout.write('open\n');
await store.close();
