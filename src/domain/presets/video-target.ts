import { z } from 'zod';

/** The codecs MediaFlow can make, by the name ffprobe gives the result; `copy` leaves the video as it is. */
export const TargetVideoCodec = z.enum(['hevc', 'h264', 'av1', 'copy']);

/** What a video can be encoded to. */
export type EncodedCodec = Exclude<z.infer<typeof TargetVideoCodec>, 'copy'>;
export const ENCODED_CODECS: readonly EncodedCodec[] = ['hevc', 'h264', 'av1'];

/** Encoder effort in x264's and x265's names, the fastest first. */
export const EncodeSpeed = z.enum([
  ...(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast'] as const),
  ...(['medium', 'slow', 'slower', 'veryslow'] as const),
]);
export type EncodeSpeed = z.infer<typeof EncodeSpeed>;

/** What the picture is like, where an encoder has a setting for it. */
export const Tune = z.enum(['film', 'animation', 'grain', 'none']);
export type Tune = z.infer<typeof Tune>;
