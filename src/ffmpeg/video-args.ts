import { hardwareKind } from '../domain/presets/encoder.js';
import type { EncodePlan, PlannedStream } from '../domain/presets/plan.js';
import type { Preset } from '../domain/presets/preset.js';
import type { ProbedStream } from '../domain/jobs/probe.js';
import { hardwareArgs, pictureFormat } from './hardware-args.js';
import { toneMapFilters } from './tone-map.js';

/** x264/x265's effort in SVT-AV1's numbers. */
const SVT_PRESET: Readonly<Record<Preset['video']['speed'], number>> = {
  ultrafast: 12,
  superfast: 11,
  veryfast: 10,
  faster: 9,
  fast: 8,
  medium: 6,
  slow: 5,
  slower: 4,
  veryslow: 3,
};
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
  const kind = hardwareKind(encoder);
  const handed =
    kind === null || plan.pixelFormat === null
      ? { filters: [], pixelFormat: plan.pixelFormat }
      : pictureFormat(kind, plan.pixelFormat);
  return [
    `-c:${at}`,
    encoder,
    ...(kind === null
      ? [...effortArgs(plan.preset, encoder, at), ...paramArgs(plan, source, encoder, at)]
      : hardwareArgs(encoder, kind, plan.preset.video, at)),
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

function effortArgs({ video }: Preset, encoder: string, at: string): string[] {
  const speed = encoder === 'libsvtav1' ? String(SVT_PRESET[video.speed]) : video.speed;
  const quality = video.quality === null ? [] : [`-crf:${at}`, String(video.quality)];
  // x265 has no tune for film (it is what the default is for) and SVT-AV1 none for content.
  const hasTune = encoder === 'libx264' || (encoder === 'libx265' && video.tune !== 'film');
  const tune = video.tune !== 'none' && hasTune ? [`-tune:${at}`, video.tune] : [];
  return [`-preset:${at}`, speed, ...quality, ...tune];
}

/** HDR10 metadata: ffmpeg before 7.0 drops it in these encoders, so it is always given. */
function paramArgs(plan: EncodePlan, source: ProbedStream, encoder: string, at: string): string[] {
  const { display = null, lightLevel = null } = plan.mastering ?? {};
  if (plan.toneMap) return [];
  if (source.colorTransfer !== 'smpte2084' && source.colorTransfer !== 'arib-std-b67') return [];
  if (encoder === 'libx265') {
    const params = [
      'repeat-headers=1',
      ...(plan.isHdr10 ? ['hdr10-opt=1'] : []),
      ...(display !== null || lightLevel !== null ? ['hdr10=1'] : []),
      ...(display === null ? [] : [`master-display=${display}`]),
      ...(lightLevel === null ? [] : [`max-cll=${lightLevel}`]),
    ];
    return [`-x265-params:${at}`, params.join(':')];
  }
  if (encoder !== 'libsvtav1') return [];
  const params = [
    'enable-hdr=1',
    ...(display === null ? [] : [`mastering-display=${asFractions(display)}`]),
    ...(lightLevel === null ? [] : [`content-light=${lightLevel}`]),
  ];
  return [`-svtav1-params:${at}`, params.join(':')];
}

/** x265's integers (chroma x 50000, luminance x 10000) as the plain numbers that SVT-AV1 reads. */
function asFractions(display: string): string {
  return display.replace(/(G|B|R|WP|L)\((\d+),(\d+)\)/g, (_, name: string, first: string, second: string) => {
    const unit = name === 'L' ? 10_000 : 50_000;
    return `${name}(${Number(first) / unit},${Number(second) / unit})`;
  });
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
