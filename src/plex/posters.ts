import { AppError } from '../domain/errors.js';
import { pictureTypeOf, type Poster, type PosterSize } from '../domain/library/poster.js';
import { Gate } from '../lib/gate.js';
import type { PlexClient, Request } from './client.js';
import { badAnswer, transportFailure } from './failure.js';

const MAX_PICTURE_BYTES = 5_000_000;
/** Beside the requests that matter more, and not through their gate: whoever reads the library does not wait for pictures. */
const PICTURES_AT_ONCE = 3;
/** For one picture, both ways of asking together. Whoever looks at the page sees a drawn poster meanwhile. */
const DEFAULT_TIMEOUT_MS = 8000;
/** After an outage nobody is kept waiting once more for every poster of a page. */
const REST_MS = 30_000;

/** About twice what the pages show, for fine screens. */
const BOX: Record<PosterSize, { width: number; height: number }> = {
  small: { width: 240, height: 360 },
  large: { width: 600, height: 900 },
};

/** Plex itself is the trouble, not this picture. */
const isAway = ({ code }: AppError): boolean =>
  [
    'plex_timeout',
    'plex_unreachable',
    'plex_maintenance',
    'plex_rate_limited',
    'plex_unauthorized',
    'plex_wrong_server',
  ].includes(code);

/** Reads posters from a Plex server: scaled by it when it can, or else as they are. */
export class Posters {
  readonly #client: PlexClient;
  readonly #timeoutMs: number;
  readonly #gate = new Gate(PICTURES_AT_ONCE);
  #trouble: { error: AppError; untilMs: number } | null = null;

  constructor(client: PlexClient, timeoutMs = DEFAULT_TIMEOUT_MS) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * `thumb` is a path on the server as it told us. Throws `plex_not_found` when there is no such picture or the path is
   * none of a picture, `plex_bad_answer` for what is no picture or too large, and other `plex_*` codes.
   */
  async read(thumb: string, size: PosterSize, signal?: AbortSignal): Promise<Poster> {
    if (!isPicturePath(thumb)) throw new AppError('plex_not_found', 'Plex has no poster for this.');
    return this.#gate.run(() => this.#readInTime(thumb, size, signal), signal);
  }

  async #readInTime(thumb: string, size: PosterSize, signal: AbortSignal | undefined): Promise<Poster> {
    if (this.#trouble && performance.now() < this.#trouble.untilMs) throw this.#trouble.error;
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    try {
      const poster = await this.#readEither(thumb, size, AbortSignal.any([deadline, ...(signal ? [signal] : [])]));
      this.#trouble = null;
      return poster;
    } catch (cause) {
      signal?.throwIfAborted();
      const isLate = deadline.aborted;
      const error = isLate ? transportFailure({ code: 'ETIMEDOUT', message: 'no poster in time' }, '') : cause;
      if (error instanceof AppError && isAway(error)) this.#trouble = { error, untilMs: performance.now() + REST_MS };
      throw error;
    }
  }

  async #readEither(thumb: string, size: PosterSize, signal: AbortSignal): Promise<Poster> {
    try {
      // Without upscaling: a small picture is scaled by the browser just as well.
      const query = { ...BOX[size], minSize: 1, upscale: 0, url: thumb };
      return await this.#picture({ path: '/photo/:/transcode', query, signal });
    } catch (error) {
      if (signal.aborted || !(error instanceof AppError) || isAway(error)) throw error;
      // Its scaler may be missing, broken or closed to us while the picture itself is there.
      return this.#picture({ path: thumb, signal });
    }
  }

  async #picture(request: Request): Promise<Poster> {
    const { body, contentType } = await this.#client.bytes(request, MAX_PICTURE_BYTES);
    const type = pictureTypeOf(body);
    if (type === null || !contentType.startsWith('image/'))
      throw badAnswer('something else came where a poster should be');
    return { type, bytes: body };
  }
}

/** A plain path to something in the library: no other host, no way up, nothing that continues as a query. */
const isPicturePath = (path: string): boolean => /^\/library(\/[\w:-][\w:.-]*)+$/.test(path) && path.length < 500;
