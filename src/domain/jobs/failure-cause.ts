import { z } from 'zod';
import type { ErrorCode } from '../errors.js';

interface Cause {
  /** What failed, in a few words. */
  title: string;
  /** What the owner can do about all of them. */
  fix: string;
  codes: readonly ErrorCode[];
  /** Narrows the codes down to one family of messages. */
  says?: RegExp;
}

/** Why jobs fail. The first entry that has the code and, where it names one, the message is the cause: families stand before their code. */
const CAUSES = {
  'disk-full': {
    title: 'Not enough free space',
    fix: 'Free some space on the disk that is named, then retry.',
    codes: ['no_space'],
  },
  'not-permitted': {
    title: 'MediaFlow may not read or write the file',
    fix: 'Check owner and permissions of the folders, and that the disk is not mounted read-only. Then retry.',
    codes: ['file_denied', 'path_forbidden'],
  },
  'path-unmapped': {
    title: 'No path mapping covers the file',
    fix: 'Add a path mapping under Settings, Paths. Then retry.',
    codes: ['path_unmapped'],
  },
  'file-missing': {
    title: 'The file is not where Plex says',
    fix: 'Check that its disk is mounted. If the files were moved or deleted, sync the library and clear these jobs.',
    codes: ['file_missing'],
  },
  'file-changed': {
    title: 'The file changed during the job',
    fix: 'Wait until whatever writes the file has finished, then retry.',
    codes: ['file_changed', 'file_in_use', 'file_exists', 'file_linked', 'conflict'],
  },
  'storage-unreachable': {
    title: 'Remote storage does not answer',
    fix: 'Check that the storage is running and reachable, then retry.',
    codes: ['storage_unreachable'],
  },
  'file-empty': {
    title: 'The file is empty',
    fix: 'Get a new copy of these files, or exclude them.',
    codes: ['probe_failed'],
    says: /is empty/,
  },
  'ffmpeg-missing': {
    title: 'ffmpeg was not found',
    fix: 'Install ffmpeg, or set MEDIAFLOW_FFMPEG and MEDIAFLOW_FFPROBE to where it is. Then retry.',
    codes: ['probe_failed', 'encode_failed', 'unavailable'],
    says: /was not found/,
  },
  'file-unreadable': {
    title: 'The file cannot be read',
    fix: 'Play one of these files in Plex. If it stops there as well, get a new copy; otherwise retry.',
    codes: ['probe_failed'],
  },
  'card-busy': {
    title: 'The graphics card is out of memory',
    fix: 'Let fewer jobs run at a time on this worker, then retry.',
    codes: ['hardware_failed'],
    says: /out of memory/,
  },
  'card-missing': {
    title: 'No usable graphics card',
    fix: 'Check the driver, and that a container may use the card. Or choose the processor as fallback under Settings, Queue.',
    codes: ['hardware_failed'],
    says: /No graphics card|NVIDIA (?:driver|card)/,
  },
  'card-unsupported': {
    title: 'The graphics card cannot encode this',
    fix: 'Choose a preset with another codec or 8 bit, or encode on the processor.',
    codes: ['hardware_failed'],
    says: /cannot encode this film/,
  },
  'card-failed': {
    title: 'The graphics card failed',
    fix: 'Retry. If it fails again, encode on the processor: each job offers that on its page.',
    codes: ['hardware_failed'],
  },
  'encoder-missing': {
    title: 'ffmpeg lacks the encoder',
    fix: 'Install a full build of ffmpeg where these jobs ran, or choose another preset. Then retry.',
    codes: ['encoder_missing'],
  },
  'encoder-killed': {
    title: 'ffmpeg was stopped from outside',
    fix: 'The machine may have run out of memory: let fewer jobs run at a time, then retry.',
    codes: ['encode_failed'],
    says: /killed from outside|killed with signal/,
  },
  'encode-failed': {
    title: 'ffmpeg could not encode the file',
    fix: 'Retry once. Files that fail again are usually damaged: get a new copy, or exclude them.',
    codes: ['encode_failed'],
  },
  'result-gone': {
    title: 'The verified result is missing',
    fix: 'Retry: it is encoded again. Check that nothing else deletes files in the work folder.',
    codes: ['verify_failed'],
    says: /result of this job is gone/,
  },
  'verify-failed': {
    title: 'The result did not pass verification',
    fix: 'Nothing was replaced. Open a job to see which check failed, and try another preset, or exclude these files.',
    codes: ['verify_failed'],
  },
  'not-worthwhile': {
    title: 'Encoding brings nothing',
    fix: 'Clear these jobs, or exclude the files so that nothing recommends them again.',
    codes: ['not_smaller', 'plan_refused', 'dry_run'],
  },
  'worker-away': {
    title: 'The worker could not be reached',
    fix: 'Check the worker and the connection to it under Workers, then retry.',
    codes: ['worker_unavailable', 'worker_unreachable'],
  },
  'worker-refused': {
    title: 'The worker does not let MediaFlow in',
    fix: 'Check the sign-in and the host key of the worker under Workers, then retry.',
    codes: ['worker_unauthorized', 'worker_host_key'],
  },
  'transfer-failed': {
    title: 'The transfer to or from the worker failed',
    fix: 'Check the connection under Workers, then retry.',
    codes: ['transfer_failed'],
  },
  plex: {
    title: 'Plex did not answer as expected',
    fix: 'Check the connection under Settings, Plex. Then retry.',
    codes: [
      ...([
        'plex_not_configured',
        'plex_unauthorized',
        'plex_forbidden',
        'plex_not_found',
        'plex_rate_limited',
      ] as const),
      ...(['plex_unavailable', 'plex_maintenance', 'plex_unreachable', 'plex_timeout', 'plex_bad_answer'] as const),
      'plex_wrong_server',
    ],
  },
  interrupted: {
    title: 'Interrupted several times',
    fix: 'MediaFlow ended during each attempt. Find out why it did, then retry.',
    codes: ['interrupted', 'too_many_attempts'],
  },
  unexpected: {
    title: 'Something unexpected failed',
    fix: 'Open a job and read its log, then retry.',
    codes: [],
  },
} as const satisfies Record<string, Cause>;

/** Why a job failed, one of a fixed list. */
export type FailureCauseId = keyof typeof CAUSES;
/** The ids of all causes, as they stand in addresses and in the API. */
export const FailureCauseId = z.enum(Object.keys(CAUSES) as [FailureCauseId, ...FailureCauseId[]]);

const ENTRIES = Object.entries(CAUSES) as [FailureCauseId, Cause][];

/** The cause of a failed job, by its error code and the family of its message. */
export function causeOf(error: { code: ErrorCode; message: string } | null): FailureCauseId {
  if (error === null) return 'unexpected';
  const found = ENTRIES.find(
    ([, { codes, says }]) => codes.includes(error.code) && (says?.test(error.message) ?? true),
  );
  return found?.[0] ?? 'unexpected';
}

/** What a cause is called, and what can be done about it. */
export function aboutCause(id: FailureCauseId): { title: string; fix: string } {
  const { title, fix } = CAUSES[id];
  return { title, fix };
}
