import { AppError } from '../domain/errors.js';
import { ENCODERS, HARDWARE_FAMILIES } from '../domain/presets/encoders.js';
import { HARDWARE_TROUBLES, type HardwareTrouble } from '../domain/presets/encoders/encoder.js';

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

/** Complaints of a graphics card's encoder or device; words of decoders and muxers are not taken for theirs. */
const HARDWARE_NAMES = ENCODERS.filter(({ hardware }) => hardware !== null).map(({ name }) => name);
const FROM_HARDWARE = new RegExp(
  [
    // `[hevc_nvenc @ 0x55] [error] text`, in newer versions behind the name of the stream.
    String.raw`^(?:\[[^\]]+\] ?)*?\[(?:enc:)?(?:${HARDWARE_NAMES.join('|')}|AVHW\w+|(?:Parsed_)?hwupload\w*)`,
    String.raw` @ [^\]]+\] ?\[(?:warning|error|fatal|panic)\]`,
    String.raw`|^\[(?:error|fatal)\] Device creation failed`,
  ].join(''),
);

/** What to do about each trouble. */
const ADVICE: Readonly<Record<HardwareTrouble, string>> = {
  'no-driver':
    'There is no NVIDIA driver where ffmpeg runs. Install it; in a container, hand the card in (`--gpus all`, or the NVIDIA runtime).',
  'no-video-capability':
    'The container may use the NVIDIA card but not its encoder. Set NVIDIA_DRIVER_CAPABILITIES=compute,video,utility for it.',
  'old-driver':
    "The NVIDIA driver is too old for this build of ffmpeg. Update the driver, or use a build for older ones, such as BtbN's of ffmpeg 7.1.",
  busy: 'The graphics card is out of memory, or encodes as many films at a time as its driver allows. Try again later, or let this worker run fewer jobs at a time.',
  unsupported:
    'The graphics card cannot encode this film as the preset asks. Choose a preset with another codec or 8 bit, or encode on the processor.',
  'no-device':
    'No graphics card that can encode is to be found where ffmpeg runs. Check its driver; a container needs /dev/dri, or the NVIDIA runtime, and the right to use it.',
  other: 'The encoder of the graphics card failed. Try again, or encode on the processor.',
};

/**
 * What graphics cards say and what it means, the telling before the general: ffmpeg names the lowest driver after any other
 * trouble with it, and a card that lacks a feature is also "no capable device". Last what is said after the line that tells
 * why, and by Quick Sync alone.
 */
const SYMPTOMS: readonly { trouble: HardwareTrouble; patterns: readonly RegExp[] }[] = [
  ...HARDWARE_TROUBLES.map((trouble) => ({
    trouble,
    patterns: HARDWARE_FAMILIES.flatMap(({ symptoms }) => symptoms[trouble] ?? []),
  })),
  { trouble: 'no-device', patterns: [/Device creation failed|hardware device reference is required/] },
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
  for (const { trouble, patterns } of SYMPTOMS) {
    const telling = spoken.filter((line) => patterns.some((pattern) => pattern.test(line)));
    const said = [...new Set(telling.map(withoutPrefix))];
    if (said.length > 0) return { trouble, advice: ADVICE[trouble], words: inShort(said) };
  }
  const own = tellingLines(spoken);
  if (own.length === 0) return null;
  return { trouble: 'other', advice: ADVICE.other, words: inShort(own) };
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
