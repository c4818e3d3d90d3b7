import type { Preset } from './preset.js';

/** The recipes that were found in the preset folders. */
export interface Presets {
  list(): Preset[];
  /** Throws `not_found`. */
  get(id: string): Preset;
  /** Files that could not be used, and why. */
  readonly problems: readonly { file: string; message: string }[];
}
