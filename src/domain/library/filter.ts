import { z } from 'zod';
import { refusedFields } from '../../lib/plain-refusals.js';
import { Choices } from '../rules/choices.js';
import { invalid } from '../errors.js';
import { STATUS_STATES } from './item-status.js';
import { displayTitle, type LibraryItem } from './library.js';
import { resolutionOf, type MediaFile } from './media.js';

/** What titles are told apart by: each has a short list of values, counted beside its choices. */
export const FACETS = [
  'serverId',
  'sectionId',
  'type',
  'codec',
  'resolution',
  'hdr',
  'audioCodec',
  'audioChannels',
  'container',
  'tag',
  'state',
  'ruleId',
] as const;
export type Facet = (typeof FACETS)[number];

/** For each facet, titles per value if the choice within that very facet were open; most frequent first. */
export type FacetCounts = Record<Facet, { value: string; count: number }[]>;

/** Whether the media server has an item, or the last word about one of its files (`statusOfFile`). */
export const ItemState = z.enum(['present', 'missing', ...STATUS_STATES]);
export type ItemState = z.infer<typeof ItemState>;

/** Numbers that rows are sorted and bounded by. */
export const MEASURES = [
  'sizeBytes',
  'bitrateKbps',
  'plays',
  'year',
  'durationMs',
  'addedAt',
  'lastPlayedAt',
  'savesBytes',
] as const;
export type Measure = (typeof MEASURES)[number];

const SORTS = ['title', ...MEASURES] as const;
/** By title or a number; a leading minus turns it round. */
export const LibrarySort = z.enum(SORTS.flatMap((name) => [name, `-${name}`] as const));
export type LibrarySort = z.infer<typeof LibrarySort>;

const Bound = z.preprocess((value) => (value === '' ? undefined : value), z.coerce.number().nonnegative().optional());
const Day = z.preprocess(
  (value) => (value === '' ? undefined : value),
  z
    .string()
    .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a date such as 2026-01-31')
    .optional(),
);

/**
 * Which items are meant. Choices within one name are "any of", names together are "all of". What is said of a file (codec,
 * resolution, size, ...) holds of one and the same version of an item.
 */
export const LibraryFilter = z.object({
  /** Words that all occur in title, show, path or tags. */
  q: z.string().trim().max(200).default(''),
  ...(Object.fromEntries(FACETS.map((name) => [name, Choices])) as Record<Facet, typeof Choices>),
  minBitrateKbps: Bound,
  maxBitrateKbps: Bound,
  minSizeBytes: Bound,
  maxSizeBytes: Bound,
  /** ISO date; that day included. */
  addedAfter: Day,
  /** ISO date; a day without a time is included. */
  addedBefore: Day,
  maxPlays: Bound,
  /** The series of this name only. */
  show: z.string().default(''),
  season: Bound,
});
export type LibraryFilter = z.infer<typeof LibraryFilter>;

/** No filter: every title. */
export const EVERYTHING: LibraryFilter = LibraryFilter.parse({});

/** Made once: making it takes longer than reading a filter with it. */
const OnlyFilter = LibraryFilter.strict();

/** What may stand in the address of a library page beside the filter. */
const BESIDE = ['sort', 'page', 'pageSize', 'view', 'facets'];

/** Reads a filter from a query string. Throws `invalid` for a name it does not know: ignored, it would match more than was meant. */
export function filterOf(query: string): LibraryFilter {
  const params = new URLSearchParams(query);
  for (const name of BESIDE) params.delete(name);
  const given = Object.fromEntries([...params.keys()].map((name) => [name, params.getAll(name).join(',')]));
  const parsed = OnlyFilter.safeParse(given);
  if (parsed.success) return parsed.data;
  const message = 'This filter cannot be read. Open it in the library and save it anew.';
  throw invalid(message, refusedFields(LibraryFilter, parsed.error));
}

const channelName = (channels: number): string => (channels > 0 ? String(channels) : 'unknown');

/** The values of an item, but for what stands elsewhere than in it. Several where it has several files or tracks. */
export function facetsOf(item: LibraryItem): Record<Exclude<Facet, 'state' | 'ruleId'>, readonly string[]> {
  const { files } = item;
  const videos = files.map(({ video }) => video).filter((video) => video !== null);
  // Asked of every title of a library, and nearly all have one file.
  const audio = files.length === 1 ? (files[0]?.audio ?? []) : files.flatMap((file) => file.audio);
  return {
    serverId: [item.serverId],
    sectionId: [item.sectionId],
    type: [item.type],
    codec: videos.map(({ codec }) => codec),
    resolution: videos.map(resolutionOf),
    hdr: videos.map(({ hdr }) => hdr),
    audioCodec: audio.map(({ codec }) => codec),
    audioChannels: audio.map(({ channels }) => channelName(channels)),
    container: files.map(({ container }) => container),
    tag: item.tags,
  };
}

/** Of the versions of an item that are meant, the one that is shown: the largest. Null without any. */
export const shownVersion = (files: readonly MediaFile[]): MediaFile | null =>
  files.reduce<MediaFile | null>((shown, file) => (file.sizeBytes > (shown?.sizeBytes ?? -1) ? file : shown), null);

/** What is measured of the versions of an item: their size together, the rest of the one that is shown. NaN where unknown. */
export function measuresOfFiles(
  files: readonly MediaFile[],
): Record<'sizeBytes' | 'bitrateKbps' | 'durationMs', number> {
  const shown = shownVersion(files);
  return {
    sizeBytes: sizeOf({ files }),
    bitrateKbps: kbpsOf(shown),
    durationMs: shown?.durationMs ?? NaN,
  };
}

const kbpsOf = (file: MediaFile | null): number => file?.video?.bitrateKbps ?? file?.bitrateKbps ?? NaN;

/**
 * One number of a title, of which this is the version that is shown. NaN where nothing is known, so that it meets no bound. Times in
 * milliseconds since 1970.
 */
export function measureOf(
  name: Exclude<Measure, 'savesBytes'>,
  item: LibraryItem,
  shown = shownVersion(item.files),
): number {
  switch (name) {
    case 'sizeBytes':
      return sizeOf(item);
    case 'bitrateKbps':
      return kbpsOf(shown);
    case 'durationMs':
      return shown?.durationMs ?? NaN;
    case 'plays':
      return item.plays;
    case 'year':
      return item.year ?? NaN;
    case 'addedAt':
      return Date.parse(item.addedAt);
    case 'lastPlayedAt':
      return item.lastPlayedAt === null ? NaN : Date.parse(item.lastPlayedAt);
  }
}

/** Bytes of all files of a title. */
export const sizeOf = ({ files }: { files: readonly MediaFile[] }): number =>
  files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

const MARKS = /\p{M}+/gu;

/** Letters without accents, and the dot between a series and its episode: nearly every text of a library. */
const PLAIN = /^[\0-\x7f\xb7]*$/;

/** Text for comparing: case and accents do not count. */
export const plainText = (text: string): string =>
  (PLAIN.test(text) ? text : text.normalize('NFKD').replace(MARKS, '')).toLowerCase();

/**
 * What search words are looked for in, and what titles are sorted by: the title, tags, and the end of each path, which
 * names episode and release where the folders above say little.
 */
export const textOf = (item: LibraryItem, tagNames: readonly string[] = item.tags): string =>
  plainText([displayTitle(item), ...tagNames, ...item.files.map(({ path }) => endOf(path))].join('\n'));

/** `Season 01/Episode.mkv` of a path of any system. */
function endOf(path: string): string {
  const name = lastSlash(path, path.length);
  if (name < 0) return path;
  return `${path.slice(lastSlash(path, name) + 1, name)}/${path.slice(name + 1)}`;
}

/** Where the last slash of either kind before this place stands; -1 without one. */
function lastSlash(path: string, before: number): number {
  for (let at = before - 1; at >= 0; at--) if (path[at] === '/' || path[at] === '\\') return at;
  return -1;
}

/** The words of a search, to be found in `textOf`. */
export const wordsOf = (q: string): string[] => plainText(q).split(/\s+/).filter(Boolean);
