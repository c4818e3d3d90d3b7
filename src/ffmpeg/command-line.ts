import { join } from 'node:path';
import type { Arg, EncodeStep } from '../domain/jobs/executor.js';

/** Where the files of a step lie on the machine that runs it; absolute paths. */
export interface Places {
  input: string;
  output: string;
  scratchDir: string;
  /** Where the input is read from instead, with what ffmpeg has to know of it. */
  source?: { options: readonly string[]; url: string };
}

/** Puts paths into a step's arguments. The input gets `file:` before it, so that no name is read as a protocol. */
export function placeArgs(args: readonly Arg[], places: Places): string[] {
  return args.flatMap((arg, at) => {
    if (arg === '-i' && isInput(args[at + 1])) return [...(places.source?.options ?? []), arg];
    if (typeof arg === 'string') return [arg];
    if ('scratch' in arg) return [join(places.scratchDir, arg.scratch)];
    return [isInput(arg) ? (places.source?.url ?? `file:${places.input}`) : places.output];
  });
}

const isInput = (arg: Arg | undefined): boolean => typeof arg === 'object' && 'file' in arg && arg.file === 'input';

/** The command line of a step as one would type it. For people only; nothing is ever run from it. */
export const commandLine = (step: EncodeStep, places: Places, ffmpeg = 'ffmpeg'): string =>
  quoteArgs([ffmpeg, ...placeArgs(step.args, places)]);

/** Arguments in one line, quoted for a POSIX shell where needed. */
export const quoteArgs = (args: readonly string[]): string =>
  args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`)).join(' ');
