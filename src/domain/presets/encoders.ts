import { ENCODED_CODECS, type EncodedCodec } from './video-target.js';
import type { Encoder, HardwareFamily } from './encoders/encoder.js';
import { nvencRows } from './encoders/nvenc.js';
import { quickSyncRows } from './encoders/quick-sync.js';
import { svtAv1 } from './encoders/svt-av1.js';
import { vaapiRows } from './encoders/vaapi.js';
import { videotoolboxRows } from './encoders/videotoolbox.js';
import { x264 } from './encoders/x264.js';
import { x265 } from './encoders/x265.js';

const SOFTWARE: Readonly<Record<EncodedCodec, Encoder>> = { hevc: x265, h264: x264, av1: svtAv1 };
/** The ways to a graphics card, the most trusted first. */
const HARDWARE: readonly Encoder[] = [...nvencRows, ...quickSyncRows, ...vaapiRows, ...videotoolboxRows];

/** The codec's encoder for the processor. */
export const softwareEncoder = (codec: EncodedCodec): Encoder => SOFTWARE[codec];

/** The codec's encoders for graphics cards, the most trusted first. */
export const hardwareEncoders = (codec: EncodedCodec): readonly Encoder[] =>
  HARDWARE.filter((encoder) => encoder.codec === codec);

/** Every encoder that a job may use: those of the processor first. */
export const ENCODERS: readonly Encoder[] = [
  ...ENCODED_CODECS.map(softwareEncoder),
  ...ENCODED_CODECS.flatMap(hardwareEncoders),
];

/** Every way to a graphics card, the most trusted first. */
export const HARDWARE_FAMILIES: readonly HardwareFamily[] = [
  ...new Set(HARDWARE.flatMap(({ hardware }) => hardware ?? [])),
];

const BY_NAME: ReadonlyMap<string, Encoder> = new Map(ENCODERS.map((encoder) => [encoder.name, encoder]));

/** Undefined for one that MediaFlow does not use, such as that of a job of another version. */
export const encoderNamed = (name: string): Encoder | undefined => BY_NAME.get(name);

/** Whether an encoder is one of a graphics card. */
export const isHardwareEncoder = (name: string): boolean => (BY_NAME.get(name)?.hardware ?? null) !== null;
