import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SimulatedLibrary } from './simulated-library.js';

/** A JPEG of 16 by 24 pixels, for a title that has no poster of its own. */
export const THUMB = Buffer.from(
  '/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgYGBwYHCEhISEhISckJygoKCcnJycoKCgrKyszMzMrKysoKCsrMDAzMzc5NzQ0MzQ5OTw8PEhIRUVUVFdnZ3z/xABMAAEBAAAAAAAAAAAAAAAAAAAABwEBAQAAAAAAAAAAAAAAAAAAAAUQAQAAAAAAAAAAAAAAAAAAAAARAQAAAAAAAAAAAAAAAAAAAAD/wAARCAAYABADASIAAhEAAxEA/9oADAMBAAIRAxEAPwCcgKyaAA//2Q==',
  'base64',
);

/** The poster of an item or a show: `poster.jpg` in its folder, as Plex finds it there too, or else a plain one. */
export function posterOf(library: SimulatedLibrary, ratingKey: string): Buffer {
  const [first] = library.leavesOf(ratingKey) ?? [library.find(ratingKey)];
  const path = first?.files[0]?.localPath ?? null;
  if (path === null) return THUMB;
  const folder = dirname(path);
  const isSeason = first?.type === 'episode' && /^(season|specials)/i.test(basename(folder));
  try {
    return readFileSync(join(isSeason ? dirname(folder) : folder, 'poster.jpg'));
  } catch {
    return THUMB;
  }
}
