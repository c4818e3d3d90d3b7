import type { MediaServer, PlaySession } from '../../domain/media-server.js';

/** How long an answer counts when only courtesy hangs on it, milliseconds. */
const COURTESY_MS = 5000;

/** Who watches what, asked of the media server. */
export class Viewers {
  readonly #server: () => MediaServer;
  #last: { atMs: number; sessions: readonly PlaySession[] } | null = null;

  constructor(server: () => MediaServer) {
    this.#server = server;
  }

  /** Asked anew: right before a file is touched. Throws a `plex_*` code: not knowing is not "nobody". */
  async now(signal?: AbortSignal): Promise<readonly PlaySession[]> {
    const sessions = await this.#server().sessions(signal);
    this.#last = { atMs: performance.now(), sessions };
    return sessions;
  }

  /** Somebody began or stopped to watch: what was answered before counts no longer. */
  forget(): void {
    this.#last = null;
  }

  /** How many the server encodes video for right now; 0 when it cannot say, because this is only courtesy. */
  async transcoding(signal?: AbortSignal): Promise<number> {
    try {
      const isFresh = this.#last !== null && performance.now() - this.#last.atMs < COURTESY_MS;
      const sessions = isFresh && this.#last ? this.#last.sessions : await this.now(signal);
      return sessions.filter(({ transcodesVideo, state }) => transcodesVideo && state !== 'paused').length;
    } catch {
      return 0;
    }
  }
}

/** Whether somebody holds the file: by part, by path, or by title when a session does not say which file. */
export function holds(
  sessions: readonly PlaySession[],
  file: { ratingKey: string; fileId: string; serverPath: string },
): PlaySession | null {
  return (
    sessions.find(
      ({ ratingKey, fileIds, paths }) =>
        ratingKey === file.ratingKey || fileIds.includes(file.fileId) || paths.includes(file.serverPath),
    ) ?? null
  );
}
