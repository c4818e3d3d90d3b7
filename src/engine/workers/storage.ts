import type { RemoteDisk } from '../../domain/settings/disk.js';
import { AppError } from '../../domain/errors.js';
import { WorkerKey, type SshWorker } from '../../domain/workers/worker.js';
import type { Store } from '../../store/store.js';

export interface StorageParts {
  store: Store;
  connectDisk: (machine: SshWorker & { hostKey: string }, key: WorkerKey) => RemoteDisk;
}

/** What changes how a machine is reached. */
const ADDRESS = ['name', 'host', 'port', 'username', 'authKind', 'hostKey', 'maxMbps'] as const;

/** The disks of machines on which films lie: workers whose host key was confirmed, whether they encode or not. */
export class Storage {
  readonly #parts: StorageParts;
  readonly #disks = new Map<string, { disk: RemoteDisk; reachedBy: string }>();

  constructor(parts: StorageParts) {
    this.#parts = parts;
  }

  /** Connects when it is used. Throws `storage_unreachable` for a machine nobody confirmed. */
  diskOf(machineId: string): RemoteDisk {
    const { store, connectDisk } = this.#parts;
    const row = store.workers.find(machineId);
    const machine = row?.kind === 'ssh' ? row : undefined;
    const sealed = store.secrets.find(`worker:${machineId}`);
    const hostKey = machine?.hostKey ?? null;
    if (!machine || hostKey === null || sealed === null) {
      this.#letGo(machineId);
      const name = row?.name ?? machineId;
      throw new AppError(
        'storage_unreachable',
        `${name}, where the files are stored, is not a known worker. Add it under Workers, and confirm its host key there.`,
      );
    }
    const reachedBy = JSON.stringify([ADDRESS.map((field) => machine[field]), sealed]);
    const known = this.#disks.get(machineId);
    if (known?.reachedBy === reachedBy) return known.disk;
    this.#letGo(machineId);
    const disk = connectDisk({ ...machine, hostKey }, WorkerKey.parse(JSON.parse(sealed)));
    this.#disks.set(machineId, { disk, reachedBy });
    return disk;
  }

  /** Ends all connections; the next use connects again. */
  stop(): void {
    for (const machineId of [...this.#disks.keys()]) this.#letGo(machineId);
  }

  #letGo(machineId: string): void {
    this.#disks.get(machineId)?.disk.close();
    this.#disks.delete(machineId);
  }
}
