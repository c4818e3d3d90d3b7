import { toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { isFinished } from '../../domain/jobs/job.js';
import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import type { MediaFile } from '../../domain/library/media.js';
import type { Servers } from '../../domain/plex/media-server.js';
import { serverFolderOf } from '../../domain/settings/paths.js';
import type { FileMismatch } from '../../domain/library/file-mismatch.js';
import { stat } from '../../files/disks.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

export interface FileCheckParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  server: Servers;
}

/** So many files are looked at side by side: a disk in a network answers slowly, and others want it too. */
const AT_A_TIME = 8;
/** Whoever changes whole libraries lets the server scan them; asking for each folder would only add to it. */
const MOST_FOLDERS = 50;
/** A file that changed this recently may still be being written; so may one with a date that lies as little ahead. */
const REST_MS = 120_000;

/**
 * Looks, after each full sync, whether files are what the media server says of them. Where somebody exchanged one behind its
 * back, the server is asked to scan that folder; what it then finds comes here as news, like everything else. For a file that
 * is gone nobody is asked: a scan would have the server forget what was watched, and the disk may come back.
 */
export class FileCheck {
  readonly #parts: FileCheckParts;
  #found: readonly FileMismatch[] = [];
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #unsubscribe: () => void = () => undefined;

  constructor(parts: FileCheckParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#abort = new AbortController();
    this.#unsubscribe = this.#parts.bus.on('sync.completed', ({ mode, error }) => {
      if (mode !== 'full' || error !== null) return;
      this.#running = this.#running.then(() => this.#look(this.#abort.signal));
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#abort.abort();
    await this.#running;
  }

  /** What the last look found. */
  found(): readonly FileMismatch[] {
    return this.#found;
  }

  /** Resolves when the look under way is over. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { bus, log } = this.#parts;
    try {
      const mismatches: FileMismatch[] = [];
      const folders = new Map<string, { item: LibraryItem; path: string }>();
      for await (const { item, file, kind } of this.#mismatches(signal)) {
        mismatches.push({ itemId: item.id, title: displayTitle(item), localPath: file.localPath ?? '', kind });
        if (kind === 'changed')
          folders.set(`${item.serverId}\n${serverFolderOf(file.path)}`, { item, path: file.path });
      }
      this.#found = mismatches;
      bus.emit('problem.changed', {});
      if (mismatches.length > 0) log.info({ files: mismatches.length }, 'Files are not what Plex says they are');
      await this.#tell([...folders.values()].slice(0, MOST_FOLDERS), signal);
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'The files of the library could not be checked');
    }
  }

  async *#mismatches(
    signal: AbortSignal,
  ): AsyncGenerator<{ item: LibraryItem; file: MediaFile; kind: FileMismatch['kind'] }> {
    const { store } = this.#parts;
    const busy = new Set<string>();
    for (const { state, sourcePath } of store.jobs.values()) if (!isFinished(state)) busy.add(sourcePath);
    const loopYield = new EventLoopYield();
    let some: { item: LibraryItem; file: MediaFile }[] = [];
    for (const item of store.library.values()) {
      if (loopYield.isDue) await loopYield.pause();
      signal.throwIfAborted();
      if (!this.#isOurs(item)) continue;
      for (const file of item.files)
        if (file.localPath !== null && !busy.has(file.localPath)) some.push({ item, file });
      if (some.length < AT_A_TIME) continue;
      yield* await this.#compare(some);
      some = [];
    }
    yield* await this.#compare(some);
  }

  /** Of a library that is frozen nobody knows whether its disk is there. */
  #isOurs({ state, serverId, sectionId }: LibraryItem): boolean {
    const { servers, sections } = this.#parts.store;
    const section = sections.find(sectionId);
    return state === 'present' && section?.enabled === true && section.frozen === null && servers.isOwned(serverId);
  }

  async #compare(files: readonly { item: LibraryItem; file: MediaFile }[]) {
    const kinds = await Promise.all(files.map(({ file }) => this.#kindOf(file)));
    return files.flatMap((each, index) => {
      const kind = kinds[index] ?? null;
      return kind === null ? [] : [{ ...each, kind }];
    });
  }

  async #kindOf({ localPath, sizeBytes }: MediaFile): Promise<FileMismatch['kind'] | null> {
    try {
      const seen = await stat(localPath ?? '');
      const isResting = Math.abs(this.#parts.now().getTime() - Number(seen.mtimeNs / 1_000_000n)) >= REST_MS;
      return seen.sizeBytes !== sizeBytes && isResting ? 'changed' : null;
    } catch (error) {
      // A disk that does not answer says nothing about the file.
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
    }
  }

  async #tell(folders: readonly { item: LibraryItem; path: string }[], signal: AbortSignal): Promise<void> {
    for (const { item, path } of folders) {
      signal.throwIfAborted();
      try {
        await this.#parts.server(item.serverId).refresh(item.sectionId, serverFolderOf(path), signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#parts.log.info({ err: toAppError(error), path }, 'Plex could not be asked to scan a folder');
      }
    }
  }
}
