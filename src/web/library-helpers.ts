/** What a bound of a number filter looks like in words. */
const BOUNDS: Record<string, [string, string][]> = {
  minSizeBytes: [
    ['1000000000', 'over 1 GB'],
    ['5000000000', 'over 5 GB'],
    ['10000000000', 'over 10 GB'],
    ['20000000000', 'over 20 GB'],
    ['50000000000', 'over 50 GB'],
  ],
  maxSizeBytes: [
    ['1000000000', 'under 1 GB'],
    ['5000000000', 'under 5 GB'],
    ['10000000000', 'under 10 GB'],
    ['20000000000', 'under 20 GB'],
  ],
  minBitrateKbps: [
    ['2000', 'over 2 Mb/s'],
    ['5000', 'over 5 Mb/s'],
    ['10000', 'over 10 Mb/s'],
    ['20000', 'over 20 Mb/s'],
    ['40000', 'over 40 Mb/s'],
  ],
  maxBitrateKbps: [
    ['1000', 'under 1 Mb/s'],
    ['2000', 'under 2 Mb/s'],
    ['5000', 'under 5 Mb/s'],
    ['10000', 'under 10 Mb/s'],
  ],
  maxPlays: [
    ['0', 'never played'],
    ['1', 'played once at most'],
    ['3', 'played 3 times at most'],
    ['10', 'played 10 times at most'],
  ],
};

const RESOLUTIONS: Record<string, string> = { '4k': '4K', '1080': '1080p', '720': '720p', '576': '576p', sd: 'SD' };
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

type NameOf = (value: unknown) => unknown;

/** Helpers of the library's pages; `names` are those that turn a codec, a range or channels into words. */
export function libraryHelpers(names: { codec: NameOf; hdr: NameOf; channels: NameOf }) {
  const wordOf = (name: unknown, value: unknown): string => {
    const text = String(value);
    if (name === 'codec' || name === 'audioCodec') return String(names.codec(value));
    if (name === 'hdr') return text === 'sdr' ? 'SDR' : String(names.hdr(value));
    if (name === 'audioChannels') return text === 'unknown' ? 'unknown' : String(names.channels(value));
    if (name === 'resolution') return RESOLUTIONS[text] ?? text;
    if (name === 'state') return STATES[text] ?? text;
    if (name === 'type') return text === 'movie' ? 'Films' : 'Episodes';
    return BOUNDS[String(name)]?.find(([known]) => known === text)?.[1] ?? text;
  };
  return {
    /** The version of a row's item that matches; the largest where several do. */
    shownFile: (row: unknown) => {
      const { files = [], matchedFileIds } = (row ?? {}) as { files?: { id: string }[]; matchedFileIds?: string[] };
      return files.find(({ id }) => id === matchedFileIds?.[0]) ?? files[0];
    },
    /** Path of one of an item's files. */
    pathOf: (item: unknown, fileId: unknown) =>
      ((item ?? {}) as { files?: { id: string; path: string }[] }).files?.find(({ id }) => id === fileId)?.path ?? '',
    /** A value of a facet in words. */
    choice: wordOf,
    facetName: (name: unknown) => NAMES[String(name)] ?? '',
    /** Steps of a bound; one that was typed into the address is among them. */
    bounds: (name: unknown, given: unknown) => {
      const known = BOUNDS[String(name)] ?? [];
      const text = typeof given === 'number' || typeof given === 'string' ? String(given) : '';
      const isOther = text !== '' && !known.some(([value]) => value === text);
      return [...known, ...(isOther ? [[text, text]] : [])].map(([value, label]) => ({
        value,
        label,
        isChosen: value === text,
      }));
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
}
