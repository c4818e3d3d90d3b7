import type { Worker, WorkerState } from '../../domain/workers/worker.js';
import type { Watch } from './watch.js';

/** How a worker is, and why. What the owner decided goes before what was seen. */
export function stateOf(worker: Worker, watch: Watch | undefined): [WorkerState, string | null] {
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
