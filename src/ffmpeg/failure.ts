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

/**
 * Turns what ffmpeg said before it failed into an error for the owner: `no_space`, `encoder_missing` or `encode_failed`.
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
    const message = `${ended}. Nobody here did that; the machine may have run out of memory.`;
    return new AppError('encode_failed', message, { cause });
  }
  const reason = words.length > 0 ? words.join('; ') : (lines.at(-1) ?? ended);
  return new AppError('encode_failed', `ffmpeg could not ${purpose}: ${reason}`.slice(0, MAX_CHARACTERS), { cause });
}

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
