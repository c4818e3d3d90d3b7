import { basename, dirname, join } from 'node:path';
import { AppError } from '../domain/errors.js';
import type { Fingerprint } from '../domain/jobs/job.js';
import { keepsName, type SwapPlan, type SwapRecord } from '../domain/replace/swap.js';
import { syncFolderIfThere, unlinkIfThere } from './duplicate.js';
import { mkdirs, readdir, rmdir } from './disks.js';
import { naming } from './file-error.js';
import { fingerprintIfFile, isSameFile, isSameInode } from './fingerprint.js';
import { sha256File } from './hash.js';
import type { SwapJournal } from './journal.js';

/** Called with `before:<step>` and `after:<step>`, and awaited. */
export type OnStep = (name: string) => Promise<void> | void;

/** Every place a swap may touch, beside those named in its plan. Short names: they fit where the film's name already fills the limit. */
function hiddenPaths(plan: SwapPlan): { staged: string; aside: string; temps: string[] } {
  const beside = (path: string, ending: string): string => join(dirname(path), `.mediaflow-${plan.id}${ending}`);
  const homes = [plan.targetPath, plan.outputPath, ...(plan.storedPath === null ? [] : [plan.storedPath])];
  return {
    staged: beside(plan.targetPath, '.part'),
    aside: beside(plan.targetPath, '.old.part'),
    temps: [...new Set(homes.map((path) => beside(path, '.copy.part')))],
  };
}

/** One swap while something is being done to it: its record, and the few things that may be done. */
export class SwapRun {
  readonly #journal: SwapJournal;
  readonly #onStep: OnStep;
  readonly #hashByLook = new Map<string, string>();
  readonly signal: AbortSignal | undefined;
  /** The new file while it waits beside its target. */
  readonly staged: string;
  /** Unfinished copies. */
  readonly temps: readonly string[];
  /** The second home of the old file while the swap can be undone; null when it keeps its own name until the end. */
  readonly kept: string | null;
  record: SwapRecord;

  constructor(record: SwapRecord, journal: SwapJournal, onStep: OnStep, signal?: AbortSignal) {
    const { staged, aside, temps } = hiddenPaths(record.plan);
    this.record = record;
    this.#journal = journal;
    this.#onStep = onStep;
    this.signal = signal;
    this.staged = staged;
    this.temps = temps;
    this.kept = record.plan.storedPath ?? (record.plan.sourceFingerprint && keepsName(record.plan) ? aside : null);
  }

  get plan(): SwapPlan {
    return this.record.plan;
  }

  /** Whether the new file is renamed over the old one, so that the name never stands empty. */
  get overwrites(): boolean {
    return keepsName(this.plan) && this.plan.sourceFingerprint !== null;
  }

  async step<T>(name: string, task: () => Promise<T>): Promise<T> {
    await this.#onStep(`before:${name}`);
    const result = await task();
    await this.#onStep(`after:${name}`);
    return result;
  }

  /** Writes the record down; the disk may be touched accordingly only after this. */
  async enter(phase: SwapRecord['phase'], change: Partial<SwapRecord> = {}): Promise<void> {
    const next = { ...this.record, ...change, phase };
    await this.step(`journal-${phase}`, () => this.#journal.write(next));
    this.record = next;
  }

  /** Whether the new file, complete and unchanged, stands at the path. */
  async holdsOutput(path: string): Promise<boolean> {
    const seen = await fingerprintIfFile(path);
    if (seen?.sizeBytes !== this.plan.outputSizeBytes) return false;
    if (this.record.stagedFingerprint && isSameInode(seen, this.record.stagedFingerprint)) return true;
    return (await this.#hash(path, seen)) === this.plan.outputSha256;
  }

  /** Whether the old file, unchanged, stands at the path. */
  async holdsSource(path: string): Promise<boolean> {
    const { sourceFingerprint } = this.plan;
    const seen = await fingerprintIfFile(path);
    if (!seen || seen.sizeBytes !== sourceFingerprint?.sizeBytes) return false;
    if (isSameInode(seen, sourceFingerprint)) return true;
    if (this.record.sourceSha256 === null) return isSameFile(seen, sourceFingerprint);
    return (await this.#hash(path, seen)) === this.record.sourceSha256;
  }

  /** One reading of a large file is enough while it does not change. */
  async #hash(path: string, { dev, ino, sizeBytes, mtimeNs }: Fingerprint): Promise<string> {
    const key = [path, dev, ino, sizeBytes, mtimeNs].join('\0');
    const known = this.#hashByLook.get(key);
    if (known !== undefined) return known;
    const sha256 = await sha256File(path, this.signal);
    this.#hashByLook.set(key, sha256);
    return sha256;
  }

  /** The temporary name for a copy to `path`. */
  tempFor(path: string): string {
    return this.#own(join(dirname(path), `.mediaflow-${this.plan.id}.copy.part`));
  }

  /** Deletes a file, only ever one that this swap owns. The caller has made sure that its content stands elsewhere. */
  async remove(path: string): Promise<void> {
    await unlinkIfThere(this.#own(path));
    await syncFolderIfThere(dirname(path));
  }

  /** Makes the folder of a file that this swap puts somewhere, and makes it last. */
  async makeFolderFor(path: string): Promise<void> {
    const folder = dirname(this.#own(path));
    const first = await naming(folder, () => mkdirs(folder));
    if (first !== undefined) await syncFolderIfThere(dirname(first));
  }

  /** Takes away the folder that held one kept original, when nothing is left in it. */
  async removeEmptyFolderOf(path: string): Promise<void> {
    const folder = dirname(this.#own(path));
    // Only a folder made for this one entry; the quarantine itself stays.
    if (basename(folder) === 'quarantine') return;
    await rmdir(folder).catch(() => undefined);
  }

  /** Whether two paths are two entries of their folders, not two spellings of one on a disk that ignores case. */
  async areTwoNames(one: string, other: string): Promise<boolean> {
    const fold = (path: string): string => path.normalize('NFC').toLowerCase();
    if (one === other || fold(one) !== fold(other)) return one !== other;
    const names = await naming(dirname(one), () => readdir(dirname(one)));
    return names.includes(basename(one)) && names.includes(basename(other));
  }

  #own(path: string): string {
    const { sourcePath, targetPath, outputPath } = this.plan;
    const own = [sourcePath, targetPath, outputPath, this.staged, this.kept, ...this.temps];
    if (!own.includes(path)) throw new AppError('path_forbidden', `${path} does not belong to this swap`);
    return path;
  }
}
