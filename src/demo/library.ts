import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { STREAMS, type Clip } from './clips.js';
import type { SimulatedSection } from './plex/model.js';

/** Drawn for the demo, one for every title. */
const POSTERS = new URL('./posters/', import.meta.url);
/** The folder that Plex in the demo sees the libraries in. */
export const SERVER_ROOT = '/share/Media';

/** A clip of the demo and its poster. */
export interface DemoClip extends Clip {
  /** Where the poster of its title belongs: beside the film, or in the folder of the show. */
  posterPath: string;
  poster: string;
}

const PICTURE = { width: 640, height: 360 };

/** Streams of this kind in a file of this kind, so many seconds of it. */
interface Make {
  extension: string;
  streams: keyof typeof STREAMS;
  seconds?: number;
}

function film(root: string, title: string, { extension, streams, seconds = 6 }: Make): DemoClip {
  const folder = join(root, 'Films', title);
  return {
    ...PICTURE,
    path: join(folder, `${title}.${extension}`),
    posterPath: join(folder, 'poster.jpg'),
    poster: posterOf(title.replace(/ \(\d+\)$/, '')),
    seconds,
    encode: STREAMS[streams],
  };
}

function episode(root: string, show: string, number: string, title: string, { extension, streams }: Make): DemoClip {
  const folder = join(root, 'Series', show);
  const season = `Season ${number.slice(1, 3)}`;
  return {
    ...PICTURE,
    path: join(folder, season, `${show} - ${number} - ${title}.${extension}`),
    posterPath: join(folder, 'poster.jpg'),
    poster: posterOf(show),
    seconds: 5,
    encode: STREAMS[streams],
  };
}

const posterOf = (title: string): string =>
  `${title
    .toLowerCase()
    .replaceAll('&', 'and')
    .replaceAll('’', '')
    .replaceAll(/[^a-z\d]+/g, '-')}.jpg`;

/** The libraries of the simulated Plex, below this folder. */
export const sections = (root: string): SimulatedSection[] => [
  {
    id: '1',
    title: 'Films',
    type: 'movie',
    locations: [{ serverPath: `${SERVER_ROOT}/Films`, localPath: join(root, 'Films') }],
  },
  {
    id: '2',
    title: 'Series',
    type: 'show',
    locations: [{ serverPath: `${SERVER_ROOT}/Series`, localPath: join(root, 'Series') }],
  },
];

/** What stands on the shelf when the demo begins. The titles are invented. */
export const library = (root: string): DemoClip[] => [
  film(root, 'The Cartographer’s Daughter (2019)', { extension: 'mkv', streams: 'hevc' }),
  film(root, 'The Salt Meridian (2021)', { extension: 'mkv', streams: 'hevc' }),
  film(root, 'Ninety Winters (2008)', { extension: 'ts', streams: 'h264' }),
  film(root, 'Last Train to Verrin (2011)', { extension: 'mp4', streams: 'h264' }),
  film(root, 'Kestrel (2015)', { extension: 'flv', streams: 'h264' }),
  episode(root, 'Lantern Street', 'S01E01', 'The Lamplighter', { extension: 'mkv', streams: 'hevc' }),
  episode(root, 'Lantern Street', 'S01E02', 'A Letter from Number Nine', { extension: 'mkv', streams: 'h264' }),
];

/** The film that is added while you watch: an old codec in an old container. */
export const newcomer = (root: string): DemoClip =>
  film(root, 'Harbour 9 (2004)', { extension: 'avi', streams: 'divx', seconds: 12 });

/** What is added when the newcomer has gone the whole way, so that whoever looks around has something to decide. */
export const undecided = (root: string): DemoClip[] => [
  film(root, 'Copper & Rain (2006)', { extension: 'avi', streams: 'divx' }),
  film(root, 'The Tin Astronaut (1998)', { extension: 'mpg', streams: 'dvd' }),
  film(root, 'Orbital Debt (2013)', { extension: 'mkv', streams: 'dvd' }),
  episode(root, 'Saturday Machines', 'S01E01', 'Steam', { extension: 'avi', streams: 'divx' }),
  episode(root, 'Saturday Machines', 'S01E02', 'Copper Wire', { extension: 'avi', streams: 'divx' }),
];

/** Puts the poster of a clip where Plex looks for one. */
export async function addPoster({ poster, posterPath }: DemoClip): Promise<void> {
  await mkdir(dirname(posterPath), { recursive: true });
  await copyFile(new URL(poster, POSTERS), posterPath);
}
