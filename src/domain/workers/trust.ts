import type { ErrorCode } from '../errors.js';
import type { Worker } from './worker.js';

/** So many jobs in a row may fail through a worker's own fault; with the last of them it is taken out of service. */
export const FAILURES_TO_DISABLE = 3;

/** A worker that was not heard of for so long has lost its jobs. Seconds. */
export const LEASE_SEC = 60;

/** What a worker can be blamed for. */
export type WorkerFault = 'connection' | 'no_space' | 'hardware_failed' | 'killed';

/** How a job ended badly. `isThere`: on the worker, not on this machine. `signal`: what ended the encoder, if something did. */
export interface Failure {
  code: ErrorCode;
  isThere: boolean;
  signal: string | null;
}

/** What its failures change in a worker. */
export type Trust = Pick<Worker, 'failuresInRow' | 'disabledReason'>;

const BECAUSE: Readonly<Record<WorkerFault, string>> = {
  connection: 'it could not be reached, or what was transferred was damaged. Check that it is on and connected',
  no_space: 'its disk was full. Free some space on it',
  hardware_failed: 'its graphics card gave up. Check its driver, or restart it',
  killed: 'something ended ffmpeg there; it may have run out of memory. Give it fewer slots',
};
/** Wherever they were noticed: one end of a line is always here. */
const CONNECTION: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'worker_unavailable',
  'worker_unreachable',
  'worker_unauthorized',
  'worker_host_key',
  'transfer_failed',
]);
const NUMBERS = ['No', 'One', 'Two', 'Three', 'Four', 'Five'];

/** Whose fault a failure was: the worker's, by its kind, or null. A file that cannot be encoded is never the worker's. */
export function workerFaultOf({ code, isThere, signal }: Failure): WorkerFault | null {
  if (CONNECTION.has(code)) return 'connection';
  if (!isThere) return null;
  if (code === 'no_space' || code === 'hardware_failed') return code;
  return code === 'encode_failed' && signal !== null ? 'killed' : null;
}

/**
 * What a failed job changes. One that was not the worker's fault changes nothing: it is no success either. The reason that
 * took a worker out of service stands until the owner says otherwise.
 */
export function afterFailure(before: Trust, fault: WorkerFault | null): Trust {
  if (fault === null) return { failuresInRow: before.failuresInRow, disabledReason: before.disabledReason };
  const failuresInRow = before.failuresInRow + 1;
  const isOver = failuresInRow >= FAILURES_TO_DISABLE;
  return {
    failuresInRow,
    disabledReason: before.disabledReason ?? (isOver ? sentenceFor(failuresInRow, fault) : null),
  };
}

/** What a job that was done changes. Work that was still running does not bring a disabled worker back. */
export const afterSuccess = ({ disabledReason }: Trust): Trust => ({ failuresInRow: 0, disabledReason });

/** What the owner's word changes: it is trusted as on its first day. */
export const backInService = (): Trust => ({ failuresInRow: 0, disabledReason: null });

/** Whether a worker's lease has run out, by a clock that cannot be set; one that was never heard of has none. */
export const isLost = (heardMs: number | null, steadyMs: number): boolean =>
  heardMs === null || steadyMs - heardMs >= LEASE_SEC * 1000;

const sentenceFor = (failures: number, fault: WorkerFault): string =>
  `${NUMBERS[failures] ?? failures} jobs in a row failed there, the last because ${BECAUSE[fault]}, then return it to service.`;
