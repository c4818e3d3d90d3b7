import { AppError } from '../domain/errors.js';

/**
 * Every kind of file that holds a film by itself, as ffmpeg names the demuxers. What is missing is missing on purpose:
 * playlists and manifests lead to other files or to the network, pictures may stand for a whole series of files, devices are
 * no files.
 */
const DEMUXERS: readonly string[] = [
  ...[
    'matroska',
    'mov',
    'avi',
    'mpegts',
    'mpeg',
    'asf',
    'flv',
    'live_flv',
    'ogg',
    'rm',
    'wtv',
    'mxf',
    'gxf',
    'dv',
    'nut',
  ],
  ...['nuv', 'nsv', 'pva', 'ty', 'ivf', 'obu', 'av1', 'mpegvideo', 'm4v', 'h264', 'hevc', 'vc1', 'dirac', 'h263'],
];
const PLAYLISTS: ReadonlySet<string> = new Set([
  ...[
    'hls',
    'dash',
    'concat',
    'imf',
    'sdp',
    'rtsp',
    'rtp',
    'sap',
    'webm_dash_manifest',
    'vobsub',
    'lavfi',
    'ffmetadata',
  ],
]);
/** The family name that a probe gives instead of ffmpeg's. */
const FAMILIES: Readonly<Record<string, string>> = { mkv: 'matroska', mp4: 'mov' };

/**
 * What stands before every input that is a file: nothing but that file is opened, by a demuxer of the list, and by the one
 * that the probe named where `container` (`Probe.container`) is known. For ffmpeg and ffprobe from 5.1 on.
 */
export function inputGuards(container: string | null = null): string[] {
  const forced = container === null ? [] : ['-f', FAMILIES[container] ?? container];
  return ['-protocol_whitelist', 'file', '-format_whitelist', DEMUXERS.join(','), ...forced];
}

/** `file:` keeps a name such as `concat:a` or `http:b` from being read as a protocol. `path` is absolute. */
export const inputFile = (path: string): string => `file:${path}`;

/** The refusal for a file whose kind is not on the list, from what ffmpeg or ffprobe said; null when it said something else. */
export function refusedKind(stderr: string): AppError | null {
  const kind = /\[([\w,]+) @ [^\]]*\] Format not on whitelist/.exec(stderr)?.[1]?.split(',')[0];
  if (kind === undefined) return null;
  if (PLAYLISTS.has(kind)) {
    return new AppError(
      'probe_failed',
      `This is a playlist (${kind}), whatever its name says: what it would show lies in other files. Put the film itself in its place.`,
    );
  }
  const isPicture = /_pipe$|^image2|^(gif|apng|ico|alias_pix|brender_pix)$/.test(kind);
  return new AppError(
    'probe_failed',
    `This is ${isPicture ? 'a picture' : 'a file'} of the kind ${kind} and no film, whatever its name says. Get a new copy of the film.`,
  );
}
