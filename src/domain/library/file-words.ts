/** Where a copy comes from, as its name says; better ones have a higher number. Nothing said is in the middle. */
interface SourceWord {
  rank: number;
  name: string | null;
}

const SOURCES: readonly (readonly [number, string, RegExp])[] = [
  [
    1,
    'a cinema recording',
    /(?<![a-z\d])(?:hd-?)?(?:cam|camrip|ts|telesync|telecine|tc|hdts|hdtc|screener|scr|dvdscr|workprint)(?![a-z\d])/,
  ],
  [9, 'remux', /(?<![a-z\d])(?:bd|uhd)?-?remux(?![a-z\d])/],
  [8, 'Blu-ray', /(?<![a-z\d])(?:uhd[ ._-]?)?(?:blu-?ray|bd-?rip|br-?rip|bdmv|bd25|bd50)(?![a-z\d])/],
  [7, 'WEB-DL', /(?<![a-z\d])web-?dl(?![a-z\d])/],
  [6, 'WEBRip', /(?<![a-z\d])web-?rip(?![a-z\d])/],
  [6, 'web', /(?<![a-z\d])web(?![a-z\d])/],
  [4, 'HDTV', /(?<![a-z\d])(?:hdtv|pdtv|dsr|tv-?rip|hdtv-?rip)(?![a-z\d])/],
  [3, 'DVD', /(?<![a-z\d])(?:dvd-?rip|dvd(?:5|9|r)?)(?![a-z\d])/],
  [2, 'VHS', /(?<![a-z\d])vhs-?(?:rip)?(?![a-z\d])/],
];
const UNSAID: SourceWord = { rank: 5, name: null };

/** `S01E01E02`, `S01E01-E02`, `S01E01-02`, `1x01-02`; not `S01E01-720p`. */
const SEVERAL_EPISODES =
  /s\d{1,4}[ ._-]*e\d{1,4}(?:[ ._]*(?:[-+&][ ._]*)?(?:s\d{1,4})?e\d|[-+&]\d{1,3}(?![\dpi]))|(?<!\d)\d{1,2}x\d{2,3}-(?:\d{1,2}x)?\d{2,3}(?![\dpi])/;
const EXTRA_NAME =
  /(?:^|[ ._-])(?:sample|trailer|teaser|featurette|behindthescenes)\d*$|-(?:deleted|interview|scene|short|other|sample|trailer)\d*$|^sample[ ._-]/;
const EXTRA_FOLDER =
  /\/(?:samples?|trailers?|extras|featurettes|behind the scenes|deleted scenes|interviews|scenes|shorts)\/[^/]+$/;
const THREE_D = /(?<![a-z\d])(?:3d|h-?sbs|half-?sbs|sbs|h-?ou|half-?ou|h-?tab|mvc)(?![a-z\d])/;
const EDITIONS =
  /\{edition-([^}]*)\}|(?<![a-z])(director'?s[ ._-]?cut|extended|unrated|uncut|theatrical|final[ ._-]?cut|special[ ._-]?edition|imax|open[ ._-]?matte|black[ ._-]?and[ ._-]?white|colori[sz]ed|rifftrax|fan[ ._-]?edit)(?![a-z])/g;

/** What the words of a file's name say about it. */
export interface FileWords {
  source: SourceWord;
  /** Holds more than one episode. */
  severalEpisodes: boolean;
  /** A sample, a trailer or another extra. */
  extra: boolean;
  /** The cut or edition, and 3D: copies with other ones are other films. Empty for the usual one. */
  edition: string;
}

/** Copies are compared with each other, so the same few names are read again and again. */
const latest = new Map<string, FileWords>();
const LATEST = 500;

/** Reads the words of a file's name. The title's own words stand before the year or the episode and are no such words. */
export function wordsOf(path: string): FileWords {
  const known = latest.get(path);
  if (known) return known;
  if (latest.size >= LATEST) latest.clear();
  const words = readWords(path);
  latest.set(path, words);
  return words;
}

function readWords(path: string): FileWords {
  const lower = path.replaceAll('\\', '/').toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1).replace(/\.[a-z\d]{2,4}$/, '');
  // `Web of Lies (2019) WEBRip`, `Extended Family S01E01 HDTV`: what comes first is the title.
  const said = name.slice(/(?<!\d)(?:19|20)\d\d(?!\d)|s\d{1,4}[ ._-]*e\d/.exec(name)?.index ?? 0);
  const [rank, word] = SOURCES.find(([, , pattern]) => pattern.test(said)) ?? [UNSAID.rank, UNSAID.name];
  const editions = [...said.matchAll(EDITIONS)].map(([all, given]) => (given ?? all).replace(/[^a-z\d]/g, ''));
  if (THREE_D.test(said)) editions.push('3d');
  return {
    source: { rank, name: word },
    severalEpisodes: SEVERAL_EPISODES.test(name),
    extra: EXTRA_NAME.test(name) || EXTRA_FOLDER.test(lower),
    edition: [...new Set(editions)].sort().join('+'),
  };
}

/** Cinema recordings are worse than anything else, whatever their resolution. */
export const isCinemaRecording = ({ source }: FileWords): boolean => source.rank === 1;
