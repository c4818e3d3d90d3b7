import { posix } from 'node:path';
import { detailAnswer } from './details.js';
import type { SimulatedFile, SimulatedItem, SimulatedSection, SimulatedSession, SimulatedShow } from './model.js';

type Json = Record<string, unknown>;

/** Plex leaves out what is empty, zero or false; a field that is undefined is not written. */
function some<T>(value: T): T | undefined {
  const isEmpty = value === null || value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
  return isEmpty ? undefined : value;
}

const tags = (list: readonly string[]): Json[] => list.map((tag) => ({ tag }));

const thumbOf = (show: SimulatedShow): string => `/library/metadata/${show.ratingKey}/thumb/${show.addedAt}`;

/** An item as a listing has it, or with streams as only the detail answer has them. */
export function itemAnswer(item: SimulatedItem, withStreams: boolean): Json {
  const { show } = item;
  return {
    ratingKey: item.ratingKey,
    key: `/library/metadata/${item.ratingKey}`,
    parentRatingKey: show?.seasons.get(item.season ?? 0),
    grandparentRatingKey: show?.ratingKey,
    guid: item.guid,
    type: item.type,
    title: item.title,
    grandparentTitle: show?.title,
    parentTitle: show === null ? undefined : `Season ${item.season ?? 0}`,
    librarySectionID: Number(item.sectionId),
    parentIndex: show === null ? undefined : item.season,
    index: show === null ? undefined : item.episode,
    year: some(item.year),
    viewCount: some(item.viewCount),
    viewOffset: some(item.viewOffset),
    lastViewedAt: some(item.lastViewedAt),
    userRating: some(item.userRating),
    duration: some(item.files[0]?.reading?.durationMs ?? 0),
    addedAt: item.addedAt,
    updatedAt: item.updatedAt,
    thumb: `/library/metadata/${item.ratingKey}/thumb/${item.updatedAt}`,
    grandparentThumb: show === null ? undefined : thumbOf(show),
    Media: some(item.files.map((file) => mediaAnswer(file, withStreams))),
    Label: withStreams ? some(tags(item.labels)) : undefined,
    Collection: some(tags(item.collections)),
    ...(withStreams ? detailAnswer(item) : {}),
  };
}

function mediaAnswer(file: SimulatedFile, withStreams: boolean): Json {
  const { reading } = file;
  const video = reading?.streams.find(({ streamType }) => streamType === 1);
  const audio = reading?.streams.find(({ streamType }) => streamType === 2);
  const width = Number(video?.['width'] ?? 0);
  const height = Number(video?.['height'] ?? 0);
  return {
    id: file.mediaId,
    duration: some(reading?.durationMs),
    bitrate: some(reading?.bitrateKbps),
    width: some(width),
    height: some(height),
    aspectRatio: height === 0 ? undefined : Math.round((width / height) * 100) / 100,
    audioChannels: audio?.['channels'],
    audioCodec: audio?.['codec'],
    videoCodec: video?.['codec'],
    videoResolution: video === undefined ? undefined : resolutionOf(width, height),
    container: reading?.container,
    videoFrameRate: video === undefined ? undefined : `${Math.round(Number(video['frameRate'] ?? 24))}p`,
    videoProfile: video?.['profile'],
    // The same fact is a number here and a boolean in the part.
    optimizedForStreaming: reading?.container === 'mp4' ? 0 : undefined,
    Part: [partAnswer(file, withStreams)],
  };
}

function partAnswer(file: SimulatedFile, withStreams: boolean): Json {
  const { reading } = file;
  return {
    id: file.partId,
    key: `/library/parts/${file.partId}/${file.changedAt}/file${posix.extname(file.serverPath)}`,
    duration: some(reading?.durationMs),
    file: file.serverPath,
    size: file.sizeBytes,
    container: reading?.container,
    hasThumbnail: '1',
    optimizedForStreaming: reading?.container === 'mp4' ? false : undefined,
    Stream: withStreams ? reading?.streams.map((stream, n) => ({ id: file.partId * 100 + n, ...stream })) : undefined,
  };
}

/** The class in Plex's words, by the larger side. */
function resolutionOf(width: number, height: number): string {
  if (width > 2560 || height > 1440) return '4k';
  if (width > 1280 || height > 720) return '1080';
  if (width > 1024 || height > 576) return '720';
  return height > 480 ? '576' : 'sd';
}

/** A library as `/library/sections` lists it. */
export const sectionAnswer = (section: SimulatedSection, refreshing: boolean, at: number): Json => ({
  allowSync: true,
  key: section.id,
  type: section.type,
  title: section.title,
  agent: section.type === 'movie' ? 'tv.plex.agents.movie' : 'tv.plex.agents.series',
  scanner: section.type === 'movie' ? 'Plex Movie' : 'Plex TV Series',
  language: 'en-US',
  refreshing,
  hidden: 0,
  scannedAt: at,
  Location: section.locations.map(({ serverPath }, n) => ({ id: Number(section.id) * 10 + n, path: serverPath })),
});

/** A show or one of its seasons: no media, only counts. */
export function showAnswer(show: SimulatedShow, season: number | null, leafCount: number): Json {
  const ratingKey = season === null ? show.ratingKey : (show.seasons.get(season) ?? '');
  return {
    ratingKey,
    key: `/library/metadata/${ratingKey}/children`,
    guid: `plex://${season === null ? 'show' : 'season'}/${ratingKey}`,
    type: season === null ? 'show' : 'season',
    title: season === null ? show.title : `Season ${season}`,
    librarySectionID: Number(show.sectionId),
    ...(season === null ? {} : { index: season, parentRatingKey: show.ratingKey, parentTitle: show.title }),
    thumb: thumbOf(show),
    leafCount,
    Collection: season === null ? some(tags(show.collections ?? [])) : undefined,
    addedAt: show.addedAt,
    updatedAt: show.addedAt,
  };
}

/** Somebody who watches. Ids are strings here; a transcode describes its output and names no file. */
export function sessionAnswer(session: SimulatedSession, item: SimulatedItem): Json {
  const { files, ...rest } = item;
  const [file] = files;
  const base = itemAnswer({ ...rest, files: [] }, false);
  const [media] = files.slice(0, 1).map((first) => mediaAnswer(first, true));
  const [part] = files.slice(0, 1).map((first) => partAnswer(first, true));
  const stream = { id: String((file?.partId ?? 0) * 100), streamType: 1, codec: 'h264', decision: 'transcode' };
  const transcoded = {
    id: String(file?.mediaId ?? 0),
    protocol: 'hls',
    container: 'mpegts',
    videoCodec: 'h264',
    videoResolution: '720p',
    selected: true,
    Part: [
      { id: String(file?.partId ?? 0), decision: 'transcode', container: 'mpegts', protocol: 'hls', Stream: [stream] },
    ],
  };
  const direct = {
    ...media,
    id: String(file?.mediaId ?? 0),
    aspectRatio: `${Number(media?.['aspectRatio'] ?? 0)}`,
    Part: [{ ...part, id: String(file?.partId ?? 0) }],
  };
  return {
    ...base,
    sessionKey: session.sessionKey,
    librarySectionID: item.sectionId,
    Media: file === undefined ? [] : [session.transcode ? transcoded : direct],
    User: { id: '1', title: session.user },
    Player: { product: 'Plex for Apple TV', state: session.state, local: true, userID: 1 },
    ...(session.transcode ? transcodeAnswer(session) : {}),
  };
}

const transcodeAnswer = (session: SimulatedSession): Json => ({
  Session: { id: `session-${session.sessionKey}`, bandwidth: 2798, location: 'lan' },
  TranscodeSession: {
    key: `/transcode/sessions/session-${session.sessionKey}`,
    throttled: false,
    progress: 1.3,
    videoDecision: 'transcode',
    audioDecision: 'copy',
    protocol: 'hls',
  },
});
