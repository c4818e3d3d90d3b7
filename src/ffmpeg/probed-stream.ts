import { z } from 'zod';
import type { ProbedStream } from '../domain/jobs/probe.js';
import { kbpsOf, numberOf } from './numbers.js';

const Disposition = z.record(z.string(), z.number()).default({});
const Tags = z.record(z.string(), z.string()).default({});
export const SideDataList = z.array(z.looseObject({ side_data_type: z.string().default('') })).default([]);

/** One stream as ffprobe prints it; everything may be missing. */
export const RawStream = z.looseObject({
  index: z.int(),
  codec_type: z.string().default('data'),
  codec_name: z.string().default('unknown'),
  profile: z.string().optional(),
  width: z.int().optional(),
  height: z.int().optional(),
  pix_fmt: z.string().optional(),
  bits_per_raw_sample: z.string().optional(),
  field_order: z.string().optional(),
  r_frame_rate: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  color_primaries: z.string().optional(),
  color_transfer: z.string().optional(),
  color_space: z.string().optional(),
  color_range: z.string().optional(),
  channels: z.int().optional(),
  channel_layout: z.string().optional(),
  sample_rate: z.string().optional(),
  bit_rate: z.string().optional(),
  disposition: Disposition,
  tags: Tags,
  side_data_list: SideDataList,
});
export type RawStream = z.infer<typeof RawStream>;

/** ffprobe's stream in our words. */
export function toStream(raw: RawStream): ProbedStream {
  const tag = (name: string): string | null => raw.tags[name] ?? raw.tags[name.toUpperCase()] ?? null;
  const language = tag('language');
  return {
    index: raw.index,
    kind: kindOf(raw),
    codec: raw.codec_name,
    profile: raw.profile ?? null,
    language: language === 'und' ? null : language,
    title: tag('title'),
    bitrateKbps: kbpsOf(raw.bit_rate ?? tag('BPS') ?? undefined),
    flags: Object.keys(raw.disposition).filter((name) => raw.disposition[name] === 1),
    width: raw.width ?? null,
    height: raw.height ?? null,
    pixelFormat: raw.pix_fmt ?? null,
    bitDepth: bitDepthOf(raw),
    fps: rateOf(raw.avg_frame_rate),
    variableFrameRate: isVariable(raw),
    interlaced: ['tt', 'bb', 'tb', 'bt'].includes(raw.field_order ?? ''),
    colorPrimaries: raw.color_primaries ?? null,
    colorTransfer: raw.color_transfer ?? null,
    colorSpace: raw.color_space ?? null,
    colorRange: raw.color_range ?? null,
    channels: raw.channels ?? null,
    channelLayout: raw.channel_layout ?? null,
    sampleRate: numberOf(raw.sample_rate),
    filename: tag('filename'),
    mimetype: tag('mimetype'),
  };
}

/** Cover art is a video stream to ffmpeg. Matroska's image attachments look like one as well, with the file name as a tag. */
function kindOf(raw: RawStream): ProbedStream['kind'] {
  if (raw.codec_type === 'video') {
    const isPicture = raw.disposition['attached_pic'] === 1 || (raw.tags['mimetype'] ?? '').startsWith('image/');
    return isPicture ? 'cover' : 'video';
  }
  if (raw.codec_type === 'audio' || raw.codec_type === 'subtitle' || raw.codec_type === 'attachment')
    return raw.codec_type;
  return 'data';
}

/** The pixel format tells it most reliably: `yuv420p10le`, `p010le`. */
function bitDepthOf({ pix_fmt, bits_per_raw_sample, codec_type }: RawStream): number | null {
  if (codec_type !== 'video') return null;
  const inName = /p0?(9|10|12|14|16)(le|be)?$/.exec(pix_fmt ?? '')?.[1];
  if (inName) return Number(inName);
  return numberOf(bits_per_raw_sample) ?? (pix_fmt ? 8 : null);
}

/** `24000/1001` as frames per second; null for `0/0`. */
function rateOf(text: string | undefined): number | null {
  const [over, under] = (text ?? '').split('/').map(Number);
  if (!over || !under) return null;
  return Math.round((over / under) * 1000) / 1000;
}

/** Average and nominal rate differ by more than rounding. */
function isVariable({ r_frame_rate, avg_frame_rate }: RawStream): boolean {
  const [nominal, average] = [rateOf(r_frame_rate), rateOf(avg_frame_rate)];
  return nominal !== null && average !== null && Math.abs(nominal - average) > 0.02 * nominal;
}
