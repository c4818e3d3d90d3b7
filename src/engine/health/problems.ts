import { AppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Servers } from '../../domain/plex/media-server.js';
import { isInside } from '../../domain/settings/paths.js';
import { problem, type Problem } from '../../domain/health/problem.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { access, readdir } from '../../files/disks.js';
import { freeBytes } from '../../files/space.js';
import type { Swapper } from '../../files/swap.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import { Loop } from '../../lib/loop.js';
import { formatBytes } from '../../lib/units.js';
import { knownProblems, type KnownProblemParts } from './problems-known.js';
import { problemsOfServers } from './problems-plex.js';

const LOOK_MS = 60_000;
/** Less room than this beside the data and MediaFlow may soon be unable to write down what it does. */
const LOW_BYTES = 500_000_000;

export interface ProblemParts extends KnownProblemParts {
  bus: Bus<Events>;
  log: Log;
  server: Servers;
  swapper: Swapper;
  dataDir: string;
}

/** What the owner should know or mend, looked for once a minute and told with its fix. */
export class Problems {
  readonly #parts: ProblemParts;
  readonly #loop: Loop;
  #seen: readonly Problem[] = [];
  #room: readonly Problem[] = [];
  #unsubscribe: () => void = () => undefined;

  constructor(parts: ProblemParts) {
    this.#parts = parts;
    this.#loop = new Loop((signal) => this.#look(signal), {
      everyMs: LOOK_MS,
      onError: (error) => {
        parts.log.warn({ err: error }, 'Looking for problems failed');
      },
    });
  }

  start(): void {
    const { bus } = this.#parts;
    const forget = [
      bus.on('settings.changed', () => {
        this.#loop.wake();
      }),
      bus.on('worker.changed', ({ ids }) => {
        if (ids.includes(LOCAL_WORKER_ID)) bus.emit('problem.changed', {});
      }),
    ];
    this.#unsubscribe = () => {
      for (const each of forget) each();
    };
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#loop.stop();
  }

  /** The same with the room that there is this very moment: on a full disk a figure of a minute ago misleads. */
  async current(): Promise<Problem[]> {
    this.#room = await this.#lookAtRoom();
    return this.list();
  }

  /** Errors first. Costs nothing: what takes time was looked at before. */
  list(): Problem[] {
    const all = [...this.#parts.store.problems, ...this.#seen, ...this.#room, ...knownProblems(this.#parts)];
    return all.sort((a, b) => a.severity.localeCompare(b.severity));
  }

  async #look(signal: AbortSignal): Promise<void> {
    const found = await Promise.all([
      problemsOfServers(this.#parts, signal),
      this.#lookAtFolders(),
      this.#lookAtSwaps(),
    ]);
    const before = JSON.stringify([this.#seen, this.#room]);
    this.#seen = found.flat();
    this.#room = await this.#lookAtRoom();
    if (before !== JSON.stringify([this.#seen, this.#room])) this.#parts.bus.emit('problem.changed', {});
  }

  async #lookAtFolders(): Promise<Problem[]> {
    const { mappings } = this.#parts.store.settings.value.paths;
    const found: Problem[] = [];
    for (const { to } of mappings) {
      const trouble = await troubleOf(to);
      if (trouble !== null)
        found.push(
          problem(`folder.${to}`, 'error', trouble, 'Nothing in it is touched until it is back.', '/settings/paths'),
        );
    }
    const { sections, servers } = this.#parts.store;
    // What somebody shares lies on their machine, and what is switched off is not touched.
    for (const section of sections.where(({ enabled, serverId }) => enabled && servers.isOwned(serverId))) {
      for (const location of section.locations) {
        if (servers.mappingsOf(section.serverId).some(({ from }) => isInside(location, from))) continue;
        found.push(
          problem(
            `unmapped.${location}`,
            'warning',
            `${section.title} is in ${location}, and no path mapping covers that folder.`,
            'Add a path mapping for it.',
            '/settings/paths',
          ),
        );
      }
    }
    return found;
  }

  async #lookAtRoom(): Promise<Problem[]> {
    const free = await freeBytes(this.#parts.dataDir);
    if (free >= LOW_BYTES) return [];
    return [
      problem(
        'data.room',
        'error',
        `Only ${formatBytes(free)} are free beside MediaFlow's own data.`,
        `Free some space on the disk of ${this.#parts.dataDir}.`,
        null,
      ),
    ];
  }

  async #lookAtSwaps(): Promise<Problem[]> {
    const found = await this.#parts.swapper.problems();
    return found.map(({ id, message }) =>
      problem(`swap.${id ?? message}`, 'error', message, 'Neither file is touched until this is settled.', '/queue'),
    );
  }
}

/** What is wrong with a media folder, in a sentence; null when it can be worked in. */
async function troubleOf(folder: string): Promise<string | null> {
  try {
    await access(folder);
    const names = await readdir(folder);
    return names.some((name) => !name.startsWith('.')) ? null : `${folder} is empty. Is its disk or share mounted?`;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `${folder} is not there. Is its disk or share mounted?`;
    if (code === 'EACCES' || code === 'EPERM')
      return `${folder} may not be read and written by the user MediaFlow runs as.`;
    if (code === 'EROFS') return `${folder} is read-only.`;
    return `${folder} cannot be used: ${(error as Error).message}`;
  }
}
