import type { PlaySession, Servers } from '../../domain/plex/media-server.js';
import { toLocalPath, type PathMapping } from '../../domain/settings/paths.js';
import type { Store } from '../../store/store.js';

/** Somebody plays something, and on which server. */
export interface Viewing extends PlaySession {
  serverId: string;
}

/** How long an answer counts when only courtesy hangs on it, milliseconds. */
const COURTESY_MS = 5000;
/** How long it counts on a page, which promises nothing. */
const LATELY_MS = 15_000;

/** Who watches what, asked of the media server. */
export class Viewers {
  readonly #server: Servers;
  readonly #store: Pick<Store, 'servers'>;
  #last: { atMs: number; sessions: readonly Viewing[] } | null = null;

  constructor(server: Servers, store: Pick<Store, 'servers'>) {
    this.#server = server;
    this.#store = store;
  }

  /** Asked anew: right before a file is touched. Throws a `plex_*` code: not knowing is not "nobody". */
  async now(signal?: AbortSignal): Promise<readonly Viewing[]> {
    const { servers } = this.#store;
    // A server that somebody shares tells only its owner who watches; its files are not ours to replace.
    const owned = servers.ids().filter((id) => servers.isOwned(id));
    const asked = owned.map(async (serverId) =>
      (await this.#server(serverId).sessions(signal)).map((session) => ({ ...session, serverId })),
    );
    const sessions = (await Promise.all(asked)).flat();
    this.#last = { atMs: performance.now(), sessions };
    return sessions;
  }

  /** For pages: what was answered lately, else asked; nobody, when the server does not say within `limitMs`. */
  async lately(limitMs: number): Promise<readonly Viewing[]> {
    if (this.#last !== null && performance.now() - this.#last.atMs < LATELY_MS) return this.#last.sessions;
    return this.now(AbortSignal.timeout(limitMs)).catch(() => []);
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

/** A file as the server that lists it sees it, and as this machine does. */
export interface WatchedFile {
  serverId: string;
  ratingKey: string;
  fileId: string;
  serverPath: string;
  localPath: string;
}

/**
 * Whether somebody holds the file: by part, by path, or by title when a session does not say which file. Another server may
 * list the same file under other numbers and another path; there, what counts is where this machine sees it.
 */
export function holds(
  sessions: readonly Viewing[],
  file: WatchedFile,
  mappingsOf: (serverId: string) => readonly PathMapping[],
): Viewing | null {
  const isOfTitle = ({ serverId, ratingKey, fileIds, paths }: Viewing): boolean =>
    serverId === file.serverId &&
    (ratingKey === file.ratingKey || fileIds.includes(file.fileId) || paths.includes(file.serverPath));
  const isOfFile = ({ serverId, paths }: Viewing): boolean =>
    paths.some((path) => toLocalPath(path, mappingsOf(serverId)) === file.localPath);
  return sessions.find((session) => isOfTitle(session) || isOfFile(session)) ?? null;
}
