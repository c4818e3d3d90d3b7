import { createHash } from 'node:crypto';
import type { Preset } from './preset.js';

const HASHES = new WeakMap<Preset, string>();
/** Hex digits; two of a thousand different presets are the same with a chance of one in 10^13. */
const DIGITS = 16;

/**
 * Names what a preset does to a file, whatever the preset is called: the same for two that differ only in id, title and
 * description, and another after any change that makes another result. What jobs teach is kept under it, so that an edited
 * preset does not promise what the old one did.
 */
export function recipeHash(preset: Preset): string {
  const known = HASHES.get(preset);
  if (known !== undefined) return known;
  const { container, video, audio, subtitles } = preset;
  const hash = createHash('sha256')
    .update(JSON.stringify(inOrder({ container, video, audio, subtitles })))
    .digest('hex');
  HASHES.set(preset, hash.slice(0, DIGITS));
  return hash.slice(0, DIGITS);
}

/** The same whatever order a file has its fields in. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inOrder(inner)]));
}
