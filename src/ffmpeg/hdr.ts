import type { Hdr } from '../domain/library/media.js';
import type { MasteringMetadata } from '../domain/jobs/probe.js';

/** One entry of ffprobe's `side_data_list`. */
export interface SideData {
  side_data_type: string;
  [field: string]: unknown;
}

/** Which kind of HDR a stream holds, from its transfer function and the side data of stream and first frame. */
export function hdrOf(
  transfer: string | null,
  sideData: readonly SideData[],
): { kind: Hdr; dolbyVisionProfile: number | null } {
  const dovi = sideData.find(({ side_data_type }) => side_data_type.includes('DOVI'));
  if (dovi)
    return {
      kind: 'dolby-vision',
      dolbyVisionProfile: typeof dovi['dv_profile'] === 'number' ? dovi['dv_profile'] : null,
    };
  const hasDynamic = sideData.some(({ side_data_type }) => /2094-40|HDR10\+/i.test(side_data_type));
  if (hasDynamic) return { kind: 'hdr10plus', dolbyVisionProfile: null };
  if (transfer === 'smpte2084') return { kind: 'hdr10', dolbyVisionProfile: null };
  return { kind: transfer === 'arib-std-b67' ? 'hlg' : 'sdr', dolbyVisionProfile: null };
}

/** SMPTE 2086 and CTA 861.3 metadata in x265's integer units, or null when there is none. */
export function masteringOf(sideData: readonly SideData[]): MasteringMetadata | null {
  const display = sideData.find(({ side_data_type }) => side_data_type.includes('Mastering display'));
  const light = sideData.find(({ side_data_type }) => side_data_type.includes('Content light'));
  if (!display && !light) return null;
  return {
    display: display ? displayText(display) : null,
    lightLevel: light ? `${Number(light['max_content'] ?? 0)},${Number(light['max_average'] ?? 0)}` : null,
  };
}

/** Chromaticities in units of 1/50000, luminances in 1/10000 cd/m2, as x265's `master-display` wants them. */
function displayText(display: SideData): string | null {
  const chroma = (field: string): number => Math.round(fraction(display[field]) * 50_000);
  const luma = (field: string): number => Math.round(fraction(display[field]) * 10_000);
  const pair = (colour: string): string => `(${chroma(`${colour}_x`)},${chroma(`${colour}_y`)})`;
  const text = `G${pair('green')}B${pair('blue')}R${pair('red')}WP${pair('white_point')}L(${luma('max_luminance')},${luma('min_luminance')})`;
  return text.includes('NaN') ? null : text;
}

/** `13250/50000` as a number; NaN when it is none. */
function fraction(value: unknown): number {
  const [over, under = '1'] = String(value).split('/');
  return Number(over) / Number(under);
}
