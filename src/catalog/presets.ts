import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { notFound } from '../domain/errors.js';
import { Preset } from '../domain/presets/preset.js';
import type { Presets } from '../domain/presets/presets.js';

/**
 * Loads the presets of both folders. A file that is wrong is left out and named in `problems`; the built-in
 * ones keep their ids. Throws only when the built-in folder cannot be read.
 */
export async function openPresets(options: { builtInDir: string; userDir: string | null }): Promise<Presets> {
  const found = new Map<string, Preset>();
  const problems: { file: string; message: string }[] = [];
  await load(options.builtInDir, found, problems);
  if (options.userDir !== null) {
    try {
      await load(options.userDir, found, problems);
    } catch (error) {
      problems.push({ file: options.userDir, message: `The folder cannot be read: ${messageOf(error)}` });
    }
  }
  return {
    list: () => [...found.values()],
    get: (id) => {
      const preset = found.get(id);
      if (!preset) throw notFound('preset', id);
      return preset;
    },
    problems,
  };
}

async function load(
  dir: string,
  found: Map<string, Preset>,
  problems: { file: string; message: string }[],
): Promise<void> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
  for (const name of files) {
    const file = join(dir, name);
    try {
      const preset = Preset.parse(JSON.parse(await readFile(file, 'utf8')));
      if (preset.id !== basename(name, '.json')) throw new Error(`The id ${preset.id} must be the file name`);
      if (found.has(preset.id)) throw new Error(`There is already a preset ${preset.id}; give the file another name`);
      found.set(preset.id, preset);
    } catch (error) {
      problems.push({ file, message: messageOf(error) });
    }
  }
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('; ');
  return error instanceof Error ? error.message : String(error);
}
