import rule from '../../rules/audio-optimization.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { AudioStream, MediaFile } from '../../src/domain/library/media.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

const track = (codec: string, channels: number, change: Partial<AudioStream> = {}): AudioStream => ({
  ...{ codec, channels, bitrateKbps: 3500, language: 'eng', title: null, profile: null },
  ...change,
});
const withSound = (audio: AudioStream[], file: Partial<Omit<MediaFile, 'video'>> = {}): LibraryItem =>
  anItem({ file: { ...file, audio } });
const dolbyVision = (container: string): LibraryItem =>
  anItem({ file: { container, video: { codec: 'hevc', hdr: 'dolby-vision' }, audio: [track('truehd', 8)] } });

ruleTest('audio-optimization', rule, {
  flags: {
    TrueHD: {
      item: withSound([track('truehd', 8, { bitrateKbps: 4200 })]),
      finding: {
        kind: 'transcode',
        preset: 'audio-saver',
        severity: 'medium',
        reason: 'TrueHD 7.1, 4.2 Mbit/s of lossless sound; the video stays as it is',
      },
    },
    'DTS-HD MA as ffprobe names it': {
      item: withSound([track('dts', 6, { profile: 'DTS-HD MA' })]),
      finding: { severity: 'low', reason: 'DTS-HD MA 5.1, 3.5 Mbit/s of lossless sound; the video stays as it is' },
    },
    'DTS-HD MA as Plex names it': { item: withSound([track('dts', 8, { profile: 'ma' })]), finding: {} },
    FLAC: { item: withSound([track('flac', 6)]), finding: {} },
    PCM: { item: withSound([track('pcm_s24le', 6)]), finding: {} },
    'PCM without more detail': { item: withSound([track('pcm', 8)]), finding: {} },
    MLP: { item: withSound([track('mlp', 6)]), finding: {} },
    'several tracks, of which one tells no bit rate': {
      item: withSound([track('truehd', 8, { bitrateKbps: null }), track('flac', 6), track('ac3', 6)]),
      finding: {
        severity: 'medium',
        reason: 'TrueHD 7.1 and 1 more, about 8.3 Mbit/s of lossless sound; the video stays as it is',
      },
    },
    'the second track': { item: withSound([track('ac3', 6), track('truehd', 8)]), finding: {} },
    'stereo when told so': { item: withSound([track('flac', 2)]), options: { audioChannelsThreshold: 2 }, finding: {} },
    'Atmos when told so': {
      item: withSound([track('truehd', 8, { title: 'TrueHD Atmos 7.1' })]),
      options: { keepSpatial: false },
      finding: {},
    },
    'Dolby Vision when told so': { item: dolbyVision('mkv'), options: { dynamicHdrToo: true }, finding: {} },
  },
  ignores: {
    'lossy surround': { item: withSound([track('eac3', 6)]), whyNot: /lossless/ },
    'plain DTS': { item: withSound([track('dts', 6), track('dts', 6, { profile: 'DTS' })]) },
    'DTS-HD HRA, which is lossy': { item: withSound([track('dts', 8, { profile: 'DTS-HD HRA' })]) },
    'lossless stereo': { item: withSound([track('flac', 2)]), whyNot: /fewer than 6 channels/ },
    'a track without channels': { item: withSound([track('flac', 0)]) },
    'no sound': { item: withSound([]), whyNot: /No sound track/ },
    'Atmos by its title': {
      item: withSound([track('truehd', 8, { title: 'Surround (Dolby Atmos)' })]),
      whyNot: /Atmos/,
    },
    'DTS:X by its profile': { item: withSound([track('dts', 8, { profile: 'DTS-HD MA + DTS:X' })]), whyNot: /DTS:X/ },
    'another track of a file with Atmos': {
      item: withSound([track('flac', 6), track('truehd', 8, { title: 'Atmos' })]),
      whyNot: /Atmos/,
    },
    'a file whose streams were not read': {
      item: withSound([track('truehd', 8)], { detailed: false }),
      whyNot: /not read/,
    },
    'Dolby Vision': { item: dolbyVision('mkv'), whyNot: /Dolby Vision/ },
    'Dolby Vision where the container would change': {
      item: dolbyVision('mpegts'),
      options: { dynamicHdrToo: true },
      whyNot: /Dolby Vision/,
    },
    'an optimized version': {
      item: withSound([track('truehd', 8)], { optimized: true }),
      options: { dynamicHdrToo: true },
    },
    'a film in two pieces': { item: withSound([track('truehd', 8)], { stackedParts: 2 }) },
    'a file that was never analysed': { item: anItem({ file: { video: null, audio: [track('truehd', 8)] } }) },
  },
});
