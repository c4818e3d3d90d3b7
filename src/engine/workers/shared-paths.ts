import { toAppError } from '../../domain/errors.js';
import type { RemoteExecutor } from '../../domain/jobs/executor.js';
import type { WorkerPath } from '../../domain/workers/worker.js';

/** Every shared folder of a worker as it was proved, or was not, just now. Throws the signal's reason. */
export async function provePaths(
  executor: RemoteExecutor,
  pathMappings: readonly WorkerPath[],
  now: () => Date,
  signal: AbortSignal,
): Promise<WorkerPath[]> {
  const proved: WorkerPath[] = [];
  for (const path of pathMappings) {
    const problem = await executor.verifyPath(path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return toAppError(error).message;
    });
    proved.push({ ...path, provedAt: problem === null ? now().toISOString() : null, problem });
  }
  return proved;
}

/** Folders that were not changed keep their proof; new ones have none yet. */
export const keepProofs = (before: readonly WorkerPath[], after: readonly WorkerPath[]): WorkerPath[] =>
  after.map(
    ({ here, there }) =>
      before.find((path) => path.here === here && path.there === there) ?? {
        here,
        there,
        provedAt: null,
        problem: null,
      },
  );
