import { itemId, type LibraryItem } from '../domain/library/library.js';
import type { MediaFile } from '../domain/library/media.js';
import { toCount, toInt, toIso, toKey, toList, toNum, toStr, toText, type Raw } from './coerce.js';
import { audioOf, positive, streamsOf, subtitlesOf, videoOf, videoOfListing } from './streams.js';

const OPTIMIZED_VERSION = 42;
const EPOCH = new Date(0).toISOString();

/** More than any title has; what is above is no list of versions or tags. */
const MOST_VERSIONS = 200;
const MOST_TAGS = 1000;
const LONGEST_PATH = 8192;
const LONGEST_THUMB = 500;

/** Where an item was read. */
export interface ItemPlace {
  serverId: string;
  sectionId: string;
}

/** A film or episode as Plex describes it; null for anything else, such as a season or a clip. */
export function toItem(raw: Raw, place: ItemPlace): LibraryItem | null {
  const ratingKey = toKey(raw['ratingKey']);
  const type = toStr(raw['type']);
  if (ratingKey === null || (type !== 'movie' && type !== 'episode')) return null;
  const isEpisode = type === 'episode';
  return {
    id: itemId(place.serverId, ratingKey),
    serverId: place.serverId,
    sectionId: place.sectionId,
    ratingKey,
    guid: toText(raw['guid']) ?? '',
    type,
    title: toText(raw['title']) ?? '',
    year: toCount(raw['year']) || null,
    show: isEpisode ? (toText(raw['grandparentTitle']) ?? '') : null,
    season: isEpisode ? toInt(raw['parentIndex']) : null,
    episode: isEpisode ? toInt(raw['index']) : null,
    edition: toText(raw['editionTitle']),
    thumb: posterOf(raw),
    addedAt: toIso(raw['addedAt']) ?? EPOCH,
    updatedAt: toIso(raw['updatedAt']),
    plays: toCount(raw['viewCount']),
    viewOffsetMs: toCount(raw['viewOffset']),
    lastPlayedAt: toIso(raw['lastViewedAt']),
    userRating: toNum(raw['userRating']),
    labels: tagsOf(raw['Label']),
    collections: tagsOf(raw['Collection']),
    tags: [],
    files: filesOf(toList(raw['Media'])),
    state: 'present',
  };
}

function filesOf(versions: readonly Raw[]): MediaFile[] {
  const files: MediaFile[] = [];
  for (const media of versions.slice(0, MOST_VERSIONS)) addFiles(media, files);
  // A list that grew has room for sixteen more.
  return files.slice();
}

/** The files of one version. A part without a path cannot be worked with and is left out. */
function addFiles(media: Raw, files: MediaFile[]): void {
  const parts = toList(media['Part']);
  for (const part of parts) {
    const id = toKey(part['id']);
    const path = pathOf(part['file']);
    if (id === null || path === null) continue;
    const streams = streamsOf(part['Stream']);
    const isDetailed = streams.length > 0;
    files.push({
      id,
      mediaId: toKey(media['id']) ?? id,
      path,
      localPath: null,
      sizeBytes: toCount(part['size']),
      container: toText(part['container']) ?? toText(media['container']) ?? extensionOf(path),
      durationMs: toCount(part['duration'] ?? media['duration']),
      bitrateKbps: positive(media['bitrate']),
      video: isDetailed ? videoOf(streams, media) : videoOfListing(media),
      audio: audioOf(streams),
      subtitles: subtitlesOf(streams),
      detailed: isDetailed,
      optimized: isOptimized(media, path),
      stackedParts: parts.length,
    });
  }
}

/** Any one of the marks is enough. */
const isOptimized = (media: Raw, path: string): boolean =>
  toInt(media['proxyType']) === OPTIMIZED_VERSION ||
  toStr(media['target']) !== null ||
  /[\\/]Plex Versions[\\/]/.test(path);

const tagsOf = (value: unknown): string[] =>
  toList(value)
    .slice(0, MOST_TAGS)
    .flatMap(({ tag }) => toText(tag) ?? []);

/** An episode's own picture is a scene; its poster is the show's. Only paths on the server, never an address. */
function posterOf(raw: Raw): string | null {
  const path = toStr(raw['grandparentThumb']) ?? toStr(raw['thumb']);
  if (path === null || path.length > LONGEST_THUMB || /[?#\p{Cc}]/u.test(path)) return null;
  return path.startsWith('/') ? path : null;
}

/** Never shortened or cleaned: that would be another file. */
function pathOf(value: unknown): string | null {
  const path = toStr(value);
  return path !== null && path.length <= LONGEST_PATH && !path.includes('\0') ? path : null;
}

function extensionOf(path: string): string {
  const at = path.lastIndexOf('.');
  return at > Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) ? path.slice(at + 1).toLowerCase() : '';
}
