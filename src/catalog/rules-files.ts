import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PresetId } from '../domain/presets/preset.js';
import type { RuleInfo } from '../domain/rules/rule.js';
import { fileStamp } from './rules-watch.js';

/** A file that holds a rule, or that should. */
export interface RuleFile {
  id: string;
  origin: RuleInfo['origin'];
  file: string;
  url: string;
  /** Changes whenever the file does. */
  stamp: string;
  /** Why it may not even be loaded, or null. */
  problem: string | null;
}

const CODE = {
  'built-in': /^(?!.*\.d\.ts$)(.+)\.(?:js|mjs|ts)$/,
  user: /^(?!.*\.test\.m?js$)(.+)\.(?:js|mjs)$/,
} as const;

/**
 * Every rule of both folders, built-in ones first. A file of the owner whose name is taken or cannot be an id is
 * listed under another id with its problem. Throws only when the built-in folder cannot be read.
 */
export async function findRuleFiles(options: {
  builtInDir: string;
  userDir: string | null;
}): Promise<{ files: RuleFile[]; problem: string | null }> {
  const files = await list(options.builtInDir, 'built-in', new Set());
  if (options.userDir === null) return { files, problem: null };
  try {
    files.push(...(await list(options.userDir, 'user', new Set(files.map(({ id }) => id)))));
    return { files, problem: null };
  } catch (error) {
    return { files, problem: `The rules folder ${options.userDir} cannot be read: ${(error as Error).message}` };
  }
}

async function list(dir: string, origin: RuleInfo['origin'], builtIn: ReadonlySet<string>): Promise<RuleFile[]> {
  const taken = new Set<string>();
  const files: RuleFile[] = [];
  for (const name of (await readdir(dir)).sort()) {
    const stem = CODE[origin].exec(name)?.[1];
    if (stem === undefined) continue;
    const file = join(dir, name);
    const problem = problemOf(stem, builtIn, taken);
    const id = problem === null ? stem : freeId(stem, new Set([...builtIn, ...taken]));
    taken.add(id);
    // Node loads modules by their real path, and stack traces name it.
    const url = pathToFileURL(await realpath(file).catch(() => file)).href;
    files.push({ id, origin, file, url, stamp: await fileStamp(file), problem });
  }
  return files;
}

function problemOf(stem: string, builtIn: ReadonlySet<string>, taken: ReadonlySet<string>): string | null {
  if (!PresetId.safeParse(stem).success) {
    return 'The file name is the id of the rule: it may only hold lower-case letters, digits and dashes. Rename the file.';
  }
  if (builtIn.has(stem)) return `There is a built-in rule ${stem} already. Give the file another name.`;
  return taken.has(stem) ? `There is another file for the rule ${stem}. Rename one of them.` : null;
}

function freeId(stem: string, taken: ReadonlySet<string>): string {
  const plain =
    stem
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'rule';
  const base = `user-${plain}`.slice(0, 50);
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(id)) return id;
  }
}
