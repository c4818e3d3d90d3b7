import { expectedOutput } from '../presets/expected-output.js';
import { codecName, hdrName, pictureName } from '../labels.js';
import type { LibraryItem } from '../library/library.js';
import { type AudioStream, type Hdr, type MediaFile } from '../library/media.js';
import type { Preset } from '../presets/preset.js';
import type { LibraryFacts, Rule, Subject } from './rule.js';
import type { z } from 'zod';

/** Facts under which a rule that asks for them finds something rather than nothing. */
const EAGER: LibraryFacts = {
  averageBitrateKbps: () => 8000,
  averageWorthKbps: () => 8000,
  sizeRank: () => 1,
  similar: () => 1_000_000,
  copiesOf: () => [],
};

const CODECS = ['h264', 'hevc', 'mpeg4', 'mpeg2video', 'vc1', 'av1', 'vp9'];
const SIZES = [
  // Larger than any film: what is made of it is above any limit that fits a film.
  [8192, 8192],
  [3840, 2160],
  [1920, 1080],
  [1280, 720],
  [720, 576],
] as const;
/** Kbit/s; the last one is above any limit that an owner may set. */
const RATES = [null, 1500, 12_000, 90_000, 2_000_000];
const HDRS: readonly Hdr[] = ['sdr', 'hdr10', 'hlg', 'dolby-vision'];
/** [pictures per second, hours] */
const PACES = [
  [24, 2],
  [60, 4],
] as const;
const CONTAINERS = ['mkv', 'avi', 'mp4', 'ts'];
const track = (codec: string, channels: number, kbps: number, profile: string | null = null): AudioStream => ({
  ...{ codec, channels, bitrateKbps: kbps, language: 'eng', title: null, profile },
});
const SOUNDS: readonly AudioStream[][] = [
  [track('ac3', 6, 640)],
  [track('truehd', 8, 4500), track('ac3', 6, 640)],
  [track('dts', 6, 3800, 'DTS-HD MA'), track('flac', 2, 900)],
  [track('aac', 2, 160)],
  // As large as sound gets: three times eight channels of 24 bit at 96 kHz.
  [track('pcm_s24le', 8, 18_432), track('flac', 8, 18_432), track('truehd', 8, 18_432)],
];

/** Films of every usual kind, each in few of all combinations. */
function* spreadOfFiles(): Generator<Subject> {
  let n = 0;
  for (const codec of CODECS)
    for (const [width, height] of SIZES)
      for (const kbps of RATES)
        for (const hdr of HDRS)
          for (const [fps, hours] of PACES)
            for (let turn = 0; turn < 2; turn++) {
              n++;
              // Shifted from round to round, so that every sound meets every kind of HDR and every container.
              const container = CONTAINERS[(n + Math.floor(n / 64)) % CONTAINERS.length] ?? 'mkv';
              const audio = SOUNDS[(Math.floor(n / 4) + Math.floor(n / 16)) % SOUNDS.length] ?? [];
              const video = { codec, width, height, bitrateKbps: kbps, bitDepth: hdr === 'sdr' ? 8 : 10, hdr, fps };
              yield subjectOf({ video, audio, container, hours });
            }
}

function subjectOf(given: Pick<MediaFile, 'video' | 'audio' | 'container'> & { hours: number }): Subject {
  const { hours, container, video, audio } = given;
  const kbps = (video?.bitrateKbps ?? 20_000) + audio.reduce((sum, { bitrateKbps }) => sum + (bitrateKbps ?? 0), 0);
  const path = `/films/A Film (1999)/A Film (1999).${container}`;
  const file: MediaFile = {
    ...{ id: 'file', mediaId: 'media', path, localPath: path, container: container === 'ts' ? 'mpegts' : container },
    ...{ sizeBytes: Math.round(hours * 3600 * kbps * 125), durationMs: hours * 3_600_000, bitrateKbps: kbps },
    ...{ video, audio, subtitles: [], detailed: true, optimized: false, stackedParts: 1 },
  };
  return { item: { ...ITEM, files: [file] }, file };
}

const ITEM: LibraryItem = {
  ...{ id: 'item', serverId: 'server', sectionId: '1', ratingKey: '1', guid: 'plex://movie/1', type: 'movie' },
  ...{ title: 'A Film', year: 1999, show: null, season: null, episode: null, edition: null, thumb: null },
  ...{ addedAt: '2026-01-01T00:00:00.000Z', updatedAt: null, plays: 0, viewOffsetMs: 0, lastPlayedAt: null },
  ...{ userRating: null, labels: [], collections: [], tags: [], files: [], state: 'present' },
};

/** What a rule says about the result of its own proposal, where it says anything. */
export function foundAgain(
  rule: Rule,
  {
    subject,
    options,
    presets,
    facts,
  }: { subject: Subject; options: z.infer<z.ZodObject>; presets: readonly Preset[]; facts: LibraryFacts },
): { presetId: string; isMissing: boolean } | null {
  const finding = rule.evaluate(subject, options, facts);
  const proposed = finding?.preset ?? null;
  if (proposed === null) return null;
  const preset = presets.find(({ id }) => id === proposed);
  if (!preset) return { presetId: proposed, isMissing: true };
  const file = expectedOutput(subject.file, preset);
  if (file === null) return null;
  const files = subject.item.files.map((one) => (one.id === file.id ? file : one));
  const again = rule.evaluate({ item: { ...subject.item, files }, file }, options, facts);
  return (again?.preset ?? null) === null ? null : { presetId: preset.id, isMissing: false };
}

/**
 * Why a rule with these options would propose its own results over and over, or a preset that is not there, in a sentence
 * for the owner; null when it would not. Films of all usual kinds are tried, until `isLate` says that there is no more time.
 */
export function loopProblem(
  rule: Rule,
  options: z.infer<z.ZodObject>,
  presets: readonly Preset[],
  isLate: () => boolean = () => false,
): string | null {
  for (const subject of spreadOfFiles()) {
    if (isLate()) return null;
    const loop = tryOne(() => foundAgain(rule, { subject, options, presets, facts: EAGER }));
    if (loop?.isMissing) return `There is no preset ${loop.presetId}. Choose another one.`;
    const { video } = subject.file;
    if (!loop || !video) continue;
    const hdr = video.hdr === 'sdr' ? '' : ` ${hdrName(video.hdr)}`;
    const kind = `${codecName(video.codec)} film in ${pictureName(video)}${hdr}`;
    return `What the preset ${loop.presetId} makes would be found again and encoded over and over, such as that of a ${kind}. Choose another preset, or other limits.`;
  }
  return null;
}

/** A rule that throws at a made-up film says nothing about it; at a film of the library it would be told of. */
function tryOne<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
