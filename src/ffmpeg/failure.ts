import { AppError } from '../domain/errors.js';

/** Last words that say nothing about the cause. */
const EMPTY_WORDS = [
  /Conversion failed!?$/,
  /Exiting normally, received signal/,
  /Nothing was written into output file/,
  /Error (opening output files|while opening encoder|initializing output stream|sending frames to consumers|while filtering)/,
  /Terminating thread|Task finished with error code|Terminating demuxer|Error processing packet in/,
  /Error while decoding stream.*$/,
  /\bError (submitting|marking|writing) .*(: Invalid argument)?$/,
];
const MAX_LINES = 3;
const MAX_CHARACTERS = 600;

/** What is wrong with a graphics card. `busy` may be over in a while, the others ask for the owner. */
export type HardwareTrouble =
  'no-driver' | 'no-video-capability' | 'old-driver' | 'no-device' | 'busy' | 'unsupported' | 'other';

/** Complaints of a graphics card's encoder or device; words of decoders and muxers are not taken for theirs. */
const FROM_HARDWARE = new RegExp(
  [
    // `[hevc_nvenc @ 0x55] [error] text`, in newer versions behind the name of the stream.
    String.raw`^(?:\[[^\]]+\] ?)*?\[(?:enc:)?(?:(?:h264|hevc|av1)_(?:nvenc|qsv|vaapi|videotoolbox)|AVHW\w+|(?:Parsed_)?hwupload\w*)`,
    String.raw` @ [^\]]+\] ?\[(?:warning|error|fatal|panic)\]`,
    String.raw`|^\[(?:error|fatal)\] Device creation failed`,
  ].join(''),
);

const NO_DEVICE =
  'No graphics card that can encode is to be found where ffmpeg runs. Check its driver; a container needs /dev/dri, or the NVIDIA runtime, and the right to use it.';

/**
 * What graphics cards say and what it means, the telling before the general: a card that lacks a feature is also "no
 * capable device". Texts are those of ffmpeg's nvenc.c, qsv.c, hwcontext_vaapi.c, vaapi_encode.c and videotoolboxenc.c.
 */
const SYMPTOMS: readonly { trouble: HardwareTrouble; pattern: RegExp; advice: string }[] = [
  {
    trouble: 'no-driver',
    pattern: /Cannot load lib(?:cuda|nvcuvid)|Could not dynamically load CUDA|Cannot load nvcuda\.dll/,
    advice:
      'There is no NVIDIA driver where ffmpeg runs. Install it; in a container, hand the card in (`--gpus all`, or the NVIDIA runtime).',
  },
  {
    trouble: 'no-video-capability',
    pattern: /Cannot load (?:libnvidia-encode|nvEncodeAPI)/,
    advice:
      'The container may use the NVIDIA card but not its encoder. Set NVIDIA_DRIVER_CAPABILITIES=compute,video,utility for it.',
  },
  // Below the two above: ffmpeg names the least driver after any of them.
  {
    trouble: 'old-driver',
    pattern: /Driver does not support the required nvenc API version|minimum required Nvidia driver for nvenc/,
    advice:
      "The NVIDIA driver is too old for this build of ffmpeg. Update the driver, or use a build for older ones, such as BtbN's of ffmpeg 7.1.",
  },
  {
    trouble: 'busy',
    pattern:
      /OpenEncodeSessionEx failed: out of memory|CUDA_ERROR_OUT_OF_MEMORY|No decoder surfaces left|VA_STATUS_ERROR_(?:ALLOCATION_FAILED|HW_BUSY)|resource allocation failed|insufficient memory/,
    advice:
      'The graphics card is out of memory, or encodes as many films at a time as its driver allows. Try again later, or let this worker run fewer jobs at a time.',
  },
  {
    trouble: 'unsupported',
    pattern: new RegExp(
      [
        '10 bit encode not supported|B frames as references are not supported|Codec not supported',
        "Provided device doesn't support required NVENC features|(?:Width|Height) \\d+ (?:exceeds|not in range)",
        'Selected ratecontrol mode is unsupported|(?:frame rate|picture structure|resolution|pixel format|profile) is unsupported',
        'Low power mode is unsupported|Some encoding parameters are not supported|invalid video parameters',
        'No usable encoding (?:profile|entrypoint) found|does not support any RC mode|does not support .*(?:RC|CQP)',
        'Hardware does not support encoding at size|qscale not available for encoder|hardware encoder may be busy, or not supported',
      ].join('|'),
    ),
    advice:
      'The graphics card cannot encode this film as the preset asks. Choose a preset with another codec or 8 bit, or encode on the processor.',
  },
  {
    trouble: 'no-device',
    pattern: new RegExp(
      [
        'No capable devices found|No CUDA capable devices found|CUDA_ERROR_NO_DEVICE|Requested GPU \\d+, but only',
        'OpenEncodeSessionEx failed: (?:unsupported device|no encode device|incompatible client key)',
        'Error initializing an? (?:internal )?MFX session|Error creating a MFX session',
        'No VA display found|Failed to initiali[sz]e VAAPI connection|No device available for encoder',
        'cannot create compression session',
      ].join('|'),
    ),
    advice: NO_DEVICE,
  },
  // Said after the line that tells why, and by Quick Sync alone.
  { trouble: 'no-device', pattern: /Device creation failed|hardware device reference is required/, advice: NO_DEVICE },
];

/**
 * Turns what ffmpeg said before it failed into an error for the owner: `no_space`, `hardware_failed`, `encoder_missing` or
 * `encode_failed`.
 * `lines` are those of stderr with `-loglevel level+...`; `purpose` is that of the step.
 */
export function encodeFailure(lines: readonly string[], purpose: string, cause: unknown): AppError {
  const text = lines.join('\n');
  if (/No space left on device|Disk quota exceeded/.test(text)) {
    return new AppError(
      'no_space',
      'The disk became full while the file was encoded. Free some space, then try again.',
      {
        cause,
      },
    );
  }
  const hardware = hardwareFailure(lines);
  if (hardware) return new AppError('hardware_failed', hardware.advice, { cause, details: hardware.words });
  const encoder = /Unknown (?:en|de)coder '([^']+)'|Encoder ([\w-]+) not found/.exec(text);
  if (encoder) {
    return new AppError(
      'encoder_missing',
      `This ffmpeg has no encoder ${encoder[1] ?? encoder[2] ?? ''}. Install a full build of ffmpeg, or choose another preset.`,
      { cause },
    );
  }
  const words = tellingLines(lines);
  const ended = cause instanceof Error ? cause.message : 'it gave no reason';
  if (ended.includes('killed with signal')) {
    const message =
      'ffmpeg was killed from outside. The machine may have run out of memory: let fewer jobs run at a time.';
    return new AppError('encode_failed', message, { cause, details: ended });
  }
  const reason = words.length > 0 ? words.join('; ') : (lines.at(-1) ?? ended);
  const message = `ffmpeg could not ${purpose}. Try again once; a file that fails again is usually damaged.`;
  return new AppError('encode_failed', message, { cause, details: reason.slice(0, MAX_CHARACTERS) });
}

/** What a graphics card failed of, and ffmpeg's words for it; null when none is to blame. `lines` as in `encodeFailure`. */
export function hardwareFailure(
  lines: readonly string[],
): { trouble: HardwareTrouble; advice: string; words: string } | null {
  const spoken = lines.filter((line) => FROM_HARDWARE.test(line));
  // Warnings explain an error; alone they are of no consequence.
  if (!spoken.some((line) => !line.includes('[warning]'))) return null;
  for (const { trouble, pattern, advice } of SYMPTOMS) {
    const said = [...new Set(spoken.filter((line) => pattern.test(line)).map(withoutPrefix))];
    if (said.length > 0) return { trouble, advice, words: inShort(said) };
  }
  const own = tellingLines(spoken);
  if (own.length === 0) return null;
  return {
    trouble: 'other',
    advice: 'The encoder of the graphics card failed. Try again, or encode on the processor.',
    words: inShort(own),
  };
}

const inShort = (said: readonly string[]): string =>
  said
    .slice(0, MAX_LINES)
    .map((line) => line.replace(/[.!]$/, ''))
    .join('; ')
    .slice(0, MAX_CHARACTERS / 2);

/** The first lines that name a cause, without ffmpeg's prefixes. */
export function tellingLines(lines: readonly string[]): string[] {
  const errors = lines.filter((line) => /\[(error|fatal|panic)\]/.test(line)).map(withoutPrefix);
  const telling = [...new Set(errors)].filter((line) => line !== '' && !EMPTY_WORDS.some((word) => word.test(line)));
  return (telling.length > 0 ? telling : [...new Set(errors)]).slice(0, MAX_LINES);
}

/** `[h264 @ 0x55] [error] text` -> `text`. */
const withoutPrefix = (line: string): string =>
  line
    .replace(/^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+/, '')
    .replace(/^\[(error|fatal|panic|warning|info)\] ?/, '')
    .trim();
