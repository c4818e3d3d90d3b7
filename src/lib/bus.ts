type Listener<T> = (payload: T) => unknown;

/**
 * A typed in-process event bus.
 *
 * Events are facts ("job.changed"), never requests: to ask for something, call a
 * function. One broken listener never stops the others or the emitter.
 */
export class Bus<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onError: (error: unknown, event: PropertyKey) => void;
  #emitted = 0;

  constructor(onError: (error: unknown, event: PropertyKey) => void) {
    this.#onError = onError;
  }

  /** How many events there were: another number than before says that something happened since. */
  get emitted(): number {
    return this.#emitted;
  }

  /** Returns a function that removes the listener. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener));
    return () => set.delete(listener);
  }

  /** Calls every listener of the event, in the order they were added. */
  emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    this.#emitted++;
    for (const listener of this.#listeners.get(event) ?? []) {
      void this.#call(event, listener as Listener<Events[K]>, payload);
    }
  }

  async #call<K extends keyof Events>(event: K, listener: Listener<Events[K]>, payload: Events[K]): Promise<void> {
    try {
      await listener(payload);
    } catch (error) {
      this.#onError(error, event);
    }
  }
}
