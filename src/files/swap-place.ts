import { dirname, isAbsolute, normalize } from 'node:path';
import { AppError } from '../domain/errors.js';
import type { SwapPlan } from '../domain/replace/swap.js';
import { applyAttributes, readAttributes } from './attributes.js';
import { copyVerified, duplicate, occupied, renameOver, syncFile, syncFolderIfThere, tryLink } from './duplicate.js';
import { errnoOf } from './file-error.js';
import { fingerprint, isOccupied, isSameFile, isSameInode } from './fingerprint.js';
import { sha256File } from './hash.js';
import type { SwapRun } from './swap-run.js';

/** Looks at everything the plan names and touches nothing. Throws what would make the swap wrong. */
export async function checkBeforePlace(run: SwapRun): Promise<void> {
  checkPlan(run.plan);
  const { plan } = run;
  await checkSource(run, 0);
  const output = await fingerprint(plan.outputPath);
  if (output.sizeBytes !== plan.outputSizeBytes) throw wrongOutput(plan);
  if (plan.sourceFingerprint) {
    if (isSameInode(await fingerprint(plan.sourcePath), output)) {
      throw new AppError('invalid', `${plan.outputPath} and ${plan.sourcePath} are the same file`);
    }
  }
  if (!(await isOccupied(dirname(plan.targetPath)))) {
    throw new AppError('file_missing', `The folder ${dirname(plan.targetPath)} is not there. Is its disk mounted?`);
  }
  const wanted = [run.staged, ...(run.kept === null ? [] : [run.kept]), ...(run.overwrites ? [] : [plan.targetPath])];
  for (const path of wanted) if (await isOccupied(path)) throw occupied(path);
}

function checkPlan(plan: SwapPlan): void {
  const paths = [plan.sourcePath, plan.targetPath, plan.outputPath, plan.storedPath].filter((path) => path !== null);
  const isSound =
    paths.every((path) => isAbsolute(path) && normalize(path) === path && !path.includes('\0')) &&
    new Set([plan.sourcePath, plan.outputPath, plan.storedPath ?? '']).size === 3 &&
    ![plan.outputPath, plan.storedPath].includes(plan.targetPath) &&
    // An original is never taken away without a home; what is restored has one already.
    (plan.kind === 'replace') === (plan.storedPath !== null) &&
    (plan.kind === 'restore' || plan.sourceFingerprint !== null);
  if (!isSound) throw new AppError('invalid', `The plan to swap ${plan.sourcePath} contradicts itself`);
}

/** `ownLinks`: how many names the swap itself has given the file. Fewer names than expected mean a share that does not count them. */
async function checkSource({ plan }: SwapRun, ownLinks: number): Promise<void> {
  const { sourcePath, sourceFingerprint } = plan;
  if (!sourceFingerprint) {
    if (await isOccupied(sourcePath)) throw changed(sourcePath);
    return;
  }
  const now = await fingerprint(sourcePath);
  if (!isSameFile(now, sourceFingerprint)) throw changed(sourcePath);
  if (now.nlink > sourceFingerprint.nlink + ownLinks) {
    throw new AppError(
      'file_changed',
      `${sourcePath} was given a second name (a hard link) meanwhile. It was left as it is.`,
    );
  }
}

const changed = (path: string): AppError =>
  new AppError('file_changed', `${path} changed after it was checked. It was left as it is.`);

const wrongOutput = ({ kind, outputPath }: SwapPlan): AppError =>
  new AppError(
    'verify_failed',
    kind === 'replace'
      ? `${outputPath} is not the file that was verified. Nothing was replaced.`
      : `The original in quarantine, ${outputPath}, is damaged. Nothing was replaced.`,
  );

/** From a record in `staging` to `placed`. Throws with the disk half-way: the caller undoes. */
export async function place(run: SwapRun): Promise<void> {
  await stage(run);
  await keep(run);
  await run.step('recheck-source', () => recheck(run));
  run.signal?.throwIfAborted();
  await run.enter('placing', { mayStand: true });
  await commit(run);
  await completePlace(run);
}

/** Brings the new file beside its target, checks it there, and gives it owner, mode and times. */
async function stage(run: SwapRun): Promise<void> {
  const { plan, signal } = run;
  const wasReadBack = await run.step('stage-output', () => bringBeside(run));
  await run.step('sync-staged-folder', () => syncFolderIfThere(dirname(run.staged)));
  if (!wasReadBack) {
    const sha256 = await run.step('hash-output', () => sha256File(run.staged, signal));
    if (sha256 !== plan.outputSha256) throw wrongOutput(plan);
  }
  const sourceSha256 = plan.sourceFingerprint
    ? await run.step('hash-source', () => sha256File(plan.sourcePath, signal))
    : null;
  // What was hashed is still what the plan means.
  await checkSource(run, 0);
  if (plan.sourceSha256 && sourceSha256 !== null && plan.sourceSha256 !== sourceSha256) throw changed(plan.sourcePath);
  const notKept =
    plan.kind === 'replace'
      ? await run.step('set-attributes', async () => applyAttributes(run.staged, await readAttributes(plan.sourcePath)))
      : [];
  await run.step('sync-staged', () => syncFile(run.staged));
  run.record = { ...run.record, sourceSha256, notKept, stagedFingerprint: await fingerprint(run.staged) };
}

/** A link leaves the output where it was until the end; without links it moves; from another disk it is copied. Answers whether it was read back. */
async function bringBeside(run: SwapRun): Promise<boolean> {
  const { plan, staged, signal } = run;
  if (await tryLink(plan.outputPath, staged)) return false;
  try {
    if (await isOccupied(staged)) throw occupied(staged);
    await renameOver(plan.outputPath, staged);
    return false;
  } catch (error) {
    if (!(error instanceof Error) || errnoOf(error) !== 'EXDEV') throw error;
  }
  const [from, sha256] = [plan.outputPath, plan.outputSha256];
  await copyVerified({ from, to: staged, temp: run.tempFor(staged), sha256, signal });
  return true;
}

/** Gives the old file its second home. */
async function keep(run: SwapRun): Promise<void> {
  const { plan, kept, signal } = run;
  run.signal?.throwIfAborted();
  await run.enter('keeping', { mayBeKept: kept !== null });
  if (kept === null) return;
  await run.step('make-stored-folder', () => run.makeFolderFor(kept));
  const copy = { from: plan.sourcePath, to: kept, temp: run.tempFor(kept), sha256: run.record.sourceSha256, signal };
  await run.step('link-original', () => duplicate(copy));
  await run.step('sync-stored-folder', () => syncFolderIfThere(dirname(kept)));
}

/** The last look before the name changes hands. */
async function recheck(run: SwapRun): Promise<void> {
  const { plan, kept, record } = run;
  const second = kept === null ? null : await fingerprint(kept);
  const isLinked =
    second !== null && plan.sourceFingerprint !== null && isSameInode(second, await fingerprint(plan.sourcePath));
  await checkSource(run, isLinked ? 1 : 0);
  const staged = await fingerprint(run.staged);
  if (!record.stagedFingerprint || !isSameFile(staged, record.stagedFingerprint)) throw changed(run.staged);
  if (!run.overwrites && (await isOccupied(plan.targetPath))) throw occupied(plan.targetPath);
}

async function commit(run: SwapRun): Promise<void> {
  const { plan, staged } = run;
  if (run.overwrites) {
    await run.step('rename-onto-target', () => renameOver(staged, plan.targetPath));
    return;
  }
  await run.step('link-target', async () => {
    if (await tryLink(staged, plan.targetPath)) return;
    if (await isOccupied(plan.targetPath)) throw occupied(plan.targetPath);
    await renameOver(staged, plan.targetPath);
  });
}

/** Everything after the new file has its name; also where a broken-off swap goes on. */
export async function completePlace(run: SwapRun): Promise<void> {
  const { plan, staged, record } = run;
  await run.step('sync-target-folder', () => syncFolderIfThere(dirname(plan.targetPath)));
  if (!(await run.step('check-target', () => run.holdsOutput(plan.targetPath)))) throw wrongOutput(plan);
  // Still there after a link; after a rename of two names of one file, which does nothing, too.
  await run.step('remove-staged', () => run.remove(staged));
  const storedFingerprint = plan.storedPath === null ? null : await fingerprint(plan.storedPath);
  await run.enter('placed', {
    placed: {
      sourceSha256: record.sourceSha256 ?? '',
      outputSha256: plan.outputSha256,
      storedFingerprint,
      notKept: record.notKept,
    },
  });
}
