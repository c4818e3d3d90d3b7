import { videoKbps, worthOf } from '../recommendations/codec-worth.js';
import { isCinemaRecording, wordsOf, type FileWords } from '../library/file-words.js';
import { channelsName, hdrName, pictureName, rateName } from '../labels.js';
import type { LibraryItem } from '../library/library.js';
import { isLossless } from './lossless-audio.js';
import { resolutionOf, type Hdr, type MediaFile, type VideoStream } from '../library/media.js';
import type { Subject } from './rule.js';

/** A file that can be weighed against other copies of its title. */
export interface Copy extends Subject {
  video: VideoStream;
  words: FileWords;
}

export interface CopyChoice {
  /** Copies in other libraries count too. */
  acrossLibraries: boolean;
  /** The best copy in 4K and the best smaller one both stay. */
  keepBest4kAnd1080: boolean;
  /** A copy with sound in a language that the better one lacks stays. */
  keepLanguages: boolean;
}

/** Films of one cut differ in length by less: speed of playback (PAL), logos, longer credits. */
const SAME_CUT = 1.08;
/** Bit rates within such a factor are taken for equal. */
const RATE_STEP = Math.log(1.15);
const HDR_RANK: Readonly<Record<Hdr, number>> = { 'dolby-vision': 3, hdr10plus: 2, hdr10: 2, hlg: 1, sdr: 0 };
const RESOLUTION_RANK = { '4k': 4, '1080': 3, '720': 2, '576': 1, sd: 0 } as const;

/** Why a file is not weighed against others, in a sentence; null for one that is. */
export function notACopy({ optimized, stackedParts, video, sizeBytes, durationMs, path }: MediaFile): string | null {
  if (optimized) return 'An optimized version that Plex made for small devices, which is skipped.';
  if (stackedParts > 1) return 'One of several parts of a film, which belong together.';
  if (!video || video.width === 0 || video.height === 0) return 'Plex has not read its video stream yet.';
  if (sizeBytes === 0 || durationMs === 0) return 'Plex does not know its size or its length.';
  const words = wordsOf(path);
  if (words.severalEpisodes) return 'Its name says that it holds several episodes.';
  return words.extra ? 'Its name says that it is a sample, a trailer or another extra.' : null;
}

/**
 * The copies that can stand for the same thing as this file: same title, same cut, same edition, best first. The file
 * itself is among them unless another entry with the same path speaks for it. The same list whoever of it is asked.
 */
export function rivalsOf(subject: Subject, copiesOf: readonly LibraryItem[], choice: CopyChoice): Copy[] {
  const { item, file } = subject;
  const items = [item, ...copiesOf.filter((other) => choice.acrossLibraries || other.sectionId === item.sectionId)];
  const all = items.flatMap((each) => each.files.flatMap((one) => toCopy({ item: each, file: one })));
  const ordered = all.sort((one, other) => compareIds(one, other));
  const paths = new Set<string>();
  const distinct = ordered.filter(({ file: { path } }) => !paths.has(path) && paths.add(path));
  const group = sameCut(distinct, file, choice);
  return group.sort(compareCopies);
}

function toCopy(subject: Subject): Copy[] {
  const { video, path } = subject.file;
  return video === null || notACopy(subject.file) !== null ? [] : [{ ...subject, video, words: wordsOf(path) }];
}

/** Copies of the file's edition and class whose lengths fit together; the file itself by its path. */
function sameCut(copies: readonly Copy[], file: MediaFile, { keepBest4kAnd1080 }: CopyChoice): Copy[] {
  const kindOf = ({ video, words }: Copy): string =>
    `${words.edition}/${keepBest4kAnd1080 && resolutionOf(video) === '4k' ? '4k' : ''}`;
  const own = copies.find(({ file: { path } }) => path === file.path);
  if (!own) return [];
  const alike = copies.filter((copy) => kindOf(copy) === kindOf(own));
  alike.sort((a, b) => a.file.durationMs - b.file.durationMs);
  // Counted from the shortest of each cut, so that whoever is asked finds the same cuts.
  let cut: Copy[] = [];
  for (const copy of alike) {
    const [shortest] = cut;
    if (shortest && copy.file.durationMs > shortest.file.durationMs * SAME_CUT) {
      if (cut.includes(own)) break;
      cut = [];
    }
    cut.push(copy);
  }
  return cut;
}

interface Criterion {
  /** Higher is better. */
  value: (copy: Copy) => number;
  /** The figure in words. */
  name: (copy: Copy) => string;
}

/** What makes a copy the better one; the first that differs decides. */
const CRITERIA: readonly Criterion[] = [
  {
    value: ({ words }) => (isCinemaRecording(words) ? 0 : 1),
    name: ({ words }) => (isCinemaRecording(words) ? 'a cinema recording' : 'no cinema recording'),
  },
  {
    value: ({ video }) => RESOLUTION_RANK[resolutionOf(video)],
    name: ({ video }) => pictureName(video),
  },
  { value: ({ video }) => HDR_RANK[video.hdr], name: ({ video }) => hdrName(video.hdr) },
  { value: ({ words }) => words.source.rank, name: ({ words }) => words.source.name ?? 'a version of unknown source' },
  { value: (copy) => rateStep(copy), name: ({ file }) => rateName(file) },
  { value: ({ file }) => (file.audio.some(isLossless) ? 1 : 0), name: soundName },
  { value: ({ file }) => mostChannels(file), name: soundName },
  { value: ({ file }) => file.audio.length, name: ({ file }) => `${file.audio.length} sound tracks` },
  { value: ({ file }) => file.subtitles.length, name: ({ file }) => `${file.subtitles.length} subtitles` },
  // Nothing that is seen or heard differs: the one that takes less room.
  { value: ({ file }) => -file.sizeBytes, name: () => 'less space for the same' },
];

/** Bit rate by what the codec makes of it, in steps; a codec that is not known is taken for an old one. */
function rateStep({ file, video }: Copy): number {
  const kbps = videoKbps(file);
  return kbps === null ? 0 : Math.round(Math.log(Math.max(1, kbps * (worthOf(video.codec) ?? 0.5))) / RATE_STEP);
}

const mostChannels = ({ audio }: MediaFile): number =>
  audio.reduce((most, { channels }) => Math.max(most, channels), 0);

function soundName({ file }: Copy): string {
  const most = mostChannels(file);
  if (most === 0) return 'no known sound';
  return `${file.audio.some(isLossless) ? 'lossless ' : ''}${channelsName(most)} sound`;
}

/** Best first; equal copies by their ids, so that one of them is always the same. */
function compareCopies(one: Copy, other: Copy): number {
  for (const { value } of CRITERIA) {
    const difference = value(other) - value(one);
    if (difference !== 0) return difference;
  }
  return compareIds(one, other);
}

const compareIds = (one: Subject, other: Subject): number =>
  compareText(one.item.id, other.item.id) || compareText(one.file.id, other.file.id);

const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** What decides between two copies: the better one's figure and the other's. Null when they are alike. */
export function decidingFigures(better: Copy, other: Copy): { better: string; other: string } | null {
  const criterion = CRITERIA.find(({ value }) => value(better) !== value(other));
  return criterion ? { better: criterion.name(better), other: criterion.name(other) } : null;
}

/** `4K HDR10, 40 Mbit/s HEVC, lossless 7.1 sound`. */
export function describeCopy(copy: Copy): string {
  const { file, video, words } = copy;
  const picture = `${pictureName(video)}${video.hdr === 'sdr' ? '' : ` ${hdrName(video.hdr)}`}`;
  return [
    picture,
    ...(words.source.name === null ? [] : [words.source.name]),
    rateName(file),
    ...(mostChannels(file) === 0 ? [] : [soundName(copy)]),
  ].join(', ');
}

/** Languages of sound that this copy has and the other lacks; none while the streams of either were not read. */
export function ownLanguages(copy: Copy, other: Copy): string[] {
  if (!copy.file.detailed || !other.file.detailed) return [];
  const theirs = new Set(other.file.audio.map(({ language }) => language));
  // A track without a language may be in any.
  if (theirs.has(null)) return [];
  const own = copy.file.audio.map(({ language }) => language).filter((language) => language !== null);
  return [...new Set(own)].filter((language) => !theirs.has(language));
}
