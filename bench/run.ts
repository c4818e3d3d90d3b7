import { benchBrowse } from './browse.js';
import { benchEncode } from './encode.js';
import { benchFleet } from './fleet.js';
import type { Figure } from './figure.js';
import { benchFirstStart } from './first-start.js';
import { benchLibrary } from './library.js';
import { benchLive } from './live.js';
import { benchLoad } from './load.js';
import { benchQueue } from './queue.js';
import { benchRules } from './rules.js';
import { runAll } from './run-all.js';
import { benchStart } from './start.js';
import { benchSync } from './sync.js';
import { benchTransfer } from './transfer.js';
import { benchWebhook } from './webhook.js';

/** A new benchmark is a file beside this one that exports such a function, and a line here. */
const BENCHES: Record<string, () => Promise<Figure[]>> = {
  library: benchLibrary,
  start: benchStart,
  sync: benchSync,
  'first-start': benchFirstStart,
  webhook: benchWebhook,
  queue: benchQueue,
  rules: benchRules,
  browse: benchBrowse,
  live: benchLive,
  load: benchLoad,
  encode: benchEncode,
  transfer: benchTransfer,
  fleet: benchFleet,
};

/** `--only library,live` measures a part and leaves the other results as they are. */
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1]?.split(',') : undefined;
const unknown = (only ?? []).filter((id) => !(id in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. One of: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
process.exit(await runAll(BENCHES, { only, dir: import.meta.dirname }));
