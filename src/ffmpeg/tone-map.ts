import type { ProbedStream } from '../domain/jobs/probe.js';

/** Brightness that becomes white, in cd/m2: what SDR screens are made for. */
const WHITE_NITS = 100;

type Colours = Pick<ProbedStream, 'colorPrimaries' | 'colorTransfer' | 'colorSpace'>;

/**
 * The filter chain that turns HDR10 or HLG into SDR in BT.709: linear light, colours of the smaller space, bright parts
 * rolled off. It ends in 8 or more bits as `pixelFormat` says. Needs an ffmpeg with zscale (zimg), as Debian's is.
 */
export function toneMapFilters(source: Colours, pixelFormat: string): string[] {
  return [
    // zscale finds no way from colours that the file does not name; metadata of the old colours would contradict the new.
    `setparams=color_primaries=${known(source.colorPrimaries, 'bt2020')}:color_trc=${known(source.colorTransfer, 'smpte2084')}:colorspace=${known(source.colorSpace, 'bt2020nc')}`,
    'sidedata=mode=delete:type=MASTERING_DISPLAY_METADATA',
    'sidedata=mode=delete:type=CONTENT_LIGHT_LEVEL',
    `zscale=t=linear:npl=${WHITE_NITS}`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=bt709:m=bt709:r=tv',
    `format=${pixelFormat}`,
  ];
}

const known = (value: string | null, otherwise: string): string =>
  value === null || value === 'unknown' || value === 'reserved' || value === 'gbr' ? otherwise : value;
