import { z } from 'zod';

/** `small` is for rows and tiles, `large` for a poster that is looked at. */
export const PosterSize = z.enum(['small', 'large']);
export type PosterSize = z.infer<typeof PosterSize>;

/** Picture formats that browsers draw and that cannot hold a script. */
export const PictureType = z.enum(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']);
export type PictureType = z.infer<typeof PictureType>;

export interface Poster {
  type: PictureType;
  bytes: Uint8Array;
}

const MARKS: readonly [PictureType, RegExp][] = [
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/png', /^\x89PNG\r\n/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
  ['image/avif', /^[^]{4}ftypavi[fs]/],
];

/** What these bytes are by how they begin, whatever anybody says they are; null for anything that is no picture. */
export function pictureTypeOf(bytes: Uint8Array): PictureType | null {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return MARKS.find(([, mark]) => mark.test(start))?.[0] ?? null;
}
