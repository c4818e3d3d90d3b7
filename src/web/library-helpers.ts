import { channelsName, codecName, hdrName, playsName, resolutionName } from '../domain/labels.js';
import { Hdr, Resolution } from '../domain/library/media.js';
import { formatBitrate, formatBytes } from '../lib/units.js';

/** The steps that a number filter offers. */
const STEPS: Record<string, readonly number[]> = {
  minSizeBytes: [1e9, 5e9, 10e9, 20e9, 50e9],
  maxSizeBytes: [1e9, 5e9, 10e9, 20e9],
  minBitrateKbps: [2000, 5000, 10_000, 20_000, 40_000],
  maxBitrateKbps: [1000, 2000, 5000, 10_000],
  maxPlays: [0, 1, 3, 10],
};

/** A bound of a number filter in words; null for what is none. */
function boundName(name: string, text: string): string | null {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) return null;
  if (name === 'minSizeBytes') return `over ${formatBytes(value)}`;
  if (name === 'maxSizeBytes') return `under ${formatBytes(value)}`;
  if (name === 'minBitrateKbps') return `over ${formatBitrate(value)}`;
  if (name === 'maxBitrateKbps') return `under ${formatBitrate(value)}`;
  if (name === 'maxPlays') return value === 0 ? playsName(0) : `${playsName(value)} at most`;
  return null;
}

const STATES: Record<string, string> = {
  present: 'In Plex',
  missing: 'Missing in Plex',
  running: 'Running',
  ready: 'Ready to replace',
  waiting: 'In the queue',
  excluded: 'Excluded',
  failed: 'Failed',
  suggested: 'Recommended',
  skipped: 'Skipped',
  done: 'Replaced',
  nothing: 'Nothing to do',
};
const NAMES: Record<string, string> = {
  serverId: 'Server',
  sectionId: 'Library',
  type: 'Kind',
  codec: 'Codec',
  resolution: 'Resolution',
  hdr: 'Range',
  audioCodec: 'Audio',
  audioChannels: 'Channels',
  container: 'Container',
  tag: 'Tag',
  state: 'State',
  ruleId: 'Rule',
  show: 'Series',
  season: 'Season',
  addedAfter: 'Added from',
  addedBefore: 'Added until',
};

/** A value of a filter or of the statistics in words. */
function choiceName(name: unknown, value: unknown): string {
  const text = String(value);
  switch (name) {
    case 'codec':
    case 'audioCodec':
      return codecName(text);
    case 'hdr': {
      const { data } = Hdr.safeParse(text);
      return data === undefined ? text : hdrName(data);
    }
    case 'resolution': {
      const { data } = Resolution.safeParse(text);
      return data === undefined ? text : resolutionName(data);
    }
    case 'audioChannels':
      return text === 'unknown' ? text : channelsName(Number(text));
    case 'container':
      return text === '' ? 'unknown' : text;
    case 'state':
      return STATES[text] ?? text;
    case 'type':
      return text === 'movie' ? 'Films' : 'Episodes';
    default:
      return boundName(String(name), text) ?? text;
  }
}

/** Helpers of the library's pages. */
export const libraryHelpers = {
  /** The version of a row's item that matches; the largest where several do. */
  shownFile: (row: unknown) => {
    const { files = [], matchedFileIds } = (row ?? {}) as { files?: { id: string }[]; matchedFileIds?: string[] };
    return files.find(({ id }) => id === matchedFileIds?.[0]) ?? files[0];
  },
  /** Path of one of an item's files. */
  pathOf: (item: unknown, fileId: unknown) =>
    ((item ?? {}) as { files?: { id: string; path: string }[] }).files?.find(({ id }) => id === fileId)?.path ?? '',
  /** A value of a facet in words. */
  choice: choiceName,
  facetName: (name: unknown) => NAMES[String(name)] ?? '',
  /** Steps of a bound; one that was typed into the address is among them. */
  bounds: (name: unknown, given: unknown) => {
    const steps = (STEPS[String(name)] ?? []).map(String);
    const text = typeof given === 'number' || typeof given === 'string' ? String(given) : '';
    const all = text === '' || steps.includes(text) ? steps : [...steps, text];
    return all.map((value) => ({ value, label: choiceName(name, value), isChosen: value === text }));
  },
  /** How many of a facet's choices are made. */
  chosenIn: (list: unknown) =>
    Array.isArray(list) ? (list as { isChosen: boolean }[]).filter(({ isChosen }) => isChosen).length : 0,
  /** The address of the same view in another order: a second click turns it round. */
  sortedBy: (query: unknown, sort: unknown, column: unknown, first: unknown) => {
    const params = new URLSearchParams(String(query));
    const [plain, down] = [String(column), `-${String(column)}`];
    const other = sort === plain ? down : sort === down ? plain : first === 'down' ? down : plain;
    params.set('sort', other);
    return `?${params.toString()}`;
  },
  sortWay: (sort: unknown, column: unknown) =>
    sort === column ? 'ascending' : sort === `-${String(column)}` ? 'descending' : '',
  /** A query string with one more name in it. */
  withParam: (name: unknown, value: unknown, ...more: unknown[]) => {
    const params = new URLSearchParams({ [String(name)]: String(value) });
    for (let at = 0; at + 2 < more.length; at += 2) params.set(String(more[at]), String(more[at + 1]));
    return `?${params.toString()}`;
  },
  /** Of a tag by its id, from the list of all tags. */
  tagName: (id: unknown, tags: unknown) =>
    (tags as { id: string; name: string }[] | undefined)?.find((tag) => tag.id === id)?.name ?? String(id),
  plus: (a: unknown, b: unknown) => Number(a) + Number(b),
  /** Where Plex's own page shows a title. */
  plexPage: (serverId: unknown, ratingKey: unknown) =>
    `https://app.plex.tv/desktop/#!/server/${encodeURIComponent(String(serverId))}/details?key=${encodeURIComponent(
      `/library/metadata/${String(ratingKey)}`,
    )}`,
};
