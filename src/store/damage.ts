import { copyFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../domain/errors.js';
import type { Problem } from '../domain/health/problem.js';
import { syncFolder, writeDurably } from '../lib/durable.js';
import { lastBackupOf } from './backup.js';

/** What could not be read from a data file, and where it lies now. Everything else is open. */
export interface Damage {
  /** Relative to the data folder, like `setAsideAs`. */
  file: string;
  setAsideAs: string;
  message: string;
  /** How many rows were set aside; null: the whole file. */
  rows: number | null;
  /** How many rows of the file are still there. */
  kept: number;
}

/** A row that does not fit its schema. */
export interface BadRow {
  row: unknown;
  message: string;
}

/** Moves a file away under a name that says so, or copies it when its good rows are about to be written anew. */
export async function setFileAside(
  dir: string,
  file: string,
  error: unknown,
  { kept = 0, copy = false } = {},
): Promise<Damage> {
  const setAsideAs = `${file}.damaged-${Date.now()}`;
  const [from, to] = [join(dir, file), join(dir, setAsideAs)];
  await (copy ? copyFile(from, to) : rename(from, to));
  await syncFolder(dirname(to));
  return { file, setAsideAs, message: messageOf(error), rows: null, kept };
}

/** Writes the rows that do not fit into a file of their own. */
export async function setRowsAside(dir: string, file: string, bad: readonly BadRow[], kept: number): Promise<Damage> {
  const setAsideAs = join(dirname(file), `${basename(file, '.json')}.damaged-${Date.now()}.json`);
  await writeDurably(join(dir, setAsideAs), `${JSON.stringify({ rows: bad }, null, 2)}\n`);
  const message = `${nameOf(bad[0]?.row)}: ${bad[0]?.message ?? ''}`;
  return { file, setAsideAs, message, rows: bad.length, kept };
}

/** One line; of a schema's refusal, the fields. */
export function messageOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`).join('; ');
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? '';
}

/** For a file that cannot be read although nothing says that its content is damaged: moving it away would hide the real trouble. */
export function unreadable(path: string, cause: unknown): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (code === 'EISDIR')
    return new AppError(
      'damaged',
      `There is a folder in place of the data file ${path}. Move it away, then start again.`,
      { cause },
    );
  if (code === 'EACCES' || code === 'EPERM')
    return new AppError(
      'file_denied',
      `The data file ${path} may not be read by the user MediaFlow runs as. Give it to that user, then start again.`,
      { cause },
    );
  const message = cause instanceof Error ? cause.message : String(cause);
  return new AppError(
    'internal',
    `The data file ${path} cannot be read: ${message}. Check its disk, then start again.`,
    { cause },
  );
}

/** For a file without which MediaFlow must not start. */
export async function damagedError(dir: string, file: string, cause: unknown): Promise<AppError> {
  const path = join(dir, file);
  const backup = await lastBackupOf(dir, file);
  const rescue = backup ? `Copy its newest backup ${backup} over it` : 'There is no backup of it; restore it';
  const message = `The data file ${path} is damaged: ${messageOf(cause)}. ${rescue}, or delete it to begin without what it held.`;
  return new AppError('damaged', message, { cause });
}

/** What the owner should know about it, naming the newest backup of the file. */
export async function toProblem(dir: string, damage: Damage): Promise<Problem> {
  const { file, setAsideAs, message, rows, kept } = damage;
  const backup = await lastBackupOf(dir, file);
  const rescue = backup
    ? `The newest backup of it is ${backup}. To go back to that, stop MediaFlow, copy it to ${join(dir, file)} and start again.`
    : 'There is no backup of it.';
  const remaining = kept === 0 ? '' : ` Its other ${kept === 1 ? 'row is' : `${kept} rows are`} still there.`;
  const what =
    rows === null
      ? `The data file ${file} is damaged and was renamed to ${setAsideAs}: ${message}.${remaining}`
      : `${rows === 1 ? 'One row' : `${rows} rows`} of the data file ${file} could not be understood and went to ${setAsideAs} (${message}).${remaining}`;
  return {
    id: `store.damaged.${file}`,
    severity: 'error',
    summary: what,
    fix: `${rescue} A library sync reads anew what Plex knows.`,
    link: '/health',
  };
}

const nameOf = (row: unknown): string => {
  const id = (row as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : 'a row without an id';
};
