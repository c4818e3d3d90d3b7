import type { ChosenEncoder } from '../domain/presets/encoder-choice.js';
import { encoderNamed, softwareEncoder } from '../domain/presets/encoders.js';
import type { EncodePlan, PlannedStream } from '../domain/presets/plan.js';
import { outputStreams, type OutputStream } from '../domain/presets/plan-output.js';
import type { Arg, EncodeStep } from '../domain/jobs/executor.js';
import { audioArgs } from './audio-args.js';
import { coverFile, coverType } from './cover.js';
import { inputGuards } from './inputs.js';
import { videoArgs } from './video-args.js';

const LETTER: Partial<Record<PlannedStream['source']['kind'], string>> = {
  video: 'v',
  audio: 'a',
  subtitle: 's',
  attachment: 't',
};
const SUBTITLE_ENCODER: Readonly<Record<string, string>> = { subrip: 'srt', mov_text: 'mov_text' };
/** Containers whose packets may have no time of their own. */
const NEEDS_TIMES: ReadonlySet<string> = new Set(['avi', 'mpegts', 'mpeg', 'vob', 'mpegvideo', 'h264', 'hevc']);
/** What `mkvmerge` noted about a stream; wrong as soon as the stream is encoded anew. */
const STATISTICS = [
  'BPS',
  'NUMBER_OF_FRAMES',
  'NUMBER_OF_BYTES',
  '_STATISTICS_WRITING_APP',
  '_STATISTICS_WRITING_DATE_UTC',
  '_STATISTICS_TAGS',
];

/**
 * The runs of ffmpeg that carry a plan out. Every stream is mapped by its index and every flag is set, so that nothing
 * depends on what ffmpeg would choose. The same lists run here and on any other machine.
 *
 * `use` is what `chooseEncoder` gave; without it the encoder of the processor is taken.
 *
 * Progress is not asked for: an executor adds `-progress` to wherever it can read it. All options work from ffmpeg 5.1 on.
 */
export function encodeSteps(plan: EncodePlan, use?: Pick<ChosenEncoder, 'encoder' | 'device'>): EncodeStep[] {
  const software = encoderOf(plan);
  const encoder = software === null ? null : (use?.encoder ?? software);
  const streams = outputStreams(plan);
  const attached = plan.container === 'mkv' ? streams.filter(({ planned }) => planned.source.kind === 'cover') : [];
  const mapped = streams.filter((stream) => !attached.includes(stream));
  const covers = attached.map(({ planned }): EncodeStep => ({
    purpose: 'extract cover art',
    args: [...opening(plan, []), ...extractArgs(planned), { scratch: coverFile(planned.source) }],
  }));
  const encode: EncodeStep = {
    purpose: encoder === null ? 'remux' : 'encode',
    args: [
      ...opening(plan, encoder === null ? [] : (encoderNamed(encoder)?.deviceArgs(use?.device ?? null) ?? [])),
      ...mapped.flatMap(({ planned }) => ['-map', `0:${planned.source.index}`]),
      ...['-map_metadata', '0', '-map_chapters', '0'],
      ...mapped.flatMap((stream) => streamArgs(plan, stream, encoder)),
      ...attached.flatMap((stream, n) => attachArgs(stream, n + countOf(mapped, 'attachment'))),
      ...muxerArgs(plan),
      { file: 'output' },
    ],
  };
  return [...covers, encode];
}

/** ffmpeg's name of the processor's encoder for the video; null when the video is copied. */
export function encoderOf({ preset }: Pick<EncodePlan, 'preset'>): string | null {
  const { codec } = preset.video;
  return codec === 'copy' ? null : softwareEncoder(codec).name;
}

/** Up to and with the input. `-xerror`: an error while reading or decoding ends the run instead of shortening the film. */
function opening(plan: EncodePlan, device: readonly string[]): Arg[] {
  return [
    ...['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'level+info', '-y', '-xerror'],
    ...device,
    ...inputGuards(plan.sourceContainer),
    ...(NEEDS_TIMES.has(plan.sourceContainer) ? ['-fflags', '+genpts'] : []),
    '-i',
    { file: 'input' },
  ];
}

function streamArgs(plan: EncodePlan, stream: OutputStream, encoder: string | null): string[] {
  const { planned, position, language, flags } = stream;
  const isCover = planned.source.kind === 'cover';
  const letter = isCover ? 'v' : LETTER[planned.source.kind];
  if (letter === undefined) return [];
  const at = `${letter}:${position}`;
  if (isCover) return [`-c:${at}`, 'copy', `-disposition:${at}`, 'attached_pic'];
  if (letter === 't') return [`-c:${at}`, 'copy'];
  return [
    ...codecArgs(plan, planned, at, encoder),
    `-disposition:${at}`,
    flags.length > 0 ? flags.join('+') : '0',
    ...(language === null ? [] : [`-metadata:s:${at}`, `language=${language}`]),
    ...tagArgs(plan, planned, at),
  ];
}

function codecArgs(plan: EncodePlan, planned: PlannedStream, at: string, encoder: string | null): string[] {
  if (planned.source.kind === 'video') return videoArgs(plan, planned, at, encoder);
  if (planned.action === 'copy') return [`-c:${at}`, 'copy'];
  if (planned.source.kind === 'audio') return audioArgs(planned, at);
  return [`-c:${at}`, SUBTITLE_ENCODER[planned.codec] ?? planned.codec];
}

/** MP4 knows a track's title only as the name of its handler; Matroska's old statistics would lie about a new stream. */
function tagArgs(plan: EncodePlan, { source, action }: PlannedStream, at: string): string[] {
  if (plan.container === 'mp4') {
    return source.title === null ? [] : [`-metadata:s:${at}`, `handler_name=${source.title}`];
  }
  if (action === 'copy' || plan.sourceContainer !== 'mkv') return [];
  return STATISTICS.flatMap((name) => [name, `${name}-eng`]).flatMap((name) => [`-metadata:s:${at}`, `${name}=`]);
}

function muxerArgs(plan: EncodePlan): string[] {
  // Picture subtitles are sparse; the default queue is too short for them.
  const queue = ['-max_muxing_queue_size', '4096'];
  if (plan.container === 'mkv') return [...queue, '-default_mode', 'passthrough', '-f', 'matroska'];
  return [...queue, '-write_tmcd', '0', '-movflags', '+faststart', '-f', 'mp4'];
}

/** A cover copied into Matroska as a stream would become a film of one picture: it is taken out and attached. */
function extractArgs({ source }: PlannedStream): string[] {
  return ['-map', `0:${source.index}`, '-c', 'copy', '-frames:v', '1', '-f', 'image2', '-update', '1'];
}

function attachArgs({ planned: { source } }: OutputStream, n: number): Arg[] {
  return [
    '-attach',
    { scratch: coverFile(source) },
    ...[`-metadata:s:t:${n}`, `mimetype=${source.mimetype ?? coverType(source).mimetype}`],
    ...[`-metadata:s:t:${n}`, `filename=${source.filename ?? `cover.${coverType(source).extension}`}`],
  ];
}

const countOf = (streams: readonly OutputStream[], kind: string): number =>
  streams.filter(({ planned }) => planned.source.kind === kind).length;
