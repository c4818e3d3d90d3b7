import { stat } from 'node:fs/promises';
import type { EncoderSupport } from '../domain/workers/worker.js';
import { steadyClock } from '../lib/steady-clock.js';
import { probeHere, renderNodesHere, runHere, versionOf } from './encoders.js';

/** What an ffmpeg is and what its encoders can do here. */
export interface Abilities {
  ffmpegVersion: string;
  encoders: EncoderSupport[];
}

/** The program itself may stand as it did and yet not run any more, when a library of it is gone. */
const ASK_AGAIN_MS = 600_000;

interface Known {
  abilities: Promise<Abilities>;
  answeredAtMs: number;
}

/** The same program in the same place, with the same graphics cards: what it is -> what it can do. */
const known = new Map<string, Known>();

/**
 * What the ffmpeg at an absolute path on this machine can do: tried once for each program that stands there, whoever asks. Throws
 * `worker_unavailable`, or the signal's reason.
 */
export async function abilitiesOf(ffmpeg: string, signal: AbortSignal): Promise<Abilities> {
  const key = await identityOf(ffmpeg);
  for (;;) {
    const standing = known.get(key);
    const asked = standing ?? { abilities: probeHere(ffmpeg, signal), answeredAtMs: steadyClock() };
    known.set(key, asked);
    try {
      const abilities = await asked.abilities;
      if (steadyClock() - asked.answeredAtMs > ASK_AGAIN_MS) {
        await versionOf(runHere(ffmpeg, signal));
        asked.answeredAtMs = steadyClock();
      }
      if (!signal.aborted) return abilities;
    } catch (error) {
      if (known.get(key) === asked) known.delete(key);
      signal.throwIfAborted();
      // Somebody else began to try it, and was told to stop.
      if (asked !== standing) throw error;
    }
    // Whoever was told to stop gets no answer, also when somebody else asked for it; that stays known.
    signal.throwIfAborted();
  }
}

async function identityOf(ffmpeg: string): Promise<string> {
  // One that has gone since it was found says so when it is tried.
  const seen = await stat(ffmpeg).catch(() => null);
  const file = seen && [seen.dev, seen.ino, seen.size, seen.mtimeMs, seen.ctimeMs];
  return JSON.stringify([ffmpeg, file, await renderNodesHere()]);
}
