import { purgeHold } from '../../domain/replace/clock-seen.js';
import { needsOwner } from '../../domain/collections/collection.js';
import type { WorkerHealth } from '../../domain/jobs/executor.js';
import type { Presets } from '../../domain/presets/presets.js';
import { problem, type Problem } from '../../domain/health/problem.js';
import type { RuleRunner } from '../../domain/rules/rule.js';
import type { FileMismatch } from '../../domain/library/file-mismatch.js';
import type { Store } from '../../store/store.js';
import type { Schedule } from '../settings/schedule.js';

export interface KnownProblemParts {
  store: Store;
  presets: Presets;
  rules: RuleRunner;
  schedule: Pick<Schedule, 'problems'>;
  files: { found(): readonly FileMismatch[] };
  /** What this machine's ffmpeg can do, as it was seen last. */
  fleet: { localHealth(): WorkerHealth | null };
}

/** What the other parts know to be wrong. Costs next to nothing. */
export function knownProblems(parts: KnownProblemParts): Problem[] {
  const { store, files, fleet } = parts;
  return [
    ...ofFfmpeg(fleet.localHealth()),
    ...ofWhatIsRead(parts),
    ...ofSections(store),
    ...strangersOf(files.found()),
    ...ofCollections(store),
    ...heldPurge(store),
    ...ofLostOriginals(store),
  ];
}

/** What MediaFlow reads from files and settings, and cannot use. */
function ofWhatIsRead({
  presets,
  rules,
  schedule,
}: Pick<KnownProblemParts, 'presets' | 'rules' | 'schedule'>): Problem[] {
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
  ];
}

function ofSections({ sections }: Pick<Store, 'sections'>): Problem[] {
  return sections
    .where(({ frozen }) => frozen !== null)
    .map(({ id, title, frozen }) =>
      problem(
        `frozen.${id}`,
        'error',
        `${title} is frozen: ${frozen ?? ''}`,
        'Nothing in it is touched or forgotten until it is back. Sync when it is.',
        '/library',
      ),
    );
}

function ofCollections({ collections }: Pick<Store, 'collections'>): Problem[] {
  return collections
    .where(needsOwner)
    .map(({ id, name }) =>
      problem(
        `collection.${id}`,
        'warning',
        `The collection ${name} is not in sync with Plex.`,
        'Its page says why, and what you can decide.',
        `/collections/${id}`,
      ),
    );
}

function ofLostOriginals({ quarantine }: Pick<Store, 'quarantine'>): Problem[] {
  return quarantine
    .where(({ state }) => state === 'lost')
    .map(({ id, title, storedPath }) =>
      problem(
        `lost.${id}`,
        'warning',
        `The original of ${title} in quarantine is no longer at ${storedPath}.`,
        'If you moved it yourself, all is well.',
        '/quarantine',
      ),
    );
}

function ofFfmpeg(health: WorkerHealth | null): Problem[] {
  if (health === null || health.ok) return [];
  return [
    problem('tools.ffmpeg', 'error', health.reason, 'Install ffmpeg, or set MEDIAFLOW_FFMPEG to its path.', null),
  ];
}

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

function strangersOf(found: readonly FileMismatch[]): Problem[] {
  const of = (kind: 'gone' | 'changed', says: (many: string, title: string) => string, fix: string): Problem[] => {
    const some = found.filter((mismatch) => mismatch.kind === kind);
    const [first] = some;
    if (!first) return [];
    const many = some.length === 1 ? '1 file' : `${some.length} files`;
    return [problem(`files.${kind}`, 'warning', says(many, first.title), fix, `/library/${first.itemId}`)];
  };
  return [
    ...of(
      'changed',
      (many, title) => `${many} changed behind Plex, such as that of ${title}. Plex was asked to refresh them.`,
      'If this stays after the next full sync, scan the library in Plex.',
    ),
    ...of(
      'gone',
      (many, title) => `Plex lists ${many} that MediaFlow does not find, such as that of ${title}.`,
      'If they were deleted or moved, scan the library in Plex; otherwise check the disk.',
    ),
  ];
}
