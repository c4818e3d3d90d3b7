import { toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Servers } from '../../domain/plex/media-server.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import { Loop } from '../../lib/loop.js';
import type { Store } from '../../store/store.js';
import type { LibrarySync } from './sync.js';

const AGAIN_MS = 20_000;

export interface FirstContactParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  /** Throws `plex_not_configured`. */
  server: Servers;
  sync: Pick<LibrarySync, 'run' | 'status'>;
}

/**
 * Gets to know a server that only the environment names: who it is, and what it holds. From then on webhooks and answers
 * of any other server are refused. Tries again until the server answers; rests when it is known.
 */
export class FirstContact {
  readonly #parts: FirstContactParts;
  readonly #loop: Loop;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: FirstContactParts) {
    this.#parts = parts;
    this.#loop = new Loop((signal) => this.#look(signal), {
      everyMs: AGAIN_MS,
      onError: (error) => {
        parts.log.warn({ err: toAppError(error) }, 'Plex could not be reached yet; MediaFlow tries again');
      },
    });
  }

  start(): void {
    this.#unsubscribe = this.#parts.bus.on('settings.changed', () => {
      this.#loop.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#loop.stop();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { store, bus, log, sync } = this.#parts;
    const { url, serverId } = store.settings.value.plex;
    if (url === '' || store.secrets.find('plexToken') === null) return;
    if (serverId === '') {
      const { machineIdentifier, name } = await this.#parts.server().identity(signal);
      await store.settings.change({ plex: { serverId: machineIdentifier, serverName: name } });
      log.info({ serverId: machineIdentifier, name }, 'Connected to Plex');
      bus.emit('settings.changed', {});
    }
    if (store.sections.size > 0 || sync.status().state === 'running') return;
    await sync.run({ mode: 'full', trigger: 'start' }).done;
  }
}
