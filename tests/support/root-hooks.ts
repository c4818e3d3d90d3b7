import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

// What browsers load is built from its sources; a test must not see what an older source made.
execFileSync(process.execPath, [resolve(import.meta.dirname, '../../scripts/assets.js')]);

// Nothing may hide behind a promise nobody awaited: an unhandled rejection fails the run.
process.on('unhandledRejection', (error) => {
  throw error;
});
