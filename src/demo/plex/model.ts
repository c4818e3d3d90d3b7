/** Where a simulated library lies: as the server tells it, and where it really is. */
interface SimulatedLocation {
  serverPath: string;
  localPath: string;
}

export interface SimulatedSection {
  id: string;
  title: string;
  type: 'movie' | 'show';
  locations: SimulatedLocation[];
}

/** What the server found when it last looked into a file. Stays as it was until it looks again. */
export interface Reading {
  durationMs: number;
  bitrateKbps: number;
  container: string;
  /** Streams in Plex's words; the first of type 1 is the picture. */
  streams: Record<string, unknown>[];
}

/** One file: a `Media` with one `Part`. */
export interface SimulatedFile {
  mediaId: number;
  partId: number;
  serverPath: string;
  /** Null for a file that exists only on paper. */
  localPath: string | null;
  sizeBytes: number;
  /** Epoch seconds; stands in the part's key and moves when a scan sees another file. */
  changedAt: number;
  reading: Reading | null;
}

/** The show and season of an episode; both are items of their own in Plex. */
export interface SimulatedShow {
  ratingKey: string;
  sectionId: string;
  title: string;
  addedAt: number;
  seasons: Map<number, string>;
  collections?: string[];
}

/** What people write about an item; empty text and lists are what Plex leaves out. */
export interface SimulatedDetails {
  titleSort: string;
  summary: string;
  studio: string;
  contentRating: string;
  genres: string[];
  /** Names of fields that a refresh of metadata leaves alone. */
  locked: string[];
}

/** A film or episode. Views, rating and labels may be set by hand. */
export interface SimulatedItem {
  ratingKey: string;
  sectionId: string;
  type: 'movie' | 'episode';
  guid: string;
  title: string;
  year: number | null;
  show: SimulatedShow | null;
  season: number | null;
  episode: number | null;
  /** Epoch seconds, like every time of Plex. */
  addedAt: number;
  updatedAt: number;
  viewCount: number;
  viewOffset: number;
  lastViewedAt: number | null;
  userRating: number | null;
  labels: string[];
  collections: string[];
  details?: SimulatedDetails;
  files: SimulatedFile[];
}

/** Who plays what. A transcode does not tell which file it reads. */
export interface SimulatedSession {
  sessionKey: string;
  ratingKey: string;
  user: string;
  state: 'playing' | 'paused' | 'buffering';
  transcode: boolean;
}

/** A request as it came in. */
export interface SeenRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  accept: string;
}

/** What the whole server does wrong until it is set back to null. */
export type Fault =
  | 401
  | 403
  | 404
  | 429
  | 500
  | 503
  | 'html'
  | 'half-json'
  | 'hang'
  | 'maintenance'
  | 'wrong-server'
  | 'reset'
  | 'empty';

export const nowSec = (): number => Math.floor(Date.now() / 1000);
