import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Problem } from '../domain/health/problem.js';
import { lastBackupOf } from './backup.js';
import { unreadable } from './damage.js';

/** Older months were looked at while they were new. */
const MONTHS = 2;
const FILE = /^audit-\d{4}-\d{2}\.jsonl$/;
/** What a crash left of a line: its beginning, and nothing else. */
const CUT_SHORT = /^\{("(a(t("(:("[\d:.TZ-]*("[^\0]*)?)?)?)?)?)?)?$/;

/** Lines of the newest audit files that are no entries, as problems. Nothing is changed: an audit is only ever appended to. */
export async function problemsOfAudit(dir: string): Promise<Problem[]> {
  const files = (await readdir(dir)).filter((name) => FILE.test(name)).sort();
  const found = await Promise.all(
    files.slice(-MONTHS).map(async (file) => problemOf(dir, file, await badLines(dir, file))),
  );
  return found.filter((problem) => problem !== null);
}

/** The numbers of lines that are damaged. Throws `damaged` or `file_denied` when there is nothing to read. */
async function badLines(dir: string, file: string): Promise<number[]> {
  const bad: number[] = [];
  let number = 0;
  try {
    const lines = createInterface({ input: createReadStream(join(dir, file)), crlfDelay: Infinity });
    for await (const line of lines) {
      number++;
      if (line !== '' && !isEntry(line) && !CUT_SHORT.test(line)) bad.push(number);
    }
  } catch (error) {
    throw unreadable(join(dir, file), error);
  }
  return bad;
}

function isEntry(line: string): boolean {
  try {
    const { at, who, action } = JSON.parse(line) as Record<string, unknown>;
    return [at, who, action].every((value) => typeof value === 'string');
  } catch {
    return false;
  }
}

async function problemOf(dir: string, file: string, bad: readonly number[]): Promise<Problem | null> {
  const [first] = bad;
  if (first === undefined) return null;
  const backup = await lastBackupOf(dir, file);
  const lines = bad.length === 1 ? `Line ${first}` : `${bad.length} lines, the first of them line ${first},`;
  return {
    id: `store.audit.${file}`,
    severity: 'warning',
    summary: `${lines} of the audit file ${file} cannot be read. Somebody or something changed the file.`,
    fix:
      backup === null
        ? 'There is no backup of it. Its other lines can be read.'
        : `Compare it with its newest backup ${backup}.`,
    link: '/health',
  };
}
