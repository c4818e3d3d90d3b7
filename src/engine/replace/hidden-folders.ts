import { remoteOf } from '../../domain/settings/disk.js';
import { isInside } from '../../domain/settings/paths.js';
import { clearHidden, quarantineDirOf } from '../../files/places.js';
import { Loop } from '../../lib/loop.js';
import type { QueueParts } from '../jobs/parts.js';

const HOUR_MS = 3_600_000;

/** Takes the hidden folders of media folders away when nothing needs them: at the start, and after jobs and originals have gone. */
export class HiddenFolders {
  readonly #parts: QueueParts;
  readonly #loop: Loop;
  readonly #unsubscribe: (() => void)[] = [];
  /** Whose folders may have become empty. No other machine is asked at the start only for that. */
  #uncleared: 'none' | 'local' | 'all' = 'local';

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#loop = new Loop(() => this.#clear(), {
      everyMs: HOUR_MS,
      onError: (error) => {
        parts.log.error({ err: error }, 'The hidden folders of media folders could not be read');
      },
    });
  }

  start(): void {
    const { bus } = this.#parts;
    const note = (): void => {
      this.#uncleared = 'all';
    };
    this.#unsubscribe.push(bus.on('job.completed', note), bus.on('job.failed', note));
    this.#unsubscribe.push(
      bus.on('quarantine.changed', () => {
        note();
        this.#loop.wake();
      }),
    );
    this.#loop.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#loop.stop();
  }

  /** Not while anything works in them, or waits there to be swapped: their folders are made before they are filled. */
  async #clear(): Promise<void> {
    const { store, log } = this.#parts;
    const isInUse =
      store.jobs.where(({ state }) => ['running', 'verified', 'replacing'].includes(state)).length > 0 ||
      store.quarantine.where(({ state }) => state === 'moving').length > 0;
    if (this.#uncleared === 'none' || isInUse) return;
    const isFarIncluded = this.#uncleared === 'all';
    this.#uncleared = 'none';
    for (const root of new Set(store.settings.value.paths.mappings.map(({ to }) => to))) {
      if ((!isFarIncluded && remoteOf(root) !== null) || this.#keepsIn(root)) continue;
      try {
        if (!(await clearHidden(root))) log.debug({ root }, 'Something else is in the hidden folder; it stays');
      } catch (error) {
        log.debug({ err: error, root }, 'The hidden folder of a media folder could not be read');
      }
    }
  }

  /** Disks on which originals are kept need not be woken for this. */
  #keepsIn(root: string): boolean {
    const folder = quarantineDirOf(root);
    const kept = this.#parts.store.quarantine.where(({ state }) => state === 'kept');
    return kept.some(({ storedPath }) => isInside(storedPath, folder));
  }
}
