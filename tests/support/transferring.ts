import { createLog } from '../../src/lib/log.js';
import { FileTransfers } from '../../src/ssh/file-transfers.js';
import type { TransferFile } from '../../src/ssh/reconnecting.js';

/** Files are transferred by a process of their own, as in the program. It ends by itself with the last test. */
const transfers = new FileTransfers({ log: createLog('silent') });
export const transferFile: TransferFile = transfers.transferFile.bind(transfers);
