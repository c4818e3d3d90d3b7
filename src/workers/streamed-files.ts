import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, toAppError } from '../domain/errors.js';
import type { EncodeTask, Progress } from '../domain/jobs/executor.js';
import { Rate } from '../lib/rate.js';
import { sha256Of } from '../lib/sha256.js';
import { plainExtension } from '../domain/settings/paths.js';
import type { SshConnection } from '../ssh/connection.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { BLOCK_BYTES, type Piece } from '../ssh/pieces.js';
import { hashesOf, sizeOf } from '../ssh/remote-job.js';
import { fetchPiece } from '../ssh/piece-move.js';
import { refuseNarrow } from './copied-files.js';
import type { FileWay } from './file-way.js';
import { SourceServer } from './source-server.js';

export interface StreamedFilesParts {
  line: ReconnectingSsh;
  task: Pick<EncodeTask, 'input' | 'output'>;
  /** The job's folder on the worker. */
  dir: string;
  maxMbps: number | null;
  pollMs: number;
  report: (progress: Progress) => void;
}

/** What is compared, and fetched again where it differs: a Matroska file gets its index and length at the very end. Bytes. */
const PART_BYTES = 128 * BLOCK_BYTES;
/** A part that ffmpeg may still be writing is left alone. Bytes. */
const FRESH_BYTES = 16 * BLOCK_BYTES;
const TRIES = 3;

/**
 * The worker reads the source through a tunnel while it encodes, and what it has written comes back meanwhile: the slowest
 * of the three is all that one waits for, and the worker needs no room for the source. With the connection goes the encode.
 */
export class StreamedFiles implements FileWay {
  readonly #parts: StreamedFilesParts;
  readonly #name: string;
  readonly #broken = new AbortController();
  readonly #server: SourceServer;
  readonly #back: Rate | null;
  #connection: SshConnection | null = null;
  #port = 0;
  #following: { stop: AbortController; done: Promise<number> } | null = null;
  readonly input = '';
  readonly isLasting = false;

  constructor(parts: StreamedFilesParts) {
    const { task, maxMbps } = parts;
    this.#parts = parts;
    this.#name = `out${plainExtension(task.output)}`;
    const rate = (): Rate | null => (maxMbps === null ? null : new Rate((maxMbps * 1e6) / 8));
    this.#back = rate();
    this.#server = new SourceServer(task.input, {
      rate: rate(),
      failed: (error) => {
        this.#broken.abort(new AppError('file_changed', `The source could not be read: ${error.message}`));
      },
    });
  }

  get output(): string {
    return `${this.#parts.dir}/${this.#name}`;
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  get source(): { options: readonly string[]; url: string } {
    // Any user of that machine can reach the port, so the token goes with each request; nothing else than this is opened.
    const options = ['-protocol_whitelist', 'http,tcp', '-headers', this.#server.header];
    return { options, url: `http://127.0.0.1:${this.#port}/source` };
  }

  async bring(freeBytes: number, signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const { size } = await stat(task.input);
    refuseNarrow(line.address.host, freeBytes, size);
    this.#connection = await line.own(signal);
    this.#connection.onLost((error) => {
      this.#broken.abort(error);
    });
    this.#port = await this.#connection.tunnel((channel) => {
      this.#server.take(channel);
    });
    const stop = new AbortController();
    const done = this.#follow(this.#connection, AbortSignal.any([stop.signal, signal, this.#broken.signal]));
    // Such as a disk that is full here: no need to encode to the end.
    done.catch((error: unknown) => {
      this.#broken.abort(error);
    });
    this.#following = { stop, done };
  }

  async fetch(signal: AbortSignal): Promise<void> {
    const { line, dir, task } = this.#parts;
    const connection = this.#connection;
    if (!connection || !this.#following) throw new Error('nothing was transferred');
    this.#following.stop.abort();
    const have = await this.#following.done;
    const sizeBytes = await sizeOf(connection, dir, this.#name, signal);
    if (!sizeBytes)
      throw new AppError('encode_failed', 'ffmpeg ended well but wrote nothing. The log of the job says more.');
    const hashing = hashesOf(connection, { dir, name: this.#name, sizeBytes, partBytes: PART_BYTES }, signal);
    hashing.catch(() => undefined);
    const file = await open(task.output, have > 0 ? 'r+' : 'w');
    try {
      await file.truncate(Math.min(have, sizeBytes));
      const get = (piece: Piece): Promise<void> => this.#get(connection, file, piece, { sizeBytes, signal });
      for (const piece of partsOf(Math.min(have, sizeBytes), sizeBytes)) await get(piece);
      for (const [number, hash] of (await hashing).entries()) {
        const at = number * PART_BYTES;
        const length = Math.min(PART_BYTES, sizeBytes - at);
        for (let tried = 1; ; tried++) {
          if ((await sha256Of(task.output, signal, { start: at, end: at + length - 1 })) === hash) break;
          if (tried >= TRIES) throw damaged(line.address.host);
          await get({ at, length });
        }
      }
    } finally {
      await file.close();
    }
    this.#end();
  }

  async drop(): Promise<void> {
    this.#following?.stop.abort();
    this.#end();
    await this.#following?.done.catch(() => undefined);
  }

  /** Fetches what is written while it is written. Resolves with the bytes that are here once it is told to stop. */
  async #follow(connection: SshConnection, signal: AbortSignal): Promise<number> {
    const { dir, task, pollMs } = this.#parts;
    const file = await open(task.output, 'w');
    let have = 0;
    try {
      while (!signal.aborted) {
        const size = (await sizeOf(connection, dir, this.#name, signal)) ?? 0;
        const whole = Math.floor((size - FRESH_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
        for (const piece of partsOf(have, whole)) {
          await fetchPiece(connection, { ...this.#from(file, piece), signal });
          have = piece.at + piece.length;
        }
        await sleep(pollMs, undefined, { signal });
      }
    } catch (error) {
      // A piece that was under way is fetched again.
      if (!signal.aborted && toAppError(error).code !== 'transfer_failed') throw error;
    } finally {
      await file.close();
    }
    return have;
  }

  async #get(
    connection: SshConnection,
    file: FileHandle,
    piece: Piece,
    { sizeBytes, signal }: { sizeBytes: number; signal: AbortSignal },
  ): Promise<void> {
    await fetchPiece(connection, { ...this.#from(file, piece), signal });
    const doneBytes = piece.at + piece.length;
    const percent = Math.round((doneBytes / sizeBytes) * 1000) / 10;
    this.#parts.report({
      ...{ stage: 'download', percent, outputBytes: doneBytes, etaSec: null, fps: null, speed: null },
    });
  }

  #from(file: FileHandle, piece: Piece) {
    const { dir } = this.#parts;
    return { file, dir, name: this.#name, piece, rate: this.#back, onBytes: () => undefined };
  }

  #end(): void {
    this.#server.close();
    this.#connection?.close();
  }
}

/** From one place to another, in pieces that end where the parts that are compared end. */
function* partsOf(from: number, to: number): Generator<Piece> {
  for (let at = from; at < to;) {
    const end = Math.min(to, (Math.floor(at / PART_BYTES) + 1) * PART_BYTES);
    yield { at, length: end - at };
    at = end;
  }
}

const damaged = (host: string): AppError =>
  new AppError(
    'transfer_failed',
    `The file was damaged while it was downloaded (${host}), again and again. Its disk, memory or network may be bad.`,
  );
