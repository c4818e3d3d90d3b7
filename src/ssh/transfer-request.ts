import { Rate } from '../lib/rate.js';
import type { SshAddress } from './connect.js';
import { SshConnection } from './connection.js';
import type { Piece } from './pieces.js';
import { download, upload } from './transfer.js';

/** A file that is to be transferred to a machine or from it, in plain data: another process may do it. */
export interface TransferRequest {
  kind: 'upload' | 'download';
  address: SshAddress;
  /** Of the file here, absolute. */
  path: string;
  /** Folder and name of the file there. */
  dir: string;
  name: string;
  sizeBytes: number;
  /** Parts that are there already, in order; only for an upload. */
  held: readonly Piece[];
  /** How many connections transfer it side by side. */
  lanes: number;
  /** Null: as fast as it goes. */
  bytesPerSec: number | null;
  /** Given up when nothing gets over for this long. Milliseconds. */
  patienceMs: number;
}

export interface Watch {
  /** Called with the bytes that are over. */
  onBytes: (doneBytes: number) => void;
  signal: AbortSignal;
}

/** Where connections come from and go to. */
interface Connections {
  take: (address: SshAddress, signal: AbortSignal) => Promise<SshConnection>;
  giveBack: (address: SshAddress, connection: SshConnection) => void;
}

const EACH_ITS_OWN: Connections = {
  take: (address, signal) => SshConnection.open(address, signal),
  giveBack: (_, connection) => {
    connection.close();
  },
};

/** Transfers it, in this process. What came is not yet compared. Throws what `upload` and `download` throw. */
export async function transferFile(load: TransferRequest, watch: Watch, connections = EACH_ITS_OWN): Promise<void> {
  const { address, path, dir, name, sizeBytes, held, lanes, bytesPerSec, patienceMs } = load;
  const options = {
    connect: (signal: AbortSignal) => connections.take(address, signal),
    giveBack: (connection: SshConnection) => {
      connections.giveBack(address, connection);
    },
    rate: bytesPerSec === null ? null : new Rate(bytesPerSec),
    ...{ lanes, held, patienceMs, ...watch },
  };
  if (load.kind === 'upload') await upload(path, sizeBytes, dir, options, name);
  else await download({ dir, name, sizeBytes }, path, options);
}
