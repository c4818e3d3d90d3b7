import { dirname } from 'node:path';
import { AppError } from '../domain/errors.js';
import { copyVerified, duplicate, occupied, renameOver, renameToFree, syncFolderIfThere } from './duplicate.js';
import { errnoOf } from './file-error.js';
import { isOccupied } from './fingerprint.js';
import type { SwapRun } from './swap-run.js';

/**
 * From any phase before `retiring` to `undone`: the old file stands at its path, the new one is back where it came from.
 * Decides by what is on disk, so it may be broken off and begun again at any point. Throws before it touches anything
 * when neither the old nor the new file is where it should be.
 */
export async function undo(run: SwapRun): Promise<void> {
  if (run.record.phase === 'undone') return;
  const isOldMissing = await checkBeforeUndo(run);
  await run.enter('undoing');
  await bringOutputBack(run);
  if (isOldMissing) await bringOldBack(run);
  else if (!run.overwrites) await clearTarget(run);
  await tidy(run);
  await run.enter('undone');
}

/** Answers whether the old file must be brought back to its path. */
async function checkBeforeUndo(run: SwapRun): Promise<boolean> {
  const { plan, kept, record } = run;
  if (!plan.sourceFingerprint || (await run.holdsSource(plan.sourcePath))) return false;
  const isReplaced = run.overwrites && record.mayStand && (await run.holdsOutput(plan.targetPath));
  if (!isReplaced) {
    const where = kept === null ? '' : ` What was kept of the old one is at ${kept}.`;
    throw new AppError(
      'conflict',
      `${plan.sourcePath} is neither the file the swap began with nor the new one. Is its disk mounted? Nothing was touched.${where}`,
    );
  }
  if (kept === null || !(await run.holdsSource(kept))) {
    throw new AppError(
      'conflict',
      `The old file is not at ${kept ?? 'its place'}. ${plan.targetPath} was left as it is.`,
    );
  }
  return true;
}

async function bringOutputBack(run: SwapRun): Promise<void> {
  const { plan, staged } = run;
  const { outputPath, targetPath, outputSha256: sha256 } = plan;
  if (await run.holdsOutput(outputPath)) return;
  const isStaged = await run.holdsOutput(staged);
  if (!isStaged && !(run.record.mayStand && (await run.holdsOutput(targetPath)))) {
    // An encode can be made again; an original cannot.
    if (plan.kind === 'replace') return;
    throw new AppError(
      'conflict',
      `The kept original is not at ${outputPath}. Nothing was touched. Is its disk mounted?`,
    );
  }
  if (await isOccupied(outputPath)) throw occupied(outputPath);
  await run.step('undo-output', async () => {
    await run.makeFolderFor(outputPath);
    const from = isStaged ? staged : targetPath;
    const copy = { from, to: outputPath, temp: run.tempFor(outputPath), sha256 };
    // The name of the old file must not stand empty, so what stands there is doubled, not moved.
    if (!isStaged && run.overwrites) await duplicate(copy);
    else await move(copy);
    await syncFolderIfThere(dirname(outputPath));
  });
}

/** A rename; between disks a copy, whose origin is cleared away later, when both are checked. */
async function move(copy: { from: string; to: string; temp: string; sha256: string }): Promise<void> {
  try {
    await renameToFree(copy.from, copy.to);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyVerified(copy);
  }
}

async function bringOldBack(run: SwapRun): Promise<void> {
  const { plan, staged, kept, record } = run;
  if (kept === null) return;
  await run.step('undo-stage-old', async () => {
    await clearStaged(run);
    await duplicate({ from: kept, to: staged, temp: run.tempFor(staged), sha256: record.sourceSha256 });
  });
  await run.step('undo-rename', async () => {
    await renameOver(staged, plan.targetPath);
    await syncFolderIfThere(dirname(plan.targetPath));
  });
}

async function clearTarget(run: SwapRun): Promise<void> {
  const { targetPath } = run.plan;
  if (!run.record.mayStand || !(await run.holdsOutput(targetPath))) return;
  if (!(await run.holdsOutput(run.plan.outputPath))) return;
  await run.step('undo-clear-target', () => run.remove(targetPath));
}

/** The staged file may go once the new file is back; what else lies there is a second name of the old one. */
async function clearStaged(run: SwapRun): Promise<void> {
  const { staged, plan } = run;
  if (!(await isOccupied(staged))) return;
  if ((await run.holdsOutput(staged)) && !(await run.holdsOutput(plan.outputPath))) return;
  await run.remove(staged);
}

/** Takes away what the swap made, each only after a look at what makes it superfluous. */
async function tidy(run: SwapRun): Promise<void> {
  const { plan, kept, record } = run;
  await run.step('undo-clear-staged', () => clearStaged(run));
  for (const temp of run.temps) await run.remove(temp);
  if (kept === null || !record.mayBeKept) return;
  if (!(await isOccupied(kept))) {
    if (plan.storedPath !== null) await run.removeEmptyFolderOf(kept);
    return;
  }
  if (!(await run.holdsSource(plan.sourcePath)) || !(await run.holdsSource(kept))) return;
  await run.step('undo-clear-kept', async () => {
    await run.remove(kept);
    if (plan.storedPath !== null) await run.removeEmptyFolderOf(kept);
  });
}
