import type { LibraryItem, Section } from '../library/library.js';
import type { EditOutcome, ItemMetadata, MetadataEdit } from '../library/metadata-edit.js';
import type { Poster, PosterSize } from '../library/poster.js';
import type { ServerEvent } from '../library/server-event.js';

export interface ServerIdentity {
  machineIdentifier: string;
  name: string;
  version: string;
  /** `Linux`, `Windows`, `MacOSX`: decides how paths compare. */
  platform: string;
  /** Null when the server does not say. */
  webhooksEnabled: boolean | null;
  pushNotifications: boolean | null;
}

/** Somebody plays something right now. Paused counts: it holds the file. */
export interface PlaySession {
  ratingKey: string;
  title: string;
  user: string;
  state: 'playing' | 'paused' | 'buffering';
  fileIds: string[];
  paths: string[];
  transcodesVideo: boolean;
}

export type ServerSection = Pick<Section, 'id' | 'serverId' | 'title' | 'type' | 'locations'> & { refreshing: boolean };

/** One answered page of a listing; `total` is what the server says the whole listing holds. */
export interface ItemPage {
  items: LibraryItem[];
  total: number;
}

/** The connection to one of the servers; without an id, to the first. Throws `plex_not_configured`, or `not_found` for an id that is none. */
export type Servers = (serverId?: string) => MediaServer;

/** A collection of one library, as the media server has it. */
export interface ServerCollection {
  ratingKey: string;
  title: string;
  /** Filled by the server itself, by a rule of its own: nothing can be put in or taken out. */
  isSmart: boolean;
  /** How many titles the server says it holds. */
  count: number;
}

/** What a rating key stands for. `showKey` and `showTitle` only for an episode. */
export interface NamedTitle {
  ratingKey: string;
  title: string;
  showKey: string | null;
  showTitle: string | null;
}

/**
 * The collections of a media server: films in a film library, whole series in a show library. Like all of `MediaServer`
 * it throws `plex_*` codes; an empty list of titles, or an id that is none, is `invalid` before anything is sent.
 */
export interface ServerCollections {
  list(sectionId: string, signal?: AbortSignal): Promise<ServerCollection[]>;
  /** One of them, or null when the server says twice that there is none. */
  find(ratingKey: string, signal?: AbortSignal): Promise<ServerCollection | null>;
  /** Rating keys of what it holds. */
  children(ratingKey: string, signal?: AbortSignal): Promise<string[]>;
  /** Makes one with a first title. The caller has made sure that the name is free: the server might mix them otherwise. */
  create(
    section: Pick<Section, 'id' | 'type'>,
    title: string,
    first: string,
    signal?: AbortSignal,
  ): Promise<ServerCollection>;
  /** Puts titles in, some at a time: after an error some may be in and others not. */
  add(ratingKey: string, titles: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Takes titles out, one at a time; one that is out already is no error. */
  remove(ratingKey: string, titles: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Deletes the collection, not what it holds; one that is gone already is no error. */
  delete(ratingKey: string, signal?: AbortSignal): Promise<void>;
  /** What these are called; those that are gone are absent. */
  titles(ratingKeys: readonly string[], signal?: AbortSignal): Promise<NamedTitle[]>;
}

/** The metadata that people may write on a media server. */
interface ServerMetadata {
  /** What the server shows now; ids that are gone are absent. */
  read(ratingKeys: readonly string[], signal?: AbortSignal): Promise<ItemMetadata[]>;
  /**
   * Edits exactly these items, looks at each again, and tells what became of each once. What fails does not stop the rest.
   * After an abort it tells of what was under way, then throws the signal's reason: whoever was not told of was not edited.
   */
  edit(ratingKeys: readonly string[], edit: MetadataEdit, signal?: AbortSignal): AsyncIterable<EditOutcome[]>;
}

/**
 * What MediaFlow asks of a media server. Every method throws an `AppError` with a `plex_*` code; an outage,
 * a sign-in page or half an answer never looks like "nothing there".
 *
 * Items come back complete but for what only we know: `localPath` is null, `tags` is empty, `state` is `present`.
 */
export interface MediaServer {
  identity(signal?: AbortSignal): Promise<ServerIdentity>;
  sections(signal?: AbortSignal): Promise<ServerSection[]>;
  /** Films or episodes of a section, page by page, without streams. `since` (ISO) lists only what was added or changed after it. */
  items(
    section: Pick<Section, 'id' | 'type'>,
    options?: { since?: string; signal?: AbortSignal },
  ): AsyncIterable<ItemPage>;
  /** Items with streams, in one answer per 50; ids that are gone are absent. */
  details(ratingKeys: readonly string[], signal?: AbortSignal): Promise<LibraryItem[]>;
  /** One item with streams, or null when the server answers that it is gone. */
  item(ratingKey: string, signal?: AbortSignal): Promise<LibraryItem | null>;
  /** Rating keys of the episodes below a show or season, with when each was added. */
  leaves(ratingKey: string, signal?: AbortSignal): Promise<{ ratingKey: string; addedAt: string }[]>;
  /** Items that hold this exact server path. */
  findByPath(section: Pick<Section, 'id' | 'type'>, path: string, signal?: AbortSignal): Promise<LibraryItem[]>;
  /** Asks for a scan of one folder (as the server sees it). Returns when the request is queued. */
  refresh(sectionId: string, folder: string, signal?: AbortSignal): Promise<void>;
  /** Asks for a new look into the file's streams. Returns when the request is queued. */
  analyze(ratingKey: string, signal?: AbortSignal): Promise<void>;
  sessions(signal?: AbortSignal): Promise<PlaySession[]>;
  readonly collections: ServerCollections;
  readonly metadata: ServerMetadata;
  /** The picture at an item's `thumb`. Soon refuses without asking while the server is away. */
  poster(thumb: string, size: PosterSize, signal?: AbortSignal): Promise<Poster>;
  /**
   * What the server tells by itself, over one connection: first `listening`, then everything as it comes. Throws when the
   * connection cannot be made or breaks off, or the signal's reason; it never just ends.
   */
  listen(signal: AbortSignal): AsyncIterable<ServerEvent>;
}
