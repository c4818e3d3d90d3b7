import { toPlain, type Answer, type Ask } from './transfer-protocol.js';
import { KeptConnections } from './kept-connections.js';
import { transferFile, type TransferRequest } from './transfer-request.js';

/**
 * The process that transfers files. It is started without environment, is told by messages what to transfer, and ends with the
 * process that started it, whatever becomes of that.
 */
const TELL_EVERY_MS = 100;
/** A connection waits so long for the next file. Milliseconds. */
const KEEP_MS = 15_000;

const connections = new KeptConnections(KEEP_MS);
const running = new Map<number, AbortController>();

const say = (answer: Answer): void => {
  // Nobody listens any more when this fails, and then it ends.
  process.send?.(answer, undefined, undefined, () => undefined);
};

async function run(id: number, load: TransferRequest): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  let toldAtMs = 0;
  const onBytes = (doneBytes: number): void => {
    const now = performance.now();
    if (now - toldAtMs < TELL_EVERY_MS && doneBytes < load.sizeBytes) return;
    toldAtMs = now;
    say({ kind: 'bytes', id, doneBytes });
  };
  try {
    await transferFile(load, { onBytes, signal: abort.signal }, connections);
    say({ kind: 'done', id });
  } catch (error) {
    say({ kind: 'failed', id, error: toPlain(error) });
  } finally {
    running.delete(id);
  }
}

process.on('message', (ask: Ask) => {
  if (ask.kind === 'transfer') void run(ask.id, ask.load);
  else running.get(ask.id)?.abort();
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches all processes of a terminal; the one that started this one says when it is over.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
say({ kind: 'ready' });
