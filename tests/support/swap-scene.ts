import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remoteOf, remotePath } from '../../src/domain/settings/disk.js';
import type { SwapPlan } from '../../src/domain/replace/swap.js';
import { fingerprint } from '../../src/files/fingerprint.js';

export const OLD = Buffer.from('the original, frame by frame. '.repeat(4000));
export const NEW = Buffer.from('the verified encode. '.repeat(3000));

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Whether the machine has a second device, for real moves between disks. */
export const hasTwoDevices = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev;

/** A folder in memory where there is one: nothing waits for a disk there. */
const fastDir = hasTwoDevices ? '/dev/shm' : tmpdir();

export interface SceneOptions {
  kind: 'replace' | 'restore';
  /** `same`: the name is kept; `new`: another extension; `gone`: the replacement was deleted before a restore. */
  naming: 'same' | 'new' | 'gone';
  /** `near`: everything on one disk; `far`: work folder and quarantine on another; `nas`: all but the work folder on the machine `nas`. */
  distance: 'near' | 'far' | 'nas';
  oldName?: string;
  newName?: string;
}

export interface Scene {
  plan: SwapPlan;
  journalDir: string;
  /** What stands at `sourcePath` before, and what at `outputPath`. */
  sourceBytes: Buffer | null;
  outputBytes: Buffer;
  /** Everything a swap could reach. */
  roots: string[];
  remove(): Promise<void>;
}

/** A small library with one film, ready for its swap, and a neighbour that nobody may touch. */
export async function aScene(options: SceneOptions): Promise<Scene> {
  const near = await mkdtemp(join(fastDir, 'swap-'));
  const far = options.distance === 'far' ? await mkdtemp(join(tmpdir(), 'swap-far-')) : near;
  const film = join(near, 'Films', 'Film (2001)');
  await mkdir(film, { recursive: true });
  await mkdir(join(far, 'work'));
  await writeFile(join(film, 'neighbour.srt'), 'untouched');
  const oldPath = join(film, options.oldName ?? 'Film (2001).avi');
  const newPath = options.naming === 'same' ? oldPath : join(film, options.newName ?? 'Film (2001).mkv');
  const kept = join(far, 'quarantine', 'entry-1', 'kept');
  const isReplace = options.kind === 'replace';
  const [sourcePath, outputPath] = isReplace ? [oldPath, join(far, 'work', 'out.mkv')] : [newPath, kept];
  const [sourceBytes, outputBytes] = isReplace ? [OLD, NEW] : [NEW, OLD];
  const named = (path: string): string => (options.distance === 'nas' ? remotePath('nas', path) : path);
  if (!isReplace) await mkdir(join(far, 'quarantine', 'entry-1'), { recursive: true });
  await writeFile(outputPath, outputBytes);
  if (options.naming !== 'gone') {
    await writeFile(sourcePath, sourceBytes, { mode: 0o640 });
    await utimes(sourcePath, 1_000_000_000.25, 1_100_000_000.5);
  }
  return {
    plan: {
      kind: options.kind,
      id: 'job-1',
      sourcePath: named(sourcePath),
      targetPath: named(isReplace ? newPath : oldPath),
      outputPath: isReplace ? outputPath : named(outputPath),
      storedPath: isReplace ? named(kept) : null,
      sourceFingerprint: options.naming === 'gone' ? null : await fingerprint(named(sourcePath)),
      outputSha256: sha256(outputBytes),
      outputSizeBytes: outputBytes.length,
    },
    journalDir: join(near, 'journal'),
    sourceBytes: options.naming === 'gone' ? null : sourceBytes,
    outputBytes,
    roots: [...new Set([near, far])],
    remove: async () => {
      for (const root of new Set([near, far])) await rm(root, { recursive: true, force: true });
    },
  };
}

/** Where a path of a plan really is: the machine `nas` is this one, too. */
export const realOf = (path: string): string => remoteOf(path)?.path ?? path;

/** Every file below the roots with what is in it, except the journal. */
export async function contentsOf(scene: Scene): Promise<Map<string, Buffer>> {
  const seen = new Map<string, Buffer>();
  for (const root of scene.roots) {
    for (const name of await readdir(root, { recursive: true })) {
      const path = join(root, name);
      if (path.startsWith(scene.journalDir) || !(await stat(path)).isFile()) continue;
      seen.set(path, await readFile(path));
    }
  }
  return seen;
}
