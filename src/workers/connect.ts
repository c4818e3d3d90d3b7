import { createHash } from 'node:crypto';
import type { RemoteExecutor } from '../domain/executor.js';
import type { Worker, WorkerKey } from '../domain/worker.js';
import { SshExecutor, type SshWorkerOptions } from './ssh.js';

export { seeHostKey } from '../ssh/connect.js';

/** Who encodes on a worker. `installId` tells this MediaFlow from others that use the same machine. */
export function connectWorker(
  worker: Worker & { hostKey: string },
  key: WorkerKey,
  {
    installId,
    agentSocket,
    ...options
  }: { installId: string; agentSocket: string | null } & Pick<
    SshWorkerOptions,
    'now' | 'patienceMs' | 'pollMs' | 'sharedPaths'
  >,
): RemoteExecutor {
  const { host, port, username, hostKey, scratchDir, maxMbps } = worker;
  const auth =
    key.kind === 'key' && key.passphrase === undefined ? { kind: key.kind, privateKey: key.privateKey } : key;
  return new SshExecutor({
    address: { host, port, username, hostKey, auth, agentSocket: agentSocket ?? undefined },
    folderName: `mediaflow-${createHash('sha256').update(installId).digest('hex').slice(0, 8)}`,
    ...{ scratchDir, maxMbps, ...options },
  });
}
