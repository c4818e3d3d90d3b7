import { z } from 'zod';
import { AppError, type ErrorCode } from '../errors.js';

/** Why a file, or a recommendation about it, is not queued. */
export const LeftOutReason = z.enum([
  'has-job',
  'covered',
  'excluded',
  'hard-links',
  'informs',
  'decided',
  'gone',
  'unmapped',
  'missing',
  'frozen',
  'tried',
  'unusable',
]);
export type LeftOutReason = z.infer<typeof LeftOutReason>;

/** Each reason as it is written behind a number: `12: there is already a job for the file`. */
export const LEFT_OUT_WORDS: Record<LeftOutReason, string> = {
  'has-job': 'there is already a job for the file',
  covered: 'another recommendation for the same file saves more and covers it',
  excluded: 'excluded from processing',
  'hard-links': 'the file has hard links, so replacing it would free nothing',
  informs: 'only informs, there is nothing to queue',
  decided: 'was decided before',
  gone: 'no longer in the library',
  unmapped: 'no path mapping covers the file',
  missing: 'Plex no longer lists it',
  frozen: 'its library is not available at the moment',
  tried: 'was tried with this preset before, without success',
  unusable: 'in several parts, or an optimized version that Plex made',
};

/** A refusal to queue one file, which a selection of many counts by its reason. */
export class LeftOut extends AppError {
  readonly reason: LeftOutReason;

  constructor(reason: LeftOutReason, message: string, code: ErrorCode = 'conflict') {
    super(code, message);
    this.reason = reason;
  }
}
