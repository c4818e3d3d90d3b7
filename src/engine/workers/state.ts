import type { WorkerHealth } from '../../domain/jobs/executor.js';
import type { LocalWorker, SshWorker, WorkerState } from '../../domain/workers/worker.js';
import type { Watch } from './watch.js';

/** How a worker reached over SSH is, and why. What the owner decided goes before what was seen. */
export function stateOfRemote(worker: SshWorker, watch: Watch | undefined): [WorkerState, string | null] {
  if (worker.seenHostKey !== null) {
    const why =
      worker.hostKey === null
        ? 'Its host key is not confirmed yet.'
        : 'It shows another host key than the one you confirmed. Nothing is sent to it.';
    return ['unconfirmed', why];
  }
  if (worker.disabledReason !== null) return ['disabled', worker.disabledReason];
  if (worker.isPaused) return ['paused', null];
  if (watch?.state === 'offline') return ['offline', watch.reason];
  if (worker.isDraining) return ['draining', null];
  return [watch?.state ?? 'offline', watch ? null : 'It cannot be reached without its key. Enter the key again.'];
}

/** How this machine is, and why. `health`: what the last look at its ffmpeg showed, null before the first. */
export function stateOfLocal(
  { isPaused, isDraining }: LocalWorker,
  health: WorkerHealth | null,
): [WorkerState, string | null] {
  if (isPaused) return ['paused', null];
  if (health?.ok === false) return ['offline', health.reason];
  if (isDraining) return ['draining', null];
  return [health === null ? 'checking' : 'online', null];
}
