import { dirname, join } from 'node:path';
import { AppError, conflict } from '../domain/errors.js';
import type { Fingerprint } from '../domain/jobs/job.js';
import { copyVerified, occupied, syncFolderIfThere, tryLink, unlinkIfThere } from './duplicate.js';
import { mkdirs, rmdir } from './disks.js';
import { naming } from './file-error.js';
import { fingerprint, fingerprintIfFile, isSameFile, isSameInode } from './fingerprint.js';
import { sha256File } from './hash.js';
import type { OnStep } from './swap-run.js';

/** A file on its way from one path to another. */
export interface Move {
  /** Names what it leaves on the way. */
  id: string;
  from: string;
  to: string;
  /** Of the file that is moved. */
  fingerprint: Fingerprint;
  signal?: AbortSignal | undefined;
  onStep?: OnStep;
}

/**
 * Moves a file to a free path: first it has both names, or a copy that was read back, and only when the second home was
 * seen is the first name taken away. It can be called again after a crash anywhere. Resolves with its fingerprint there.
 *
 * Throws `file_changed` when another file stands at `from`, `file_exists` when another stands at `to`, `file_missing`
 * when neither is there, `no_space`, `file_denied`, `verify_failed`; `from` still stands then.
 */
export async function moveFile(move: Move): Promise<Fingerprint> {
  const { from, to } = move;
  const step = async <T>(name: string, task: () => Promise<T>): Promise<T> => {
    await move.onStep?.(`before:${name}`);
    const result = await task();
    await move.onStep?.(`after:${name}`);
    return result;
  };
  const [source, target] = await Promise.all([fingerprintIfFile(from), fingerprintIfFile(to)]);
  if (source === null) {
    if (target !== null && isSameFile(target, move.fingerprint)) return target;
    throw new AppError('file_missing', `${from} no longer exists. Is its disk or share mounted?`);
  }
  if (!isSameFile(source, move.fingerprint)) {
    throw new AppError('file_changed', `${from} is not the file that was checked. Nothing was moved.`);
  }
  if (target === null) await step('second-home', () => giveSecondHome(move));
  await checkSecondHome(move);
  await step('first-name', async () => {
    await naming(from, () => unlinkIfThere(from));
    await syncFolderIfThere(dirname(from));
  });
  return fingerprint(to);
}

/** Throws `file_exists` unless what stands at `to` is the file at `from` under a second name, or equal to it byte by byte. */
async function checkSecondHome({ from, to, signal }: Move): Promise<void> {
  const [source, there] = await Promise.all([fingerprint(from), fingerprint(to)]);
  if (isSameInode(source, there)) return;
  const isEqual =
    source.sizeBytes === there.sizeBytes && (await sha256File(from, signal)) === (await sha256File(to, signal));
  if (!isEqual) throw occupied(to);
}

async function giveSecondHome({ id, from, to, signal }: Move): Promise<void> {
  const folder = dirname(to);
  const first = await naming(folder, () => mkdirs(folder));
  if (first !== undefined) await syncFolderIfThere(dirname(first));
  if (!(await tryLink(from, to)))
    await copyVerified({ from, to, temp: join(folder, `.mediaflow-${id}.copy.part`), sha256: null, signal });
  await syncFolderIfThere(folder);
}

/**
 * Takes a second home away while the file still stands at its own path, and what an unfinished copy left. Throws
 * `conflict` when it does not stand there: then the second home is the only one.
 */
export async function takeBack({ id, from, to, fingerprint: known }: Move): Promise<void> {
  const source = await fingerprintIfFile(from);
  if (source === null || !isSameFile(source, known)) {
    throw conflict(`${from} does not exist. ${to} was kept.`);
  }
  await unlinkIfThere(join(dirname(to), `.mediaflow-${id}.copy.part`));
  await unlinkIfThere(to);
  await syncFolderIfThere(dirname(to));
  await rmdir(dirname(to)).catch(() => undefined);
}
