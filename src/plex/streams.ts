import type { AudioStream, Hdr, SubtitleStream, VideoStream } from '../domain/library/media.js';
import { toBool, toCount, toInt, toList, toNum, toStr, toText, type Raw } from './coerce.js';

const VIDEO = 1;
const AUDIO = 2;
const SUBTITLE = 3;
const LYRICS = 4;
/** More than any file has. */
const MOST_STREAMS = 1000;

/** The streams of a part; what does not say which kind of stream it is, is none. */
export const streamsOf = (value: unknown): Raw[] =>
  toList(value)
    .slice(0, MOST_STREAMS)
    .filter(({ streamType }) => {
      const kind = toInt(streamType);
      return kind !== null && kind >= VIDEO && kind <= LYRICS;
    });

/**
 * Which kind of HDR a stream holds, as far as Plex knows. `bt2020` or `main 10` alone is no HDR; Dolby Vision may come
 * without a transfer function. Older servers do not know HDR10+, so `hdr10` may be either.
 */
export function hdrOf(stream: Raw): Hdr {
  const title = `${toStr(stream['displayTitle']) ?? ''} ${toStr(stream['extendedDisplayTitle']) ?? ''}`;
  if (toBool(stream['DOVIPresent']) || /\bDoVi\b|Dolby Vision/i.test(title)) return 'dolby-vision';
  if (toBool(stream['HDR10PlusPresent']) || /HDR10\+/i.test(title)) return 'hdr10plus';
  const transfer = toStr(stream['colorTrc']);
  if (transfer === 'arib-std-b67') return 'hlg';
  return transfer === 'smpte2084' && (toInt(stream['bitDepth']) ?? 10) >= 10 ? 'hdr10' : 'sdr';
}

/** The first moving picture among the streams, or null. */
export function videoOf(streams: readonly Raw[], media: Raw): VideoStream | null {
  const stream = streams.find(
    ({ streamType, codec }) => toInt(streamType) === VIDEO && codec !== 'mjpeg' && codec !== 'png',
  );
  if (stream === undefined) return null;
  const codec = toText(stream['codec']) ?? toText(media['videoCodec']);
  const width = toCount(stream['width'] ?? stream['codedWidth'] ?? media['width']);
  const height = toCount(stream['height'] ?? stream['codedHeight'] ?? media['height']);
  if (codec === null || width === 0 || height === 0) return null;
  return {
    codec,
    width,
    height,
    bitrateKbps: positive(stream['bitrate']),
    bitDepth: toInt(stream['bitDepth']),
    hdr: hdrOf(stream),
    fps: positive(stream['frameRate']),
  };
}

/** What a listing tells of the picture: no HDR, no depth, no exact frame rate. Null when the file was not analysed. */
export function videoOfListing(media: Raw): VideoStream | null {
  const codec = toText(media['videoCodec']);
  const width = toCount(media['width']);
  const height = toCount(media['height']);
  if (codec === null || width === 0 || height === 0) return null;
  return { codec, width, height, bitrateKbps: null, bitDepth: null, hdr: 'sdr', fps: null };
}

/** The sound tracks, in their order. */
export const audioOf = (streams: readonly Raw[]): AudioStream[] =>
  streams
    .filter(({ streamType }) => toInt(streamType) === AUDIO)
    .map((stream) => {
      const codec = toText(stream['codec']) ?? 'unknown';
      return {
        codec: codec === 'dca' ? 'dts' : codec,
        channels: toCount(stream['channels']),
        bitrateKbps: positive(stream['bitrate']),
        language: languageOf(stream),
        title: titleOf(stream),
        profile: toText(stream['profile']),
      };
    });

/** The subtitles; those with a file of their own are `external`. */
export const subtitlesOf = (streams: readonly Raw[]): SubtitleStream[] =>
  streams
    .filter(({ streamType }) => toInt(streamType) === SUBTITLE)
    .map((stream) => ({
      codec: toText(stream['codec']) ?? toText(stream['format']) ?? 'unknown',
      language: languageOf(stream),
      title: toText(stream['title']) ?? toText(stream['displayTitle']),
      forced: toBool(stream['forced']),
      // An embedded stream has a place in the file; some of them have an address for downloading as well.
      external: toStr(stream['key']) !== null && toInt(stream['index']) === null,
    }));

/** Newer servers tell of Atmos only in the title they display. */
function titleOf(stream: Raw): string | null {
  const title = toText(stream['title']);
  const shown = toText(stream['displayTitle']);
  if (title === null) return shown;
  return shown !== null && /atmos/i.test(shown) && !/atmos/i.test(title) ? `${title} (${shown})` : title;
}

function languageOf(stream: Raw): string | null {
  const code = toText(stream['languageCode']) ?? toText(stream['languageTag']);
  return code === 'und' ? null : code;
}

/** A number above zero, or null. */
export function positive(value: unknown): number | null {
  const number = toNum(value);
  return number !== null && number > 0 ? number : null;
}
