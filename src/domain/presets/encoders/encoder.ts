import type { EncodedCodec, EncodeSpeed, Tune } from '../video-target.js';

/** What a preset asks of an encoder. */
interface VideoSettings {
  /** CRF of the codec's encoder for the processor; null only where no quality was set. */
  quality: number | null;
  speed: EncodeSpeed;
  tune: Tune;
}

/** What a film in HDR10 or HLG says about its picture beside its colors. */
export interface HdrMetadata {
  isHdr10: boolean;
  /** Mastering display in x265's notation: chroma times 50,000, luminance times 10,000. */
  display: string | null;
  /** `MaxCLL,MaxFALL` in cd/m2. */
  lightLevel: string | null;
}

/** How pictures are handed to an encoder: filters at the end of the chain, and `-pix_fmt`, null where the last filter decides. */
export interface HandedPicture {
  filters: readonly string[];
  pixelFormat: string | null;
}

/** What is wrong with a graphics card. `busy` may be over in a while, the others need the owner. */
export const HARDWARE_TROUBLES = [
  ...(['no-driver', 'no-video-capability', 'old-driver', 'busy', 'unsupported', 'no-device', 'other'] as const),
] as const;
export type HardwareTrouble = (typeof HARDWARE_TROUBLES)[number];

/** A way to the encoder of a graphics card. */
export interface HardwareFamily {
  /** The end of ffmpeg's names: `nvenc` of `hevc_nvenc`. */
  id: 'nvenc' | 'qsv' | 'vaapi' | 'videotoolbox';
  title: string;
  /** Whether a test encode needs a render node: `/dev/dri/renderD128`. */
  needsRenderNode: boolean;
  /** What ffmpeg says when it fails, by what that means; texts of ffmpeg's own source for this family. */
  symptoms: Partial<Record<HardwareTrouble, RegExp>>;
}

/** One encoder of ffmpeg and all that is known about it. */
export interface Encoder {
  /** ffmpeg's name: libx265, hevc_nvenc. */
  name: string;
  codec: EncodedCodec;
  /** Null: it runs on the processor. */
  hardware: HardwareFamily | null;
  /** The largest number on the encoder's own scale of quality; the smallest is 1. */
  maxQuality: number;
  /**
   * What it encodes in a second at medium effort, megapixels: an order of magnitude for a worker that was never measured,
   * of a desktop with four cores or a graphics card of the last years.
   */
  megapixelsPerSec: number;
  /** The effort of its test encode. */
  probeSpeed: EncodeSpeed;
  /** A preset's CRF in the encoder's own scale. */
  quality: (crf: number) => number;
  /** Options before the input; `device` is a render node. */
  deviceArgs(device: string | null): string[];
  /** Effort, rate control, quality and tune; `at` is the stream's place, `v:0`. */
  args(video: VideoSettings, at: string): string[];
  /** Options that keep a film's HDR metadata; ffmpeg before 7.0 drops it unless told. */
  hdrArgs(metadata: HdrMetadata, at: string): string[];
  /** So that the result has `pixelFormat`, yuv420p or yuv420p10le. */
  picture(pixelFormat: string): HandedPicture;
}

/** A number in the scale of an encoder. */
export const within = (min: number, max: number, value: number): number =>
  Math.min(max, Math.max(min, Math.round(value)));
