import { createLog } from '../../src/lib/log.js';
import { Carrier } from '../../src/ssh/carrier.js';
import type { TransferRequest } from '../../src/ssh/transfer-request.js';

/** A program that carries a file slowly, says its bytes, and does not end by itself. */
const load = JSON.parse(process.argv[2] ?? '') as TransferRequest;
const onBytes = (doneBytes: number): void => {
  process.stdout.write(`${doneBytes}\n`);
};
await new Carrier({ log: createLog('silent') }).carry(load, { onBytes, signal: new AbortController().signal });
