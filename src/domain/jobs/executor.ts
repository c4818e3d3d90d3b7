import type { ProvisionStep } from '../workers/provision.js';
import type { SampleFile, SeenTwice } from '../workers/shared-folders.js';
import type {
  Capabilities,
  EncoderSpeed,
  EncoderSupport,
  Line,
  TransferMode,
  WorkerMetrics,
  WorkerPath,
} from '../workers/worker.js';

/** A part of an argument list: text, or a file whose place the executor knows. */
export type Arg = string | { file: 'input' | 'output' } | { scratch: string };

/** One run of ffmpeg. All but the last only prepare (cover art), the last writes the output. */
export interface EncodeStep {
  /** Everything after the program's name. Files stand in as values, so that a remote machine can put its own paths. */
  args: readonly Arg[];
  /** For progress and log: `extract cover art`, `encode`. */
  purpose: string;
}

export interface EncodeTask {
  jobId: string;
  /**
   * Names this very work: the same source, the same steps. What an earlier run of the program left under it on another machine
   * is taken up again; what lies there under another key is no longer wanted. Letters and digits.
   */
  workKey: string;
  /** How the files get to a worker; null on this machine. */
  mode: TransferMode | null;
  /** Absolute paths on this machine. */
  input: string;
  output: string;
  /** Existing folder for what the steps leave between each other; emptied by the caller. */
  scratchDir: string;
  /** Where every line that ffmpeg writes is kept. */
  logPath: string;
  steps: readonly EncodeStep[];
  /** Duration of the source, for percent and time left. */
  durationSec: number;
}

export interface Progress {
  /** What the worker does; an encode where it is not said. */
  stage?: 'fetch' | 'upload' | 'encode' | 'download';
  percent: number;
  fps: number | null;
  /** Times real time. */
  speed: number | null;
  etaSec: number | null;
  /** Bytes written so far. */
  outputBytes: number | null;
}

export type WorkerHealth =
  { ok: true; ffmpegVersion: string; encoders: readonly EncoderSupport[] } | { ok: false; reason: string };

/** Runs encodes somewhere: here, on a machine reached over SSH, on one rented for the purpose. */
export interface Executor {
  /** Real test encodes; the answer may be cached per ffmpeg version. */
  check(signal: AbortSignal): Promise<WorkerHealth>;
  /** How quick each of these encoders is that works, by some seconds of encoding with each. Throws like `encode`. */
  measureSpeeds(encoders: readonly EncoderSupport[], signal: AbortSignal): Promise<EncoderSpeed[]>;
  /**
   * Resolves when `task.output` is complete here and was compared with what the worker wrote. Throws `encode_failed`,
   * `hardware_failed`, `no_space`, `encoder_missing`, `worker_unreachable` and other trouble of the worker, or the signal's reason.
   * An encode on another machine runs on when the reason is `interrupted`, so that it can be taken up again.
   */
  encode(task: EncodeTask, report: (progress: Progress) => void, signal: AbortSignal): Promise<void>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/** What a search for files of this machine found on another one. */
export interface SharedSearch {
  seen: SeenTwice[];
  /** Files of the same name and size that hold other bytes. */
  lookAlikes: number;
  isComplete: boolean;
}

/** An executor on another machine, which can be asked about that machine as well. */
export interface RemoteExecutor extends Executor {
  /** What the machine has to do right now, in one short question: also the proof that it is there. Throws `worker_unreachable` and other trouble of the worker. */
  measure(signal: AbortSignal): Promise<WorkerMetrics>;
  /** What the machine is and can do, with real test encodes, but not how quick it is. `at` is now. Throws like `measure`. */
  probe(signal: AbortSignal): Promise<Capabilities>;
  /**
   * Puts an ffmpeg that works for films on the machine and says of each step what it does; drivers and kernels are never touched.
   * Resolves like `probe`. Throws like `measure`; of what failed for good, the message says what to do by hand.
   */
  provision(report: (step: ProvisionStep) => void, signal: AbortSignal): Promise<Capabilities>;
  /** How fast files get there and back. Throws like `measure`. */
  measureLine(signal: AbortSignal): Promise<Line>;
  /** Whether both machines see the same folder and may write in it: null, or what is wrong, for the owner. Throws like `measure`. */
  verifyPath(path: Pick<WorkerPath, 'here' | 'there'>, signal: AbortSignal): Promise<string | null>;
  /** Where the machine sees these files of this one, told by their content; looks for a minute at most. Throws like `measure`. */
  findShared(samples: readonly SampleFile[], signal: AbortSignal): Promise<SharedSearch>;
  /** Ends and removes whatever lies on the machine of us but the work in `keep`. Resolves with what went. */
  sweep(keep: readonly Pick<EncodeTask, 'jobId' | 'workKey'>[], signal: AbortSignal): Promise<string[]>;
  /** The same for one work alone, unless it is being encoded again. Whoever encodes it meanwhile waits until it is gone. */
  forget(work: Pick<EncodeTask, 'jobId' | 'workKey'>, signal: AbortSignal): Promise<void>;
}
