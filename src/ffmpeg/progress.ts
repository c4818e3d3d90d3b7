import type { Progress } from '../domain/jobs/executor.js';

/**
 * Turns the lines of `ffmpeg -progress` into progress. Feed it every line; it answers once per report and null in between.
 * `durationSec` is the source's. Values that ffmpeg does not know (`N/A`) are null; `out_time_ms` is not used, because
 * it holds microseconds.
 */
export function progressReader(durationSec: number): (line: string) => Progress | null {
  const seen = new Map<string, string>();
  const number = (key: string): number | null => {
    const value = Number.parseFloat(seen.get(key) ?? '');
    return Number.isFinite(value) ? value : null;
  };
  return (line) => {
    const at = line.indexOf('=');
    if (at < 1) return null;
    const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    seen.set(key, value);
    if (key !== 'progress') return null;

    const doneSec = Math.max(0, (number('out_time_us') ?? 0) / 1e6);
    const speed = number('speed');
    const percent = value === 'end' ? 100 : Math.min(99.9, (doneSec / durationSec) * 100);
    return {
      percent: Math.round(percent * 10) / 10,
      fps: number('fps'),
      speed,
      etaSec: speed !== null && speed > 0 ? Math.max(0, Math.round((durationSec - doneSec) / speed)) : null,
      outputBytes: number('total_size'),
    };
  };
}

const KEYS =
  /^(frame|fps|stream_\d+_\d+_(q|psnr_\w+)|bitrate|total_size|out_time(_us|_ms)?|dup_frames|drop_frames|speed|progress)=\s*(?:\S+\s*)?$/;

/** Whether a line belongs to a progress report. For runs that write reports and messages to the same pipe. */
export const isProgressLine = (line: string): boolean => KEYS.test(line);
