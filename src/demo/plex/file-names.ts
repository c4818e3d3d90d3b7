import { basename, dirname, extname } from 'node:path';

const EXTENSIONS = new Set([
  '.mkv',
  '.mp4',
  '.m4v',
  '.avi',
  '.mov',
  '.ts',
  '.m2ts',
  '.mpg',
  '.mpeg',
  '.wmv',
  '.flv',
  '.webm',
  '.vob',
  '.divx',
  '.asf',
  '.ogm',
  '.3gp',
]);

/** Whether the scanner takes a file for media: nothing hidden, and only names it knows. */
export const isMediaName = (name: string): boolean =>
  !name.startsWith('.') && EXTENSIONS.has(extname(name).toLowerCase());

/** A path without its extension: two files that share it are versions of one film. */
export const stemOf = (path: string): string => path.slice(0, path.length - extname(path).length);

/** `Alien (1979)/Alien (1979).mkv` -> Alien, 1979. */
export function parseMovie(path: string): { title: string; year: number | null } {
  const name = stemOf(basename(path));
  const match = /^(.*?)\s*\((\d{4})\)/.exec(name);
  return { title: match?.[1] ?? name, year: match?.[2] === undefined ? null : Number(match[2]) };
}

/** `The Wire/Season 01/The Wire - S01E03 - The Buys.mkv`; null when it names no episode. */
export function parseEpisode(path: string): { show: string; season: number; episode: number; title: string } | null {
  const name = stemOf(basename(path));
  const match = /^(.*?)[\s._-]*S(\d{1,3})E(\d{1,4})(?:[\s._-]+(.*))?$/i.exec(name);
  if (match === null) return null;
  const [, before = '', season = '0', episode = '0', title = ''] = match;
  const folder = dirname(path);
  const showFolder = /^(season|specials)/i.test(basename(folder)) ? dirname(folder) : folder;
  const show = before.trim() === '' ? basename(showFolder) : before.trim();
  return {
    show,
    season: Number(season),
    episode: Number(episode),
    title: title === '' ? `Episode ${Number(episode)}` : title,
  };
}
