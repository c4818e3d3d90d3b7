import { isLossless } from '../rules/lossless-audio.js';
import type { EncodePlan, PlannedStream } from './plan.js';
import type { Preset } from './preset.js';
import type { ProbedStream } from '../jobs/probe.js';

/** What becomes of one stream: a place in the result, or the reason why it has none. */
export type Verdict = { stream: PlannedStream } | { source: ProbedStream; reason: string };

const TEXT_SUBTITLES: ReadonlySet<string> = new Set(['subrip', 'srt', 'ass', 'ssa', 'webvtt', 'text', 'mov_text']);
const MP4_AUDIO: ReadonlySet<string> = new Set(['aac', 'ac3', 'eac3', 'mp3', 'alac', 'opus', 'dts']);

const copied = (source: ProbedStream): Verdict => ({
  stream: { source, action: 'copy', codec: source.codec, note: null, channels: null, bitrateKbps: null },
});

/** What a sound track is encoded to. */
export interface SoundTarget {
  codec: string;
  channels: number;
  bitrateKbps: number;
}

/** What a preset makes of a sound track; null when it is copied. Without a number of channels it is taken for stereo. */
export function soundTarget(
  track: Pick<ProbedStream, 'codec' | 'profile' | 'channels'>,
  container: EncodePlan['container'],
  { audio }: Pick<Preset, 'audio'>,
): SoundTarget | null {
  const fits = container === 'mkv' || MP4_AUDIO.has(track.codec);
  if (fits && audio.tracks === 'lossless' && !isLossless(track)) return null;
  const channels = Math.min(track.channels ?? 2, audio.maxChannels ?? 8);
  const mixesDown = channels < (track.channels ?? 2);
  if (fits && !mixesDown && (audio.codec === 'copy' || audio.codec === track.codec)) return null;
  const codec = audio.codec === 'copy' ? 'aac' : audio.codec;
  const limited = Math.min(channels, codec === 'ac3' || codec === 'eac3' ? 6 : 8);
  return {
    codec,
    channels: limited,
    bitrateKbps: Math.min(codec === 'ac3' ? 640 : 1536, audio.kbpsPerChannel * limited),
  };
}

/** Audio: copied, or encoded when the preset or the container asks for it. */
export function planAudio(source: ProbedStream, container: EncodePlan['container'], preset: Preset): Verdict {
  const target = soundTarget(source, container, preset);
  if (target === null) return copied(source);
  const { codec, channels: limited, bitrateKbps } = target;
  const layout = limited === (source.channels ?? 2) ? '' : `, ${source.channels ?? 2} -> ${limited} channels`;
  const note = `${source.codec} -> ${codec} at ${bitrateKbps} kbit/s${layout}`;
  return { stream: { source, action: 'encode', codec, note, channels: limited, bitrateKbps } };
}

/** Subtitles by container: Matroska takes all but `mov_text`; MP4 takes text only. */
export function planSubtitle(source: ProbedStream, container: EncodePlan['container'], { subtitles }: Preset): Verdict {
  if (subtitles === 'drop') return { source, reason: 'the preset drops subtitles' };
  const isText = TEXT_SUBTITLES.has(source.codec);
  const converted = (codec: string, note: string): Verdict => ({
    stream: { source, action: 'encode', codec, note, channels: null, bitrateKbps: null },
  });
  if (container === 'mkv') return source.codec === 'mov_text' ? converted('subrip', 'mov_text -> srt') : copied(source);
  if (source.codec === 'mov_text') return copied(source);
  if (!isText) return { source, reason: 'MP4 cannot hold picture subtitles' };
  const loss = source.codec === 'ass' || source.codec === 'ssa' ? ', styling is lost' : '';
  return converted('mov_text', `${source.codec} -> mov_text${loss}`);
}
