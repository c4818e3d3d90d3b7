import { AppError, toAppError, type ErrorCode } from '../domain/errors.js';
import type { TransferRequest } from './transfer-request.js';

/** What the process that transfers files is told. */
export type Ask = { kind: 'transfer'; id: number; load: TransferRequest } | { kind: 'stop'; id: number };

/** What it says. */
export type Answer =
  | { kind: 'ready' }
  | { kind: 'bytes'; id: number; doneBytes: number }
  | { kind: 'done'; id: number }
  | { kind: 'failed'; id: number; error: PlainError };

/** What is left of an error on its way to another process. */
type PlainError =
  | { kind: 'app'; code: ErrorCode; message: string; fields: Readonly<Record<string, string>> }
  | { kind: 'system'; code: string; message: string };

/** Errors of files keep their code, such as `ENOENT`: whoever opened the file knows what they mean. */
export function toPlain(error: unknown): PlainError {
  if (error instanceof AppError || !isSystemError(error)) {
    const { code, message, fields } = toAppError(error);
    return { kind: 'app', code, message, fields };
  }
  return { kind: 'system', code: error.code, message: error.message };
}

export function fromPlain(plain: PlainError): Error {
  const { code, message } = plain;
  if (plain.kind === 'system') return Object.assign(new Error(message), { code });
  return new AppError(plain.code, message, { fields: { ...plain.fields } });
}

const isSystemError = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && typeof (error as { code?: unknown }).code === 'string';
