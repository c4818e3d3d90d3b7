import type { SshAddress } from './connect.js';
import { SshConnection } from './connection.js';

/** Connections that just transferred a file and may transfer the next: to connect takes about ten round trips. */
export class KeptConnections {
  readonly #keepMs: number;
  readonly #kept = new Map<string, { connection: SshConnection; limit: NodeJS.Timeout }[]>();

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** One that was kept for the same machine, user, key and host key, or a new one. Throws what `SshConnection.open` throws. */
  async take(address: SshAddress, signal: AbortSignal): Promise<SshConnection> {
    const kept = this.#kept.get(nameOf(address)) ?? [];
    for (let one = kept.pop(); one; one = kept.pop()) {
      clearTimeout(one.limit);
      if (one.connection.isOpen) return one.connection;
    }
    return SshConnection.open(address, signal);
  }

  /** It is closed when nobody takes it for a while. */
  giveBack(address: SshAddress, connection: SshConnection): void {
    if (!connection.isOpen) return;
    const kept = this.#kept.get(nameOf(address)) ?? [];
    this.#kept.set(nameOf(address), kept);
    const limit = setTimeout(() => {
      kept.splice(
        kept.findIndex((one) => one.connection === connection),
        1,
      );
      if (kept.length === 0) this.#kept.delete(nameOf(address));
      connection.close();
    }, this.#keepMs);
    kept.push({ connection, limit });
  }
}

const nameOf = (address: SshAddress): string => JSON.stringify(address);
