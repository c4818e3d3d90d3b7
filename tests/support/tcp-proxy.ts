import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a line does to those who use it. All can be changed while it is in use. */
export interface LineFaults {
  /** Milliseconds every byte is on its way, one direction. */
  latencyMs: number;
  /** Bytes in a second and direction; null: as fast as it goes. */
  bytesPerSec: number | null;
  /** Nothing gets through, and nobody is told. */
  isFrozen: boolean;
  /** New connections are refused. */
  isRefused: boolean;
}

/** A TCP line between two programs of this machine that can be made as bad as a real one. */
export class TcpProxy {
  readonly host = '127.0.0.1';
  readonly faults: LineFaults = { latencyMs: 0, bytesPerSec: null, isFrozen: false, isRefused: false };
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #cutAt = Infinity;
  #cutEvery = Infinity;
  /** Bytes that went through, both ways. */
  passed = 0;
  connections = 0;
  port = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#join(socket);
    });
  }

  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, proxy.host);
    await once(proxy.#server, 'listening');
    proxy.port = (proxy.#server.address() as { port: number }).port;
    return proxy;
  }

  /** Ends every connection with a reset as soon as so many more bytes have passed: once, or each time again. */
  cutAfter(bytes: number, isRepeated = false): void {
    this.#cutAt = this.passed + bytes;
    this.#cutEvery = isRepeated ? bytes : Infinity;
  }

  /** Ends every standing connection with a reset. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    if (this.faults.isRefused) {
      near.resetAndDestroy();
      return;
    }
    this.connections++;
    const far = connect({ ...this.#target, noDelay: true, allowHalfOpen: true });
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
    this.#transferFile(near, far);
    this.#transferFile(far, near);
  }

  /** Each direction is a line of its own: bytes queue up behind its speed, all are as long on their way, and none overtakes. */
  #transferFile(from: Socket, to: Socket): void {
    let freeAtMs = 0;
    let waiting = 0;
    const queue: { chunk: Buffer; dueAtMs: number }[] = [];
    const passDue = (): void => {
      for (let first = queue[0]; first; first = queue[0]) {
        const inMs = this.faults.isFrozen ? 50 : first.dueAtMs - performance.now();
        if (inMs > 0.5) {
          setTimeout(passDue, inMs).unref();
          return;
        }
        queue.shift();
        const { chunk } = first;
        waiting -= chunk.length;
        if (from.isPaused() && waiting < 4_000_000) from.resume();
        this.passed += chunk.length;
        to.write(chunk);
        if (this.passed < this.#cutAt) continue;
        this.#cutAt = this.passed + this.#cutEvery;
        this.cut();
      }
    };
    from.on('data', (chunk: Buffer) => {
      const { latencyMs, bytesPerSec } = this.faults;
      freeAtMs =
        Math.max(freeAtMs, performance.now()) + (bytesPerSec === null ? 0 : (chunk.length / bytesPerSec) * 1000);
      waiting += chunk.length;
      if (waiting > 8_000_000) from.pause();
      queue.push({ chunk, dueAtMs: freeAtMs + latencyMs });
      // Whoever is in the queue already has a timer.
      if (queue.length === 1) passDue();
    });
    from.on('end', () => {
      setTimeout(() => to.end(), Math.max(0, freeAtMs - performance.now()) + this.faults.latencyMs + 5);
    });
  }
}
