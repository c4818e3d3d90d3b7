import { execa } from 'execa';
import { AppError } from '../domain/errors.js';
import { inputFile, inputGuards } from './inputs.js';
import { bareEnvironment, giveWay } from './program.js';

/** What the packets of a stream say, whatever its header claims. Seconds. */
export interface Measured {
  packets: number;
  startSec: number;
  endSec: number;
  /** Longest time without a packet. */
  longestGapSec: number;
}

/**
 * Reads every packet of a file, without decoding, and measures each stream by its index. `path` is absolute. Streams
 * without packets, or whose packets have no times, are missing from the answer.
 *
 * Throws `probe_failed` or the signal's reason.
 */
export async function measureStreams(
  path: string,
  { ffprobe, signal }: { ffprobe: string; signal?: AbortSignal },
): Promise<Map<number, Measured>> {
  const entries = 'packet=stream_index,pts_time,dts_time,duration_time';
  const args = ['-v', 'error', ...inputGuards(), '-show_entries', entries, '-of', 'compact=p=0'];
  const child = execa(ffprobe, [...args, inputFile(path)], {
    reject: false,
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: 1_000_000 },
    extendEnv: false,
    env: bareEnvironment(ffprobe),
    ...(signal ? { cancelSignal: signal } : {}),
  });
  giveWay(child.pid);
  const rulers = new Map<number, Ruler>();
  const read = async (): Promise<void> => {
    for await (const line of child.iterable({ from: 'stdout' })) {
      const packet = parsePacket(line);
      if (!packet) continue;
      const ruler = rulers.get(packet.index) ?? new Ruler();
      rulers.set(packet.index, ruler);
      ruler.add(packet.atSec, packet.durationSec);
    }
  };
  const [result] = await Promise.all([child, read()]);
  signal?.throwIfAborted();
  if (result.failed) {
    throw new AppError('probe_failed', 'The file cannot be read to its end. Get a new copy of it.', {
      cause: result,
      details: result.stderr.trim().slice(-300),
    });
  }
  return new Map([...rulers].flatMap(([index, ruler]) => (ruler.packets > 0 ? [[index, ruler.measured()]] : [])));
}

/** `stream_index=0|pts_time=0.040000|dts_time=N/A|duration_time=0.040000` */
function parsePacket(line: string): { index: number; atSec: number; durationSec: number } | null {
  const value = (key: string): number => {
    const at = line.indexOf(`${key}=`);
    return at < 0 ? Number.NaN : Number.parseFloat(line.slice(at + key.length + 1));
  };
  const index = value('stream_index');
  const [pts, dts, duration] = [value('pts_time'), value('dts_time'), value('duration_time')];
  const atSec = Number.isNaN(pts) ? dts : pts;
  if (Number.isNaN(index) || Number.isNaN(atSec)) return null;
  return { index, atSec, durationSec: Number.isNaN(duration) ? 0 : duration };
}

/** Packets come in the order of decoding; shown they are in another, at most so many apart. */
const REORDERED = 32;

class Ruler {
  packets = 0;
  #startSec = Number.POSITIVE_INFINITY;
  #endSec = Number.NEGATIVE_INFINITY;
  #longestGapSec = 0;
  #shownSec: number | null = null;
  /** Times not yet in their final order, ascending. */
  readonly #waiting: number[] = [];

  add(atSec: number, durationSec: number): void {
    this.packets++;
    this.#startSec = Math.min(this.#startSec, atSec);
    this.#endSec = Math.max(this.#endSec, atSec + durationSec);
    let place = this.#waiting.length;
    while (place > 0 && (this.#waiting[place - 1] ?? 0) > atSec) place--;
    this.#waiting.splice(place, 0, atSec);
    if (this.#waiting.length > REORDERED) this.#show(this.#waiting.shift());
  }

  measured(): Measured {
    while (this.#waiting.length > 0) this.#show(this.#waiting.shift());
    return {
      packets: this.packets,
      startSec: this.#startSec,
      endSec: this.#endSec,
      longestGapSec: this.#longestGapSec,
    };
  }

  #show(atSec = 0): void {
    if (this.#shownSec !== null) this.#longestGapSec = Math.max(this.#longestGapSec, atSec - this.#shownSec);
    this.#shownSec = atSec;
  }
}
