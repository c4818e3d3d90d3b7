import { createHash } from 'node:crypto';
import type { RemoteDisk } from '../domain/settings/disk.js';
import type { RemoteExecutor } from '../domain/jobs/executor.js';
import type { SshWorker, WorkerKey } from '../domain/workers/worker.js';
import type { SshAddress } from '../ssh/connect.js';
import { SshDisk } from '../ssh/remote-disk.js';
import { SshExecutor, type SshWorkerOptions } from './ssh.js';

export { FileTransfers } from '../ssh/file-transfers.js';
export { seeHostKey } from '../ssh/connect.js';

/** Who encodes on a worker. `installId` tells this MediaFlow from others that use the same machine. */
export function connectWorker(
  worker: SshWorker & { hostKey: string },
  key: WorkerKey,
  {
    installId,
    agentSocket,
    ...options
  }: { installId: string; agentSocket: string | null } & Pick<
    SshWorkerOptions,
    'now' | 'patienceMs' | 'pollMs' | 'sharedPaths' | 'transferFile'
  >,
): RemoteExecutor {
  const { scratchDir, maxMbps } = worker;
  return new SshExecutor({
    address: addressOf(worker, key, agentSocket),
    folderName: `mediaflow-${createHash('sha256').update(installId).digest('hex').slice(0, 8)}`,
    ...{ scratchDir, maxMbps, ...options },
  });
}

/** The disk of a machine on which films lie. */
export const connectDisk = (
  machine: SshWorker & { hostKey: string },
  key: WorkerKey,
  { agentSocket, ...options }: { agentSocket: string | null } & Pick<SshWorkerOptions, 'patienceMs' | 'transferFile'>,
): RemoteDisk =>
  new SshDisk({
    ...{ address: addressOf(machine, key, agentSocket), name: machine.name, maxMbps: machine.maxMbps },
    ...options,
  });

function addressOf(
  { host, port, username, hostKey }: SshWorker & { hostKey: string },
  key: WorkerKey,
  agentSocket: string | null,
): SshAddress {
  const auth =
    key.kind === 'key' && key.passphrase === undefined ? { kind: key.kind, privateKey: key.privateKey } : key;
  return { host, port, username, hostKey, auth, agentSocket: agentSocket ?? undefined };
}
