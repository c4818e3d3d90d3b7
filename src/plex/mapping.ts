import { itemId, type LibraryItem } from '../domain/library.js';
import type { MediaFile } from '../domain/media.js';
import { toCount, toInt, toIso, toList, toNum, toStr, type Raw } from './coerce.js';
import { audioOf, subtitlesOf, videoOf, videoOfListing } from './streams.js';

const OPTIMIZED_VERSION = 42;
const EPOCH = new Date(0).toISOString();

/** Where an item was read: what the item itself may leave out. */
export interface ItemPlace {
  serverId: string;
  /** Used when the item does not name its section. */
  sectionId: string;
}

/** A film or episode as Plex describes it; null for anything else, such as a season or a clip. */
export function toItem(raw: Raw, place: ItemPlace): LibraryItem | null {
  const ratingKey = toStr(raw['ratingKey']);
  const type = toStr(raw['type']);
  if (ratingKey === null || (type !== 'movie' && type !== 'episode')) return null;
  const isEpisode = type === 'episode';
  return {
    id: itemId(place.serverId, ratingKey),
    serverId: place.serverId,
    sectionId: toStr(raw['librarySectionID']) ?? place.sectionId,
    ratingKey,
    guid: toStr(raw['guid']) ?? '',
    type,
    title: toStr(raw['title']) ?? '',
    year: toInt(raw['year']),
    show: isEpisode ? (toStr(raw['grandparentTitle']) ?? '') : null,
    season: isEpisode ? toInt(raw['parentIndex']) : null,
    episode: isEpisode ? toInt(raw['index']) : null,
    edition: toStr(raw['editionTitle']),
    thumb: posterOf(raw),
    addedAt: toIso(raw['addedAt']) ?? toIso(raw['updatedAt']) ?? EPOCH,
    updatedAt: toIso(raw['updatedAt']),
    plays: toCount(raw['viewCount']),
    viewOffsetMs: toCount(raw['viewOffset']),
    lastPlayedAt: toIso(raw['lastViewedAt']),
    userRating: toNum(raw['userRating']),
    labels: tagsOf(raw['Label']),
    collections: tagsOf(raw['Collection']),
    tags: [],
    files: toList(raw['Media']).flatMap(toFiles),
    state: 'present',
  };
}

/** The files of one version. A part without a path cannot be worked with and is left out. */
function toFiles(media: Raw): MediaFile[] {
  const parts = toList(media['Part']);
  const files: MediaFile[] = [];
  for (const part of parts) {
    const id = toStr(part['id']);
    const path = toStr(part['file']);
    if (id === null || path === null) continue;
    const streams = toList(part['Stream']);
    const isDetailed = streams.length > 0;
    files.push({
      id,
      mediaId: toStr(media['id']) ?? id,
      path,
      localPath: null,
      sizeBytes: toCount(part['size']),
      container: toStr(part['container']) ?? toStr(media['container']) ?? extensionOf(path),
      durationMs: toCount(part['duration'] ?? media['duration']),
      bitrateKbps: toNum(media['bitrate']),
      video: isDetailed ? videoOf(streams, media) : videoOfListing(media),
      audio: audioOf(streams),
      subtitles: subtitlesOf(streams),
      detailed: isDetailed,
      optimized: isOptimized(media, path),
      stackedParts: parts.length,
    });
  }
  return files;
}

/** Any one of the marks is enough. */
const isOptimized = (media: Raw, path: string): boolean =>
  toInt(media['proxyType']) === OPTIMIZED_VERSION ||
  toStr(media['target']) !== null ||
  /[\\/]Plex Versions[\\/]/.test(path);

const tagsOf = (value: unknown): string[] => toList(value).flatMap(({ tag }) => toStr(tag) ?? []);

/** An episode's own picture is a scene; its poster is the show's. Only paths on the server, never an address. */
function posterOf(raw: Raw): string | null {
  const path = toStr(raw['grandparentThumb']) ?? toStr(raw['thumb']);
  return path?.startsWith('/') === true && !path.includes('?') ? path : null;
}

function extensionOf(path: string): string {
  const at = path.lastIndexOf('.');
  return at > Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) ? path.slice(at + 1).toLowerCase() : '';
}
