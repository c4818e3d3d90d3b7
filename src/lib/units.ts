const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** A tenth at most, and no `.0`. */
const toTenth = (value: number): number => Math.round(value * 10) / 10;

/**
 * Bytes for people: `4.3 GB`, decimal units as disks are sold. By hand: rules name sizes by the ten thousand, and what
 * formats by language takes fifty times as long.
 */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  // What would be rounded to 1000 is 1 of the next unit.
  while (value >= 999.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const rounded = unit === 0 ? Math.round(value) : toTenth(value);
  return `${bytes < 0 && rounded !== 0 ? '-' : ''}${rounded} ${BYTE_UNITS[unit] ?? ''}`;
}

/** Bit rate of a film or a track for people: `8.2 Mbit/s`, `640 kbit/s`. */
export const formatBitrate = (kbps: number): string =>
  kbps >= 999.5 ? `${toTenth(kbps / 1000)} Mbit/s` : `${Math.round(kbps)} kbit/s`;

/** Speed of a connection for people: `94 Mbit/s`, with a tenth below 10. */
export const formatLineSpeed = (mbps: number): string => `${mbps < 10 ? toTenth(mbps) : Math.round(mbps)} Mbit/s`;

/** Duration for people: `2 h 05 min`, `42 min`, `12 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
