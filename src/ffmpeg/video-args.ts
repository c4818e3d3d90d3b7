import { encoderNamed } from '../domain/presets/encoders.js';
import type { HdrMetadata } from '../domain/presets/encoders/encoder.js';
import type { EncodePlan, PlannedStream } from '../domain/presets/plan.js';
import type { ProbedStream } from '../domain/jobs/probe.js';
import { toneMapFilters } from './tone-map.js';

/** ffprobe and the encoder's options have different names for two transfer curves. */
const TRANSFER: Readonly<Record<string, string>> = { bt470m: 'gamma22', bt470bg: 'gamma28' };
/** What tone-mapped video says about its colours. */
const BT709 = { colorPrimaries: 'bt709', colorTransfer: 'bt709', colorSpace: 'bt709' } as const;
const UNKNOWN: ReadonlySet<string> = new Set(['unknown', 'reserved', 'gbr', '']);

/** Options of one video stream that is encoded, or copied when `encoder` is null; `at` is its place, `v:0`. */
export function videoArgs(plan: EncodePlan, planned: PlannedStream, at: string, encoder: string | null): string[] {
  const { source } = planned;
  // Apple's players want `hvc1`; ffmpeg writes `hev1` unless told.
  const tag = planned.codec === 'hevc' && plan.container === 'mp4' ? [`-tag:${at}`, 'hvc1'] : [];
  if (encoder === null) return [`-c:${at}`, 'copy', ...unpackArgs(plan, source, at), ...tag];
  const row = encoderNamed(encoder);
  if (row === undefined) throw new Error(`no row describes the encoder ${encoder}`);
  const handed = plan.pixelFormat === null ? { filters: [], pixelFormat: null } : row.picture(plan.pixelFormat);
  const hdr = hdrOf(plan, source);
  return [
    `-c:${at}`,
    encoder,
    ...row.args(plan.preset.video, at),
    ...(hdr === null ? [] : row.hdrArgs(hdr, at)),
    ...filterArgs(plan, source, handed.filters, at),
    ...(handed.pixelFormat === null ? [] : [`-pix_fmt:${at}`, handed.pixelFormat]),
    ...colourArgs(plan.toneMap ? BT709 : source, at),
    // The default would move or repeat frames onto an even grid.
    ...(source.variableFrameRate ? [`-fps_mode:${at}`, 'passthrough'] : []),
    ...tag,
  ];
}

/** Scaled first: to convert the colours of fewer pixels takes less time. */
function filterArgs(plan: EncodePlan, source: ProbedStream, last: readonly string[], at: string): string[] {
  const isScaled = plan.width !== source.width || plan.height !== source.height;
  const filters = [
    ...(isScaled ? [`scale=${plan.width}:${plan.height}:flags=lanczos`] : []),
    ...(plan.toneMap ? toneMapFilters(source, plan.pixelFormat ?? 'yuv420p') : []),
    ...last,
  ];
  return filters.length === 0 ? [] : [`-filter:${at}`, filters.join(',')];
}

/** XviD packs two frames into one packet, which only AVI can hold. */
const unpackArgs = ({ sourceContainer }: EncodePlan, { codec }: ProbedStream, at: string): string[] =>
  codec === 'mpeg4' && sourceContainer === 'avi' ? [`-bsf:${at}`, 'mpeg4_unpack_bframes'] : [];

/** What the result has to say about its HDR; null for what is SDR, or becomes it. */
function hdrOf({ toneMap, isHdr10, mastering }: EncodePlan, { colorTransfer }: ProbedStream): HdrMetadata | null {
  if (toneMap || (colorTransfer !== 'smpte2084' && colorTransfer !== 'arib-std-b67')) return null;
  const { display = null, lightLevel = null } = mastering ?? {};
  return { isHdr10, display, lightLevel };
}

/** Says again what the colours mean; ffmpeg passes it on by itself in most cases, but not in all. */
function colourArgs(
  source: Pick<ProbedStream, 'colorPrimaries' | 'colorTransfer' | 'colorSpace'>,
  at: string,
): string[] {
  const option = (name: string, value: string | null): string[] =>
    value === null || UNKNOWN.has(value) ? [] : [`-${name}:${at}`, value];
  const transfer = source.colorTransfer;
  return [
    ...option('color_primaries', source.colorPrimaries),
    ...option('color_trc', transfer === null ? null : (TRANSFER[transfer] ?? transfer)),
    ...option('colorspace', source.colorSpace),
  ];
}
