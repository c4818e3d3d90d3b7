import { dirname } from 'node:path';
import { AppError } from '../domain/errors.js';
import { copyVerified, duplicate, occupied, renameOver, renameToFree, syncFolderIfThere } from './duplicate.js';
import { errnoOf } from './file-error.js';
import { fingerprintIfFile, isOccupied, isSameInode } from './fingerprint.js';
import type { SwapRun } from './swap-run.js';

/** What stands at the old file's path when a swap goes back. */
type Standing = 'old' | 'new' | 'other';

/**
 * From any phase before `retiring` to `undone`: the old file stands at its path, the new one is back where it came from.
 * Decides by what is on disk, so it may be broken off and begun again at any point. Throws before it touches anything
 * when neither the old nor the new file is where it should be.
 */
export async function undo(run: SwapRun): Promise<void> {
  if (run.record.phase === 'undone') return;
  const standing = await look(run);
  await run.enter('undoing', { isSuperseded: standing === 'other' });
  await bringOutputBack(run);
  if (standing === 'new') await bringOldBack(run);
  else if (!run.overwrites) await clearTarget(run);
  await tidy(run);
  await run.enter('undone');
}

async function look(run: SwapRun): Promise<Standing> {
  const { plan, kept, record } = run;
  if (!plan.sourceFingerprint || (await run.holdsSource(plan.sourcePath))) return 'old';
  if (run.overwrites && record.mayStand && (await run.holdsOutput(plan.targetPath))) {
    if (kept !== null && (await run.holdsSource(kept))) return 'new';
    throw new AppError(
      'conflict',
      `The old file is not at ${kept ?? 'its place'}. ${plan.targetPath} was left as it is.`,
    );
  }
  if (record.phase !== 'placed' && (await isSuperseded(run))) return 'other';
  const where = kept === null ? '' : ` What was kept of the old one is at ${kept}.`;
  throw new AppError(
    'conflict',
    `${plan.sourcePath} is neither the file the swap began with nor the new one. Is its disk mounted? Nothing was touched.${where}`,
  );
}

/** Whether the old file is really gone, not just its disk: another file has its name, or ours still lies beside it. */
async function isSuperseded({ record, plan, staged }: SwapRun): Promise<boolean> {
  if (record.isSuperseded || (await fingerprintIfFile(plan.sourcePath)) !== null) return true;
  return isOccupied(staged);
}

async function bringOutputBack(run: SwapRun): Promise<void> {
  const { outputPath, targetPath, outputSha256: sha256, kind } = run.plan;
  if (await run.holdsOutput(outputPath)) return;
  const from = await homeOfOutput(run);
  if (await isOccupied(outputPath)) {
    // It never left, whatever it is: a swap that was refused because of it ends here too.
    if (from === null || (await areOneFile(from, outputPath))) return;
    throw occupied(outputPath);
  }
  if (from === null) {
    // An encode can be made again; an original cannot.
    if (kind === 'replace') return;
    throw new AppError(
      'conflict',
      `The original in quarantine is not at ${outputPath}. Nothing was touched. Is its disk mounted?`,
    );
  }
  await run.step('undo-output', async () => {
    await run.makeFolderFor(outputPath);
    const copy = { from, to: outputPath, temp: run.tempFor(outputPath), sha256 };
    // The name of the old file must not stand empty, so what stands there is doubled, not moved.
    if (from === targetPath && run.overwrites) await duplicate(copy);
    else await move(copy);
    await syncFolderIfThere(dirname(outputPath));
  });
}

/** Where the new file is, when not at home. What was moved beside the target goes back even when it proved to be the wrong one. */
async function homeOfOutput(run: SwapRun): Promise<string | null> {
  const { staged, plan, record } = run;
  if (await run.holdsOutput(staged)) return staged;
  if (record.mayStand && (await run.holdsOutput(plan.targetPath))) return plan.targetPath;
  return (await isOccupied(staged)) && !(await run.holdsSource(staged)) ? staged : null;
}

async function areOneFile(one: string, other: string): Promise<boolean> {
  const [first, second] = [await fingerprintIfFile(one), await fingerprintIfFile(other)];
  return first !== null && second !== null && isSameInode(first, second);
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

/** Only a second name or copy of what was seen elsewhere may go. */
async function clearStaged(run: SwapRun): Promise<void> {
  const { staged, plan, kept } = run;
  if (!(await isOccupied(staged))) return;
  const isSecond =
    (await areOneFile(staged, plan.outputPath)) ||
    ((await run.holdsOutput(staged)) && (await run.holdsOutput(plan.outputPath))) ||
    ((await run.holdsSource(staged)) &&
      ((await run.holdsSource(plan.sourcePath)) || (kept !== null && (await run.holdsSource(kept)))));
  if (isSecond) await run.remove(staged);
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
  const isSecond =
    (await areOneFile(kept, plan.sourcePath)) ||
    ((await run.holdsSource(kept)) && (await run.holdsSource(plan.sourcePath)));
  if (!isSecond) return;
  await run.step('undo-clear-kept', async () => {
    await run.remove(kept);
    if (plan.storedPath !== null) await run.removeEmptyFolderOf(kept);
  });
}
