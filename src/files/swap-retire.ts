import { AppError } from '../domain/errors.js';
import { fingerprintIfFile, isSameFile, isSameInode } from './fingerprint.js';
import type { SwapRun } from './swap-run.js';

/**
 * From `placed` to `retired`: takes the old file from its path when the new one has another name, and what was kept for
 * a way back. Everything is looked at again first. Throws `file_changed` or `conflict`, and then nothing was deleted.
 */
export async function retire(run: SwapRun): Promise<void> {
  const { plan, kept, record } = run;
  if (record.phase === 'retired') return;
  const takesOld = !run.overwrites && plan.sourceFingerprint !== null;
  // Under the same name a replaced original is safe already, whatever became of the new file since.
  if (takesOld || plan.kind === 'restore') await checkTarget(run);
  if (takesOld) {
    await checkStored(run);
    await checkOld(run);
  }
  await run.enter('retiring');
  if (takesOld) await run.step('remove-old', () => run.remove(plan.sourcePath));
  if (plan.kind === 'restore' && kept !== null) await run.step('remove-kept', () => run.remove(kept));
  await run.step('remove-output', () => removeOutput(run));
  await run.enter('retired');
}

async function checkTarget(run: SwapRun): Promise<void> {
  if (await run.holdsOutput(run.plan.targetPath)) return;
  throw new AppError('file_changed', `${run.plan.targetPath} is not the file that was put there. Nothing was deleted.`);
}

async function checkStored(run: SwapRun): Promise<void> {
  const { storedPath } = run.plan;
  if (storedPath === null) return;
  const noted = run.record.placed?.storedFingerprint;
  const seen = await fingerprintIfFile(storedPath);
  if (seen && ((noted && isSameFile(seen, noted)) || (await run.holdsSource(storedPath)))) return;
  throw new AppError('conflict', `The original is not kept at ${storedPath}. ${run.plan.sourcePath} was not deleted.`);
}

async function checkOld(run: SwapRun): Promise<void> {
  const { sourcePath, targetPath, sourceFingerprint } = run.plan;
  const old = await fingerprintIfFile(sourcePath);
  if (!old || !sourceFingerprint) return;
  if (!isSameFile(old, sourceFingerprint)) {
    throw new AppError('file_changed', `${sourcePath} changed after it was checked. It was not deleted.`);
  }
  const target = await fingerprintIfFile(targetPath);
  if ((target && isSameInode(old, target)) || !(await run.areTwoNames(sourcePath, targetPath))) {
    throw new AppError('conflict', `${sourcePath} and ${targetPath} are one and the same file. Nothing was deleted.`);
  }
}

/** The name that the new file came from; only when it is the very file that stands at the target, or its equal. */
async function removeOutput(run: SwapRun): Promise<void> {
  const { plan } = run;
  if (await run.holdsOutput(plan.outputPath)) await run.remove(plan.outputPath);
  if (plan.kind === 'restore') await run.removeEmptyFolderOf(plan.outputPath);
}
