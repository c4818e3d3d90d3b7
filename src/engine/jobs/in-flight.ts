/** What is being worked on right now, by id, so that nothing is worked on twice and everything can be stopped. */
export class InFlight {
  readonly #work = new Map<string, { abort: AbortController; done: Promise<void> }>();

  get size(): number {
    return this.#work.size;
  }

  ids(): string[] {
    return [...this.#work.keys()];
  }

  has(id: string): boolean {
    return this.#work.has(id);
  }

  /** Starts work that must handle its own errors. Does nothing when the id is already being worked on. */
  start(id: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = this.#work.get(id);
    if (running) return running.done;
    const abort = new AbortController();
    const done = work(abort.signal).finally(() => this.#work.delete(id));
    this.#work.set(id, { abort, done });
    return done;
  }

  /** Aborts the work and resolves when it has ended. */
  async stop(id: string, reason: Error): Promise<void> {
    const running = this.#work.get(id);
    running?.abort.abort(reason);
    await running?.done.catch(() => undefined);
  }

  async stopAll(reason: Error): Promise<void> {
    await Promise.all([...this.#work.keys()].map((id) => this.stop(id, reason)));
  }
}
