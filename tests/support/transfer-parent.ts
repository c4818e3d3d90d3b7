import { createLog } from '../../src/lib/log.js';
import { FileTransfers } from '../../src/ssh/file-transfers.js';
import type { TransferRequest } from '../../src/ssh/transfer-request.js';

/** A program that transfers a file slowly, says its bytes, and does not end by itself. */
const load = JSON.parse(process.argv[2] ?? '') as TransferRequest;
const onBytes = (doneBytes: number): void => {
  process.stdout.write(`${doneBytes}\n`);
};
await new FileTransfers({ log: createLog('silent') }).transferFile(load, {
  onBytes,
  signal: new AbortController().signal,
});
