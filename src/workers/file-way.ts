/** How the files of one encode come to a worker and back. */
export interface FileWay {
  /** Where ffmpeg finds the source on the worker, and where it writes. Absolute paths there. */
  readonly input: string;
  readonly output: string;
  /** Whether what was begun can be taken up by a later run of the program. */
  readonly isLasting: boolean;
  /** Where ffmpeg reads the source from when it is no file on the worker, and what it has to know of it. Known once it was brought. */
  readonly source?: { options: readonly string[]; url: string };
  /** Aborted when the way is gone, and the encode with it; with the error as its reason. */
  readonly broken?: AbortSignal;
  /** Resolves when the source is where ffmpeg will look for it, and is the right one. `freeBytes`: room in the work folder there. */
  bring(freeBytes: number, signal: AbortSignal): Promise<void>;
  /** Resolves when the result is here and was compared with what the worker wrote. */
  fetch(signal: AbortSignal): Promise<void>;
  /** Takes away what lies outside the job's folder on the worker. */
  drop(): Promise<void>;
}
