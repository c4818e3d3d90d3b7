import { z } from 'zod';
import { AppError } from '../../domain/errors.js';
import { PictureType, PosterSize } from '../../domain/library/poster.js';
import { action } from '../action.js';

/** A picture to be sent as it is. */
export const Picture = z.object({
  type: PictureType,
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  /** The same for the same bytes. */
  version: z.string(),
});
export type Picture = z.infer<typeof Picture>;

/**
 * The poster of one item, kept on the disk. Its episodes share a show's poster. Throws `not_found` when there is none,
 * or a `plex_*` code while Plex does not give it.
 */
export const showPoster = action(
  {
    summary: 'Show the poster of a library item',
    input: z.object({ id: z.string(), size: PosterSize.default('small') }),
    output: Picture,
  },
  async ({ store, server }, { id, size }) => {
    const { thumb, serverId } = store.library.get(id);
    if (thumb === null) throw new AppError('not_found', 'This title has no poster.');
    // Plex writes the version of a picture into its path.
    const key = JSON.stringify([serverId, thumb, size]);
    return store.posters.get(key, (signal) => server(serverId).poster(thumb, size, signal));
  },
);
