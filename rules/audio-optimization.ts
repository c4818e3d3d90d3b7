import { z } from 'zod';
import { isOffLimits, offLimitsReason } from '../src/domain/rules/evaluate.js';
import { isLossless, isSpatial } from '../src/domain/rules/lossless-audio.js';
import type { AudioStream, MediaFile } from '../src/domain/library/media.js';
import { channelsName, codecName } from '../src/domain/labels.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';
import { formatBitrate } from '../src/lib/units.js';

/** A lossless track of a full film holds about so much per channel where the server does not tell. kbit/s */
const USUAL_KBPS_PER_CHANNEL = 600;
const HIGH_KBPS = 4000;

const largeTracks = ({ audio }: MediaFile, channels: number): AudioStream[] =>
  audio.filter((track) => track.channels >= channels && isLossless(track));

/** Of a lossless track. */
const soundOf = ({ codec, channels }: AudioStream): string => {
  const name = codecName(codec);
  return `${name === 'DTS' ? 'DTS-HD MA' : name} ${channelsName(channels)}`;
};

/** With the video copied and the container kept, Dolby Vision and HDR10+ come through; other reasons always hold. */
function isLeftAlone(file: MediaFile, dynamicHdrToo: boolean): boolean {
  if (!isOffLimits(file)) return false;
  const isDynamic = file.video?.hdr === 'dolby-vision' || file.video?.hdr === 'hdr10plus';
  const staysInContainer = file.container === 'mkv' || file.container === 'mp4';
  return !(dynamicHdrToo && isDynamic && staysInContainer && !file.optimized && file.stackedParts === 1);
}

export default defineRule({
  title: 'Shrink lossless surround sound',
  docs: {
    what: 'Finds lossless surround sound: TrueHD, DTS-HD MA, FLAC and PCM. The video is copied as it is, and so are other tracks.',
    why: 'Lossless sound takes 2 to 6 GB of a film; E-AC-3 takes about a fifth, and nearly every player plays it without transcoding.',
    whenNotToUse: 'When you listen on a good sound system. Sound placed in space (Atmos, DTS:X) becomes ordinary 5.1.',
  },
  options: z.object({
    preset: PresetId.default('audio-saver').meta({ title: 'Preset', description: 'Should copy the video.' }),
    audioChannelsThreshold: z.int().min(2).max(16).default(6).meta({ title: 'With at least so many channels' }),
    keepSpatial: z.boolean().default(true).meta({
      title: 'Skip Atmos and DTS:X',
      description: 'No encoder here can write them. A track is known by its title or profile.',
    }),
    dynamicHdrToo: z.boolean().default(false).meta({
      title: 'Files with Dolby Vision and HDR10+ too',
      description:
        'Only with a preset that copies the video and keeps the container; others are refused when the job begins.',
    }),
  }),

  evaluate({ file }, { preset, audioChannelsThreshold, keepSpatial, dynamicHdrToo }) {
    if (!file.detailed || isLeftAlone(file, dynamicHdrToo)) return null;
    const tracks = largeTracks(file, audioChannelsThreshold);
    const [first] = tracks;
    // The preset is for all tracks of a file: one that must stay keeps the others as well.
    if (!first || (keepSpatial && file.audio.some(isSpatial))) return null;
    const kbps = tracks.reduce((sum, track) => sum + (track.bitrateKbps ?? USUAL_KBPS_PER_CHANNEL * track.channels), 0);
    const more = tracks.length > 1 ? ` and ${tracks.length - 1} more` : '';
    return {
      kind: 'transcode',
      preset,
      severity: kbps >= HIGH_KBPS ? 'medium' : 'low',
      reason: `${soundOf(first)}${more}, ${tracks.some(({ bitrateKbps }) => !bitrateKbps) ? 'about ' : ''}${formatBitrate(kbps)} of lossless sound; the video stays as it is`,
    };
  },

  whyNot({ file }, { audioChannelsThreshold, keepSpatial, dynamicHdrToo }) {
    if (!file.detailed) return 'Its sound tracks were not read yet.';
    if (isLeftAlone(file, dynamicHdrToo)) return offLimitsReason(file) ?? 'It is skipped.';
    if (file.audio.length === 0) return 'No sound track is known.';
    if (!file.audio.some(isLossless)) return 'None of its sound tracks is lossless.';
    if (largeTracks(file, audioChannelsThreshold).length === 0)
      return `Its lossless sound has fewer than ${audioChannelsThreshold} channels.`;
    return keepSpatial && file.audio.some(isSpatial)
      ? 'Its sound is Atmos or DTS:X, which would be lost.'
      : 'Its sound is as it should be.';
  },
});
