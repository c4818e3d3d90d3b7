import { z } from 'zod';
import { codecName } from '../labels.js';
import { softwareEncoder } from './encoders.js';
import { EncodeSpeed, TargetVideoCodec, Tune } from './video-target.js';

export const PresetId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}$/, 'lower-case letters, digits and dashes');
export type PresetId = z.infer<typeof PresetId>;

/** A recipe: what a file should look like afterwards. The file name in `presets/` is its id. */
export const Preset = z
  .strictObject({
    id: PresetId,
    title: z.string().min(1).max(60),
    description: z.string().min(1).max(400),
    /** `keep`: the source's own container when it can hold the result, Matroska otherwise. */
    container: z.enum(['mkv', 'mp4', 'keep']),
    video: z.strictObject({
      codec: TargetVideoCodec,
      /** Constant quality: CRF of the software encoder (x264/x265 0-51, SVT-AV1 0-63). Lower is better and larger. */
      quality: z.int().min(1).max(63).nullable(),
      /** Encoder effort, in x264/x265's names; SVT-AV1's number is derived from it. */
      speed: EncodeSpeed.default('medium'),
      tune: Tune.default('none'),
      /** Larger pictures are scaled down to fit; smaller ones are never enlarged. Pixels. */
      maxHeight: z.int().min(144).max(4320).nullable().default(null),
      /** `keep`: 10 bit stays 10 bit. `8`: always 8 bit (HDR is refused, unless it is tone-mapped). `10`: always 10 bit. */
      bitDepth: z.enum(['keep', '8', '10']).default('keep'),
      /** `sdr`: HDR10 and HLG become SDR in BT.709; what is SDR already stays. Null: HDR stays HDR. */
      toneMap: z.literal('sdr').nullable().default(null),
    }),
    audio: z.strictObject({
      codec: z.enum(['copy', 'aac', 'ac3', 'eac3', 'opus']),
      /** `lossless`: only tracks without loss (TrueHD, DTS-HD MA, FLAC, PCM) are encoded; the others are copied. */
      tracks: z.enum(['all', 'lossless']).default('all'),
      /** Per channel, kbit/s; ignored for copy. */
      kbpsPerChannel: z.int().min(16).max(320).default(64),
      /** More channels are mixed down; null keeps them. */
      maxChannels: z.int().min(1).max(8).nullable().default(null),
    }),
    subtitles: z.enum(['keep', 'drop']).default('keep'),
  })
  .superRefine((preset, ctx) => {
    const { codec, quality } = preset.video;
    if (codec !== 'copy' && quality === null) {
      ctx.addIssue({ code: 'custom', path: ['video', 'quality'], message: 'is needed when the video is encoded' });
    }
    const max = codec === 'copy' ? Infinity : softwareEncoder(codec).maxQuality;
    if (codec !== 'copy' && quality !== null && quality > max) {
      const message = `goes up to ${max} for ${codecName(codec)}`;
      ctx.addIssue({ code: 'custom', path: ['video', 'quality'], message });
    }
    if (codec === 'copy' && preset.video.toneMap !== null) {
      ctx.addIssue({ code: 'custom', path: ['video', 'toneMap'], message: 'cannot be set when the video is copied' });
    }
    if (codec === 'copy' && preset.video.maxHeight !== null) {
      ctx.addIssue({ code: 'custom', path: ['video', 'maxHeight'], message: 'cannot be set when the video is copied' });
    }
  });
export type Preset = z.infer<typeof Preset>;
