import { neededKbps, videoKbps } from '../recommendations/codec-worth.js';
import type { AudioStream, MediaFile, VideoStream } from '../library/media.js';
import { chooseContainer, isToneMapped, scaledSize } from './plan-encode.js';
import { soundTarget } from './plan-streams.js';
import type { Preset } from './preset.js';

const MP4_FAMILY: ReadonlySet<string> = new Set(['mp4', 'mov', 'm4v']);
/** Kbit/s of a sound track that does not tell. */
const USUAL_SOUND_KBPS = 640;
/** Constant quality keeps to no rate: grainy films come out with so much more than ordinary ones. */
const GRAIN = 1.3;

/**
 * The file that a preset makes of another, as the media server would describe it; bit rate and size are estimates, rather
 * too large than too small. Null where the encode would be refused. Everything else follows `planEncode`.
 */
export function expectedOutput(file: MediaFile, preset: Preset): MediaFile | null {
  const { video } = file;
  if (!video || video.width === 0 || video.height === 0) return null;
  const source = MP4_FAMILY.has(file.container) ? 'mp4' : file.container;
  const container = chooseContainer({ container: source }, preset);
  const picture = videoAfter(video, file, { preset, sameContainer: container === source });
  if (picture === null) return null;
  const audio = file.audio.map((track) => soundAfter(track, container, preset));
  const kbps = (picture.bitrateKbps ?? 0) + soundKbps(audio);
  const before = (videoKbps(file) ?? 0) + soundKbps(file.audio);
  const share = before > 0 ? Math.min(1, kbps / before) : 1;
  return {
    ...file,
    path: withExtension(file.path, container),
    localPath: file.localPath === null ? null : withExtension(file.localPath, container),
    container,
    video: picture,
    audio,
    subtitles: preset.subtitles === 'drop' ? [] : file.subtitles,
    sizeBytes: Math.round(file.sizeBytes * share),
    bitrateKbps: file.bitrateKbps === null ? null : file.bitrateKbps * share,
  };
}

function videoAfter(
  video: VideoStream,
  file: MediaFile,
  { preset, sameContainer }: { preset: Preset; sameContainer: boolean },
): VideoStream | null {
  const { codec, quality, maxHeight, bitDepth } = preset.video;
  if (codec === 'copy') return video.hdr === 'dolby-vision' && !sameContainer ? null : video;
  if (video.hdr === 'dolby-vision' || video.hdr === 'hdr10plus') return null;
  const toSdr = isToneMapped(video, preset);
  const isHdr = video.hdr !== 'sdr' && !toSdr;
  const isEightBit = bitDepth === '8' || codec === 'h264';
  if (isHdr && isEightBit) return null;
  const size = scaledSize(video.width, video.height, maxHeight);
  const needed = GRAIN * neededKbps({ ...size, fps: video.fps }, codec, quality ?? 23);
  return {
    ...video,
    ...size,
    codec,
    hdr: toSdr ? 'sdr' : video.hdr,
    bitrateKbps: Math.min(needed, videoKbps(file) ?? needed),
    bitDepth: isEightBit ? 8 : bitDepth === '10' || isHdr ? 10 : video.bitDepth,
  };
}

function soundAfter(track: AudioStream, container: 'mkv' | 'mp4', preset: Preset): AudioStream {
  const target = soundTarget({ ...track, channels: track.channels || null }, container, preset);
  return target === null ? track : { ...track, ...target, profile: null };
}

const soundKbps = (audio: readonly AudioStream[]): number =>
  audio.reduce((sum, { bitrateKbps }) => sum + (bitrateKbps ?? USUAL_SOUND_KBPS), 0);

const withExtension = (path: string, container: string): string => `${path.replace(/\.[^./\\]*$/, '')}.${container}`;
