import { execa } from 'execa';
import { inputFile, inputGuards } from './inputs.js';
import { bareEnvironment, giveWay } from './program.js';

export interface Decoded {
  /** Anything but 0 is a failure; -1 when the process did not end by itself. */
  exitCode: number;
  /** Time stamp up to which the file could be decoded; null when nothing was. */
  lastSec: number | null;
  /** Pictures decoded from the film; null when ffmpeg did not say. */
  frames: number | null;
  /** Every complaint. A healthy file causes none. */
  messages: string[];
}

/** A file that causes more complaints than this is broken beyond doubt. */
const MAX_MESSAGES = 100;

/**
 * Decodes a whole file and shows the result to nobody. `path` is absolute. A cut-off Matroska file ends with exit code 0:
 * only code, messages and last time together tell that a file is whole. `report` gets the time stamp reached, in seconds.
 *
 * Throws the signal's reason; everything else is in the answer.
 */
export async function decodeFile(
  path: string,
  options: {
    ffmpeg: string;
    audio: boolean;
    /** Only these streams instead of the film and its audio. */
    streams?: readonly number[];
    signal?: AbortSignal;
    report?: (sec: number) => void;
  },
): Promise<Decoded> {
  const { ffmpeg, audio, signal, report } = options;
  const quiet = ['-nostdin', '-hide_banner', '-v', 'error', '-xerror', '-err_detect', 'explode'];
  const progress = ['-nostats', '-progress', 'pipe:1', '-stats_period', '1'];
  const input = [...inputGuards(), '-i', inputFile(path)];
  const chosen = options.streams?.map((index) => `0:${index}`) ?? ['0:V', ...(audio ? ['0:a?'] : [])];
  const streams = [...chosen.flatMap((stream) => ['-map', stream]), '-fps_mode', 'passthrough'];
  const child = execa(ffmpeg, [...quiet, ...progress, ...input, ...streams, '-f', 'null', '-'], {
    reject: false,
    stdin: 'ignore',
    buffer: false,
    extendEnv: false,
    env: bareEnvironment(ffmpeg),
    ...(signal ? { cancelSignal: signal } : {}),
  });
  giveWay(child.pid);
  const seen = { lastSec: null as number | null, frames: null as number | null };
  const messages: string[] = [];
  const readProgress = async (): Promise<void> => {
    for await (const line of child.iterable({ from: 'stdout' })) {
      const [, key, value] = /^(out_time_us|frame)=\s*(-?\d+)/.exec(line) ?? [];
      if (key === 'frame') seen.frames = Number(value);
      if (key !== 'out_time_us') continue;
      seen.lastSec = Number(value) / 1e6;
      report?.(seen.lastSec);
    }
  };
  const readMessages = async (): Promise<void> => {
    for await (const line of child.iterable({ from: 'stderr' })) {
      if (line.trim() !== '' && messages.length < MAX_MESSAGES) messages.push(line);
    }
  };
  const [result] = await Promise.all([child, readProgress().catch(ignore), readMessages().catch(ignore)]);
  signal?.throwIfAborted();
  return { exitCode: result.exitCode ?? -1, ...seen, messages };
}

/** What breaks the reading of a pipe ends the process as well, and that is looked at. */
const ignore = (): void => undefined;
