import { purgeHold } from '../domain/clock-seen.js';
import { needsOwner } from '../domain/collection.js';
import { AppError } from '../domain/errors.js';
import type { Events } from '../domain/events.js';
import type { Servers } from '../domain/media-server.js';
import { isInside } from '../domain/paths.js';
import type { Presets } from '../domain/presets.js';
import type { Problem } from '../domain/problem.js';
import type { RuleRunner } from '../domain/rule.js';
import type { Stranger } from '../domain/stranger.js';
import type { Executor } from '../domain/executor.js';
import { access, readdir } from '../files/disks.js';
import { freeBytes } from '../files/space.js';
import type { Swapper } from '../files/swap.js';
import type { Bus } from '../lib/bus.js';
import type { Log } from '../lib/log.js';
import { Loop } from '../lib/loop.js';
import { formatBytes } from '../lib/units.js';
import type { Store } from '../store/store.js';
import { problemsOfServers } from './problems-plex.js';
import type { Schedule } from './schedule.js';

const LOOK_MS = 60_000;
/** Less room than this beside the data and MediaFlow may soon be unable to write down what it does. */
const LOW_BYTES = 500_000_000;

export interface ProblemParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  server: Servers;
  presets: Presets;
  rules: RuleRunner;
  executor: Executor;
  swapper: Swapper;
  schedule: Pick<Schedule, 'problems'>;
  files: { found(): readonly Stranger[] };
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
    this.#unsubscribe = this.#parts.bus.on('settings.changed', () => {
      this.#loop.wake();
    });
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
    const all = [...this.#parts.store.problems, ...this.#seen, ...this.#room, ...this.#fromStore()];
    return all.sort((a, b) => a.severity.localeCompare(b.severity));
  }

  async #look(signal: AbortSignal): Promise<void> {
    const found = await Promise.all([
      problemsOfServers(this.#parts, signal),
      this.#lookAtFolders(),
      this.#lookAtTools(signal),
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
            `${section.title} lies in ${location}, and MediaFlow does not know where this machine sees that folder.`,
            'Add a path mapping for it.',
            '/settings/paths',
          ),
        );
      }
    }
    return found;
  }

  async #lookAtTools(signal: AbortSignal): Promise<Problem[]> {
    const health = await this.#parts.executor.check(signal);
    if (health.ok) return [];
    return [
      problem(
        'tools.ffmpeg',
        'error',
        health.reason,
        'Install ffmpeg, or set MEDIAFLOW_FFMPEG to where it lies.',
        null,
      ),
    ];
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

  #fromStore(): Problem[] {
    const { store, presets, rules, schedule } = this.#parts;
    return [
      ...schedule
        .problems()
        .map(({ name, message }) =>
          problem(
            `schedule.${name}`,
            'warning',
            `The schedule "${name}" does not run: ${message}`,
            'Write it as minute hour day month weekday, such as 30 4 * * *.',
            '/settings/plex',
          ),
        ),
      ...store.sections
        .where(({ frozen }) => frozen !== null)
        .map(({ id, title, frozen }) =>
          problem(
            `frozen.${id}`,
            'error',
            `${title} is frozen: ${frozen ?? ''}`,
            'Nothing in it is touched or forgotten until it is back. Sync when it is.',
            '/library',
          ),
        ),
      ...presets.problems.map(({ file, message }) =>
        problem(
          `preset.${file}`,
          'warning',
          `The preset file ${file} is not used: ${message}`,
          'Fix the file and restart.',
          '/presets',
        ),
      ),
      ...rules
        .list()
        .filter((rule) => rule.problem !== null)
        .map((rule) =>
          problem(
            `rule.${rule.id}`,
            'warning',
            `The rule ${rule.title} does not run: ${rule.problem ?? ''}`,
            'The other rules go on. Fix its file and restart.',
            '/rules',
          ),
        ),
      ...strangersOf(this.#parts.files.found()),
      ...store.collections
        .where(needsOwner)
        .map(({ id, name }) =>
          problem(
            `collection.${id}`,
            'warning',
            `The collection ${name} is not kept in step with Plex.`,
            'Its page says why, and what you can decide.',
            `/collections/${id}`,
          ),
        ),
      ...heldPurge(store),
      ...store.quarantine
        .where(({ state }) => state === 'lost')
        .map(({ id, title, storedPath }) =>
          problem(
            `lost.${id}`,
            'warning',
            `The original of ${title} in quarantine is no longer at ${storedPath}.`,
            'If you moved it yourself, all is well.',
            '/quarantine',
          ),
        ),
    ];
  }
}

const problem = (
  id: string,
  severity: Problem['severity'],
  summary: string,
  fix: string,
  link: string | null,
): Problem => ({ id, severity, summary, fix, link });

/** Only where something would be deleted meanwhile. */
function heldPurge({ clock, quarantine, settings }: Store): Problem[] {
  const hold = purgeHold(clock.value);
  if (hold === null || settings.value.safety.dryRun) return [];
  if (quarantine.where(({ state, purgeAt }) => state === 'kept' && purgeAt <= hold.until).length === 0) return [];
  const until = `${hold.until.slice(0, 16).replace('T', ' ')} UTC`;
  return [
    problem(
      'clock.jumped',
      'warning',
      `${hold.reason} No original is deleted by its date before ${until}.`,
      'Check the date and time of this server. Deleting goes on by itself once they have been steady for a day.',
      '/quarantine',
    ),
  ];
}

function strangersOf(found: readonly Stranger[]): Problem[] {
  const of = (kind: 'gone' | 'changed', says: (many: string, title: string) => string, fix: string): Problem[] => {
    const some = found.filter((stranger) => stranger.kind === kind);
    const [first] = some;
    if (!first) return [];
    const many = some.length === 1 ? '1 file' : `${some.length} files`;
    return [problem(`files.${kind}`, 'warning', says(many, first.title), fix, `/library/${first.itemId}`)];
  };
  return [
    ...of(
      'changed',
      (many, title) => `${many} changed behind Plex, such as that of ${title}. Plex was asked to look at them again.`,
      'If this stays after the next full sync, scan the library in Plex.',
    ),
    ...of(
      'gone',
      (many, title) => `Plex lists ${many} that MediaFlow does not find, such as that of ${title}.`,
      'If they were deleted or moved, scan the library in Plex; otherwise check the disk.',
    ),
  ];
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
