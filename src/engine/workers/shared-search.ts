import { remoteOf } from '../../domain/settings/disk.js';
import { stat } from 'node:fs/promises';
import { conflict } from '../../domain/errors.js';
import type { RemoteExecutor } from '../../domain/jobs/executor.js';
import { localRootOf } from '../../domain/settings/paths.js';
import { pickSamples, suggestPaths, type SampleFile, type SuggestedPath } from '../../domain/workers/shared-folders.js';
import type { Store } from '../../store/store.js';

/** What came of looking for folders that both machines see. */
export interface FoundShared {
  suggestions: SuggestedPath[];
  /** How many files were looked for, and how many had a twin there in name and size that holds other bytes. */
  lookedFor: number;
  lookAlikes: number;
  /** Otherwise the time was over before everything was looked through. */
  isComplete: boolean;
}

export interface SharedFinderParts {
  store: Store;
  /** Throws `worker_unavailable`. */
  remote: (id: string) => RemoteExecutor;
}

/** Searching takes a minute at most; what was found is then compared. Milliseconds. */
const LIMIT_MS = 300_000;

/** Finds out under what paths a worker sees the folders of the library. */
export class SharedFinder {
  readonly #parts: SharedFinderParts;

  constructor(parts: SharedFinderParts) {
    this.#parts = parts;
  }

  /** Only looks: nothing is changed. Throws `conflict` when no file is known to look for, and trouble of the worker. */
  async find(id: string, signal: AbortSignal = AbortSignal.timeout(LIMIT_MS)): Promise<FoundShared> {
    const { store, remote } = this.#parts;
    const executor = remote(id);
    // What lies on another machine is shared with none by a path of this one.
    const mappings = store.settings.value.paths.mappings.filter(({ to }) => remoteOf(to) === null);
    const roots = [...new Set(mappings.flatMap(({ to }) => localRootOf(to, mappings) ?? []))];
    const samples = await there(pickSamples(await this.#files(), roots));
    if (samples.length === 0)
      throw conflict(
        'No film of the library lies in a mapped folder of this machine, so there is nothing to search for. Sync the library first, or check Settings, Paths.',
      );
    const { seen, lookAlikes, isComplete } = await executor.findShared(samples, signal);
    return { suggestions: suggestPaths(seen, samples, roots), lookedFor: samples.length, lookAlikes, isComplete };
  }

  async #files(): Promise<SampleFile[]> {
    const found: SampleFile[] = [];
    await this.#parts.store.library.each(({ files }) => {
      for (const { localPath, sizeBytes } of files) if (localPath !== null) found.push({ path: localPath, sizeBytes });
    });
    return found;
  }
}

/** Those that lie here with the size they had when the library was read. */
async function there(samples: readonly SampleFile[]): Promise<SampleFile[]> {
  const sizes = await Promise.all(samples.map(({ path }) => stat(path).catch(() => null)));
  return samples.filter(({ sizeBytes }, at) => sizes[at]?.size === sizeBytes);
}
