import type { EncodePlan, PlannedStream } from './plan.js';
import type { ProbedStream } from '../jobs/probe.js';

/** A stream of the result: where it comes from and what its container will say about it. */
export interface OutputStream {
  planned: PlannedStream;
  /** Position among the streams of its kind that are mapped: `-c:a:1`. Covers in Matroska are attached, not mapped. */
  position: number;
  language: string | null;
  /** Flags that the container can hold. */
  flags: readonly string[];
}

/** Disposition flags that each container keeps; the rest has no place in it. */
const KEPT_FLAGS: Record<EncodePlan['container'], ReadonlySet<string>> = {
  mkv: new Set(['default', 'forced', 'comment', 'hearing_impaired', 'visual_impaired', 'original']),
  mp4: new Set(['default', 'forced', 'comment', 'hearing_impaired', 'visual_impaired']),
};

/** ISO 639-1 to 639-2 for the languages films are mostly in: MP4 can hold three letters only. */
// prettier-ignore
const THREE_LETTERS: Readonly<Record<string, string>> = {
  ar: 'ara', cs: 'ces', da: 'dan', de: 'deu', el: 'ell', en: 'eng', es: 'spa', fi: 'fin', fr: 'fra', he: 'heb', hi: 'hin', hu: 'hun', it: 'ita',
  ja: 'jpn', ko: 'kor', nl: 'nld', no: 'nor', pl: 'pol', pt: 'por', ro: 'ron', ru: 'rus', sv: 'swe', th: 'tha', tr: 'tur', uk: 'ukr', zh: 'zho',
};

/** The streams in the order the result will have them: as in the source, cover art last. */
export function outputStreams(plan: EncodePlan): OutputStream[] {
  const isCover = ({ source }: PlannedStream): boolean => source.kind === 'cover';
  const ordered = [...plan.streams.filter((stream) => !isCover(stream)), ...plan.streams.filter(isCover)];
  const seen = new Map<string, number>();
  return ordered.map((planned) => {
    // To ffmpeg a cover is one more video stream.
    const kind = isCover(planned) && plan.container === 'mp4' ? 'video' : planned.source.kind;
    const position = seen.get(kind) ?? 0;
    seen.set(kind, position + 1);
    return {
      planned,
      position,
      language: languageIn(plan.container, planned.source),
      flags: planned.source.flags.filter((flag) => KEPT_FLAGS[plan.container].has(flag)),
    };
  });
}

function languageIn(container: EncodePlan['container'], { language }: ProbedStream): string | null {
  if (language === null || container === 'mkv') return language;
  const letters = THREE_LETTERS[language.slice(0, 2)];
  if (/^[a-z]{2}([-_]|$)/.test(language)) return letters ?? null;
  return /^[a-z]{3}$/.test(language) ? language : null;
}
