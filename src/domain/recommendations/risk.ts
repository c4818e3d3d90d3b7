import { z } from 'zod';
import type { MediaFile } from '../library/media.js';

/** What an owner may want to look at before a file is encoded. */
export const Risk = z.enum([
  'dynamic-hdr',
  'ten-bit',
  'image-subtitles',
  'many-languages',
  'commentary',
  'not-read',
  'hard-links',
  'in-use',
]);
export type Risk = z.infer<typeof Risk>;

/** A risk in words: `label` on a badge, `help` says what it means for the file. */
export interface RiskWords {
  id: Risk;
  label: string;
  help: string;
  icon: string;
  /** `warn` for what can lose something or stop the job, plain for what is only good to know. */
  tone: 'warn' | '';
}

const IMAGE_SUBTITLES: ReadonlySet<string> = new Set([
  'hdmv_pgs_subtitle',
  'pgs',
  'pgssub',
  'dvd_subtitle',
  'vobsub',
  'dvb_subtitle',
  'dvbsub',
  'xsub',
]);
const COMMENTARY = /comm?ent|komment|kommentar/i;
/** So many languages of sound, and it is worth a look whether all of them are wanted. */
const MANY_LANGUAGES = 3;

const imagesIn = ({ subtitles }: MediaFile): number =>
  subtitles.filter(({ codec, external }) => !external && IMAGE_SUBTITLES.has(codec)).length;

const languagesIn = ({ audio }: MediaFile): number =>
  new Set(audio.map(({ language }) => language).filter((language) => language !== null)).size;

/** What a file itself shows, in the order of the list. Links and use are only known to whoever asks the disk and the server. */
export function risksOf(file: MediaFile): Risk[] {
  const { video } = file;
  const found: [Risk, boolean][] = [
    ['dynamic-hdr', video?.hdr === 'dolby-vision' || video?.hdr === 'hdr10plus'],
    ['ten-bit', (video?.bitDepth ?? 8) >= 10],
    ['image-subtitles', imagesIn(file) > 0],
    ['many-languages', languagesIn(file) >= MANY_LANGUAGES],
    ['commentary', file.audio.some(({ title }) => title !== null && COMMENTARY.test(title))],
    ['not-read', !file.detailed],
  ];
  return found.flatMap(([risk, isThere]) => (isThere ? [risk] : []));
}

/** The name of a risk for filters, where no file is at hand. */
export const RISK_NAMES: Readonly<Record<Risk, string>> = {
  'dynamic-hdr': 'Dolby Vision or HDR10+',
  'ten-bit': '10 bit',
  'image-subtitles': 'Image subtitles',
  'many-languages': 'Many languages',
  commentary: 'Commentary',
  'not-read': 'Not read in detail',
  'hard-links': 'Hard links',
  'in-use': 'Being watched',
};

/** A risk of a file in words. `links`: how many names the file has on its disk, for `hard-links`. */
export function riskWords(risk: Risk, file: MediaFile, links = 2): RiskWords {
  const images = imagesIn(file);
  const words: Record<Risk, Omit<RiskWords, 'id'>> = {
    'dynamic-hdr': {
      label: file.video?.hdr === 'hdr10plus' ? 'HDR10+' : 'Dolby Vision',
      help: 'Its picture carries metadata for every scene. Not every encoder can keep it; the plan says what happens to it.',
      icon: 'warn',
      tone: 'warn',
    },
    'ten-bit': {
      label: '10 bit',
      help: 'More shades than usual. Old players cannot show it; HEVC and AV1 keep it.',
      icon: 'film',
      tone: '',
    },
    'image-subtitles': {
      label: `${images} image ${images === 1 ? 'subtitle' : 'subtitles'}`,
      help: 'Subtitles that are pictures fit into Matroska but not into MP4, and some players make Plex transcode for them.',
      icon: 'captions',
      tone: '',
    },
    'many-languages': {
      label: `${languagesIn(file)} languages`,
      help: 'Sound in many languages. Every track is kept.',
      icon: 'audio',
      tone: '',
    },
    commentary: {
      label: 'Commentary',
      help: 'A commentary track is kept like every other track.',
      icon: 'audio',
      tone: '',
    },
    'not-read': {
      label: 'Not read in detail',
      help: 'Plex has only listed this file so far. Its tracks are read before a job begins, and the figures may change.',
      icon: 'info',
      tone: 'warn',
    },
    'hard-links': {
      label: `${links} names on the disk`,
      help: 'A hard link, such as a torrent that is being seeded. Replacing one name frees nothing; by default such a file is skipped.',
      icon: 'link',
      tone: 'warn',
    },
    'in-use': {
      label: 'Being watched',
      help: 'Somebody is watching it. It is not replaced before they are done.',
      icon: 'play',
      tone: 'warn',
    },
  };
  return { id: risk, ...words[risk] };
}
