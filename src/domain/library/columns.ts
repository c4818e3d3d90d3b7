import { z } from 'zod';

/** Columns of the library's table, in their order; title and what comes next always stand. */
export const LibraryColumn = z.enum([
  'video',
  'hdr',
  'audio',
  'container',
  'bitrate',
  'size',
  'duration',
  'plays',
  'added',
  'tags',
]);
export type LibraryColumn = z.infer<typeof LibraryColumn>;

/** What a table shows until the owner says otherwise. */
export const USUAL_COLUMNS: LibraryColumn[] = ['video', 'audio', 'bitrate', 'size', 'plays'];
