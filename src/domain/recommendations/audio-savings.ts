import { isLossless } from '../rules/lossless-audio.js';
import type { AudioStream, MediaFile } from '../library/media.js';
import type { Preset } from '../presets/preset.js';

/**
 * Kbit/s per channel of codecs whose bit rate the media server often leaves out. Lossless ones vary with the film; these
 * are means of discs as they are commonly published (TrueHD 7.1 about 4, DTS-HD MA 5.1 about 3.5, FLAC 5.1 about 2.7 Mbit/s).
 */
const TYPICAL_KBPS_PER_CHANNEL: ReadonlyMap<string, number> = new Map(
  Object.entries({
    truehd: 500,
    mlp: 500,
    dts: 250,
    flac: 450,
    alac: 450,
    pcm_s16le: 768,
    pcm_s24le: 1152,
    pcm_bluray: 1152,
    pcm_dvd: 768,
  }),
);
const DTS_HD_KBPS_PER_CHANNEL = 580;
const OTHER_KBPS_PER_CHANNEL = 96;

/** The most that these codecs are encoded with, kbit/s. */
const HIGHEST_KBPS: Record<string, number> = { ac3: 640 };
const HIGHEST_KBPS_OTHERWISE = 1536;

/**
 * Bytes that the sound of a file loses with a preset: the difference of the bit rates of each track that would be encoded
 * anew, over the film's length. Never below 0; 0 when the preset copies sound or the length is unknown.
 */
export function audioSavingBytes(file: MediaFile, preset: Preset): number {
  const kbps = file.audio.reduce((sum, track) => sum + Math.max(0, lostKbps(track, preset)), 0);
  return Math.round((kbps * file.durationMs) / 8);
}

function lostKbps(track: AudioStream, { audio }: Preset): number {
  if (audio.tracks === 'lossless' && !isLossless(track)) return 0;
  const channels = Math.min(track.channels || 2, audio.maxChannels ?? 8);
  const mixesDown = channels < track.channels;
  if (!mixesDown && (audio.codec === 'copy' || audio.codec === track.codec)) return 0;
  const codec = audio.codec === 'copy' ? 'aac' : audio.codec;
  const encoded = Math.min(channels, codec === 'ac3' || codec === 'eac3' ? 6 : 8) * audio.kbpsPerChannel;
  return kbpsOf(track) - Math.min(HIGHEST_KBPS[codec] ?? HIGHEST_KBPS_OTHERWISE, encoded);
}

function kbpsOf({ codec, channels, bitrateKbps, profile }: AudioStream): number {
  if (bitrateKbps) return bitrateKbps;
  const isHd = codec === 'dts' && /\b(ma|hd ma|dts-hd ma|hra)\b/i.test(profile ?? '');
  const typical = TYPICAL_KBPS_PER_CHANNEL.get(codec) ?? OTHER_KBPS_PER_CHANNEL;
  return (channels || 2) * (isHd ? DTS_HD_KBPS_PER_CHANNEL : typical);
}
