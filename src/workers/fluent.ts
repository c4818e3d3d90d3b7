import createCommand, { type FfmpegCommand } from 'fluent-ffmpeg';
import { bareEnvironment } from '../ffmpeg/program.js';

type EndCallback = (error: Error | null, stdout?: Lines, stderr?: Lines) => void;
type StartCallback = (...started: unknown[]) => void;
type Spawn = (args: string[], options: object, first: StartCallback | EndCallback, second?: EndCallback) => void;
interface Lines {
  get: () => string;
}

const NO_LINES: Lines = { get: () => '' };
/** How many lines fluent-ffmpeg keeps itself; we keep our own. */
const KEPT_LINES = 100;

/**
 * A fluent-ffmpeg command that runs exactly `args`, which must hold an input and end with the output. fluent-ffmpeg only
 * adds a second `-y`.
 *
 * Two of its habits are changed: children would inherit our whole environment with its secrets, and a program that
 * cannot be started would throw where nobody can catch it.
 */
export function commandOf(ffmpeg: string, args: readonly string[]): FfmpegCommand {
  const at = args.indexOf('-i');
  const [input, output] = [args[at + 1], args.at(-1)];
  if (at < 0 || input === undefined || output === undefined)
    throw new Error('the arguments name no input or no output');
  const command = createCommand({ stdoutLines: KEPT_LINES });
  const internals = command as unknown as { _spawnFfmpeg: Spawn };
  const spawn = internals._spawnFfmpeg.bind(command);
  internals._spawnFfmpeg = (list, options, first, second) => {
    const onEnd: EndCallback = second ?? first;
    const onStart = (second ? first : () => undefined) as StartCallback;
    const guards = { env: bareEnvironment(ffmpeg), stdio: ['ignore', 'pipe', 'pipe'] };
    spawn(list, { ...options, ...guards }, onStart, (error, stdout = NO_LINES, stderr = NO_LINES) => {
      onEnd(error, stdout, stderr);
    });
  };
  // Lists of one are split at spaces by fluent-ffmpeg, longer ones never are: `-nostdin` and `-nostats` make sure.
  return command
    .setFfmpegPath(ffmpeg)
    .input(input)
    .inputOptions('-nostdin', '-nostats', ...args.slice(0, at))
    .outputOptions('-nostdin', '-nostats', ...args.slice(at + 2, -1))
    .output(output);
}
