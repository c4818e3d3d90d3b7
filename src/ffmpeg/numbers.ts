/** A number that ffprobe prints as text; null for `N/A` and nothing. */
export function numberOf(text: string | undefined): number | null {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) ? value : null;
}

/** Bits per second as text to kbit/s. */
export function kbpsOf(text: string | undefined): number | null {
  const bits = numberOf(text);
  return bits === null ? null : Math.round(bits / 1000);
}
