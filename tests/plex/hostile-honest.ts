import type { ServerResponse } from 'node:http';
import { json, SERVER_ID } from './hand-made-server.js';

/** What is asked of the server: where an answer may be hostile. */
export type Question = 'identity' | 'sections' | 'listing' | 'detail';

/** The time of the syncs, and of the change that the hostile server tells of. */
export const NOW_SEC = 1_772_366_400;
export const LATER = new Date(NOW_SEC * 1000).toISOString();
const LONG_AGO = 1_700_000_000;

type Fields = Record<string, unknown>;

export const FOLDER = '/share/films';

const media = (n: number, streams: Fields = {}): Fields => ({
  id: 1000 + n,
  duration: 6_600_000,
  bitrate: 14_600,
  width: 1920,
  height: 1080,
  videoCodec: 'h264',
  container: 'mkv',
  Part: [{ id: 2000 + n, file: `${FOLDER}/Film ${n}.mkv`, size: 12_000_000_000, duration: 6_600_000, ...streams }],
});

/** A film as a listing tells it. */
export const listedFilm = (n: number, change: Fields = {}): Fields => ({
  ratingKey: String(n),
  guid: `plex://movie/${n}`,
  type: 'movie',
  title: `Film ${n}`,
  year: 1990 + n,
  addedAt: LONG_AGO + n,
  updatedAt: LONG_AGO + n,
  viewCount: n,
  Media: [media(n)],
  ...change,
});

const STREAMS = [
  { streamType: 1, codec: 'h264', width: 1920, height: 1080, bitDepth: 8, frameRate: 24, bitrate: 14_000 },
  { streamType: 2, codec: 'ac3', channels: 6, bitrate: 640, languageCode: 'eng' },
  { streamType: 3, codec: 'srt', index: 2, languageCode: 'eng' },
];

/** A film as its detail answer tells it. */
export const detailedFilm = (n: number, change: Fields = {}): Fields => ({
  ...listedFilm(n),
  librarySectionID: 1,
  Label: [{ tag: 'Keep' }],
  Media: [media(n, { Stream: STREAMS })],
  ...change,
});

/** The second film, changed since the last sync. */
export const changedFilm = (change: Fields = {}): Fields => listedFilm(2, { updatedAt: NOW_SEC, ...change });
export const partOf2 = (change: Fields): Fields => ({
  Media: [{ ...media(2), Part: [{ ...(media(2)['Part'] as Fields[])[0], ...change }] }],
});

const EPISODE = {
  ...listedFilm(11),
  type: 'episode',
  title: 'Pilot',
  grandparentTitle: 'A Show',
  parentIndex: 1,
  index: 1,
};

export const films = (): Fields[] => [listedFilm(1), listedFilm(2), listedFilm(3)];
export const LIBRARIES = [
  { key: '1', type: 'movie', title: 'Films', Location: [{ id: 1, path: FOLDER }] },
  { key: '2', type: 'show', title: 'Shows', Location: [{ id: 2, path: '/share/shows' }] },
];

/** The whole of a listing in one answer. */
export const listOf = (items: readonly unknown[], more: Fields = {}): Fields => ({
  size: items.length,
  totalSize: items.length,
  librarySectionID: 1,
  Metadata: items,
  ...more,
});

export const questionOf = ({ pathname }: URL): Question | 'other' => {
  if (pathname === '/identity') return 'identity';
  if (pathname === '/library/sections') return 'sections';
  if (pathname === '/library/sections/1/all') return 'listing';
  return pathname.startsWith('/library/metadata/') ? 'detail' : 'other';
};

/** Answers as a server does that means well; `isChanged`: its second film was changed meanwhile. */
export function honestly(res: ServerResponse, url: URL, isChanged: boolean): void {
  const keys = decodeURIComponent(url.pathname.split('/').at(-1) ?? '').split(',');
  const change = isChanged ? { updatedAt: NOW_SEC } : {};
  switch (questionOf(url)) {
    case 'identity': {
      json(res, { size: 0, machineIdentifier: SERVER_ID, version: '1.41' });
      return;
    }
    case 'sections': {
      json(res, { size: LIBRARIES.length, Directory: LIBRARIES });
      return;
    }
    case 'listing': {
      json(res, listOf([listedFilm(1), listedFilm(2, change), listedFilm(3)]));
      return;
    }
    case 'detail': {
      json(
        res,
        listOf(
          keys.map((key) =>
            key === '11'
              ? { ...EPISODE, librarySectionID: 2, Media: [media(11, { Stream: STREAMS })] }
              : detailedFilm(Number(key), key === '2' ? change : {}),
          ),
        ),
      );
      return;
    }
    default: {
      json(res, url.pathname === '/library/sections/2/all' ? listOf([EPISODE], { librarySectionID: 2 }) : { size: 0 });
      return;
    }
  }
}
