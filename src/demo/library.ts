import { join } from 'node:path';
import { STREAMS, type Clip } from './clips.js';

/** Below the demo's folder; Plex sees it as `/share/Media`. */
const film = (root: string, title: string, extension: string, streams: keyof typeof STREAMS, seconds = 6): Clip => ({
  path: join(root, 'Films', title, `${title}.${extension}`),
  seconds,
  width: 640,
  height: 360,
  encode: STREAMS[streams],
});

/** What stands on the shelf when the demo begins. The titles are invented. */
export const shelf = (root: string): Clip[] => [
  film(root, 'The Cartographer (2019)', 'mkv', 'hevc'),
  film(root, 'Salt Meridian (2021)', 'mkv', 'hevc'),
  film(root, 'Ninety Winters (2008)', 'ts', 'h264'),
  film(root, 'Last Train to Lisbon Road (2011)', 'mp4', 'h264'),
  film(root, 'Kestrel (2015)', 'flv', 'h264'),
];

/** The film that is added while you watch: an old codec in an old container. */
export const newcomer = (root: string): Clip => film(root, 'Harbour Nine (2004)', 'avi', 'divx', 12);
