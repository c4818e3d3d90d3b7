import prettyBytes from 'pretty-bytes';

/** Bytes for people: `4.3 GB`, decimal units as disks are sold. */
export const formatBytes = (bytes: number): string => prettyBytes(bytes, { maximumFractionDigits: 1 });

/** Bit rate for people: `8.2 Mbit/s`. */
export const formatBitrate = (kbps: number): string =>
  kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;

/** Duration for people: `2 h 05 min`, `42 min`, `12 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
