import {
  NotificationListener,
  type NotificationListenerParts,
  type NotificationListenerStatus,
} from './notification-listener.js';

type Parts = Omit<NotificationListenerParts, 'serverId' | 'address'>;

/** Listens to every server there is, and begins and ends with them. */
export class NotificationListeners {
  readonly #parts: Parts;
  readonly #first: NotificationListener;
  /** Server id -> its connection, for all but the first. */
  readonly #others = new Map<string, NotificationListener>();
  #changing: Promise<void> = Promise.resolve();
  #unsubscribe: () => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { servers } = parts.store;
    this.#first = new NotificationListener({
      ...parts,
      serverId: () => servers.firstId,
      // A server that has not said yet who it is cannot be listened to.
      address: () => (servers.firstId === '' ? null : this.#addressOf(servers.firstId)),
    });
  }

  start(): void {
    this.#unsubscribe = this.#parts.bus.on('settings.changed', () => {
      this.#changing = this.#changing.then(() => this.#follow());
    });
    this.#first.start();
    this.#changing = this.#follow();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#changing;
    await Promise.all([this.#first, ...this.#others.values()].map((news) => news.stop()));
    this.#others.clear();
  }

  /** Of one server; without an id, of the first. */
  status(serverId?: string): NotificationListenerStatus {
    return (this.#others.get(serverId ?? '') ?? this.#first).status();
  }

  async #follow(): Promise<void> {
    const { servers } = this.#parts.store;
    for (const [id, news] of this.#others) {
      if (servers.others.has(id)) continue;
      this.#others.delete(id);
      await news.stop();
    }
    for (const { id } of servers.others.values()) {
      if (this.#others.has(id)) continue;
      const news = new NotificationListener({ ...this.#parts, serverId: () => id, address: () => this.#addressOf(id) });
      this.#others.set(id, news);
      news.start();
    }
  }

  #addressOf(serverId: string): string | null {
    const address = this.#parts.store.servers.address(serverId);
    return address && JSON.stringify(address);
  }
}
