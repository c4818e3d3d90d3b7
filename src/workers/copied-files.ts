import { stat } from 'node:fs/promises';
import { AppError } from '../domain/errors.js';
import type { EncodeTask, Progress } from '../domain/jobs/executor.js';
import { plainExtension } from '../domain/settings/paths.js';
import { sha256Of } from '../lib/sha256.js';
import { formatBytes } from '../lib/units.js';
import type { FileTransferRequest, ReconnectingSsh } from '../ssh/reconnecting.js';
import { BLOCK_BYTES, type Piece } from '../ssh/pieces.js';
import { hashesOf, hashOf, sizeOf } from '../ssh/remote-job.js';
import { ACCEPT } from '../ssh/scripts.js';
import type { FileWay } from './file-way.js';

export interface CopiedFilesParts {
  line: ReconnectingSsh;
  task: Pick<EncodeTask, 'input' | 'output'>;
  /** The job's folder on the worker. */
  dir: string;
  maxMbps: number | null;
  report: (progress: Progress) => void;
}

/** Never promised to anybody: a disk without room makes more trouble than the job that filled it. Bytes. */
const MARGIN_BYTES = 256 * 1024 * 1024;
/** What may go wrong on the way is tried once more from the start of the way. */
const TRIES = 2;
/** What is being sent, until it is compared as a whole. */
const PARTIAL = 'in.part';
/** What is compared when an earlier run had sent some of it. Bytes, whole blocks. */
const PART_BYTES = 64 * BLOCK_BYTES;
/** Hashing a large film on a slow disk. Milliseconds. */
const HASH_MS = 3_600_000;

/** The source is sent to the worker and the result fetched, each compared by its hash. */
export class CopiedFiles implements FileWay {
  readonly #parts: CopiedFilesParts;
  readonly #dir: string;
  readonly #input: string;
  readonly #output: string;
  readonly isLasting = true;

  constructor(parts: CopiedFilesParts) {
    this.#parts = parts;
    this.#dir = parts.dir;
    this.#input = `in${plainExtension(parts.task.input)}`;
    this.#output = `out${plainExtension(parts.task.output)}`;
  }

  get input(): string {
    return `${this.#dir}/${this.#input}`;
  }

  get output(): string {
    return `${this.#dir}/${this.#output}`;
  }

  async bring(freeBytes: number, signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const { size } = await stat(task.input);
    // It has that name only when its hash was right, in an earlier run of this program.
    const known = await line.persist((connection) => sizeOf(connection, this.#dir, this.#input, signal), signal);
    if (known === size) return;
    // Room for the source, and for a result that should be smaller.
    refuseNarrow(line.address.host, freeBytes, 2 * size);
    const hashing = sha256Of(task.input, signal);
    hashing.catch(() => undefined);
    const held = await this.#heldOf(size, signal);
    const file = { path: task.input, name: PARTIAL, sizeBytes: size };
    for (let tried = 1; ; tried++) {
      await this.#transferFile({ kind: 'upload', ...file, ...(tried === 1 ? { held } : {}) }, signal);
      const hash = await hashing;
      if (await this.#isAccepted(hash, size, signal)) return;
      if (tried >= TRIES) throw notTheSame(line.address.host, 'while it was uploaded');
    }
  }

  async fetch(signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const dir = this.#dir;
    const sizeBytes = await line.persist((connection) => sizeOf(connection, dir, this.#output, signal), signal);
    if (!sizeBytes)
      throw new AppError('encode_failed', 'ffmpeg ended well but wrote nothing. The log of the job says more.');
    const hashing = line.persist((connection) => hashOf(connection, dir, this.#output, signal), signal);
    hashing.catch(() => undefined);
    for (let tried = 1; ; tried++) {
      await this.#transferFile({ kind: 'download', path: task.output, name: this.#output, sizeBytes }, signal);
      if ((await sha256Of(task.output, signal)) === (await hashing)) return;
      if (tried >= TRIES) throw notTheSame(line.address.host, 'while it was downloaded');
    }
  }

  /** All of it lies in the job's folder. */
  drop(): Promise<void> {
    return Promise.resolve();
  }

  /** What an earlier run of this program had sent when it ended: parts whose hash is the same on both sides. */
  async #heldOf(size: number, signal: AbortSignal): Promise<Piece[]> {
    const { line, task } = this.#parts;
    const [dir, name, partBytes] = [this.#dir, PARTIAL, PART_BYTES];
    const there = await line.persist((connection) => sizeOf(connection, dir, name, signal), signal);
    if (!there) return [];
    const sizeBytes = Math.min(there, size);
    const what = { dir, name, sizeBytes, partBytes };
    const hashes = await line.persist((connection) => hashesOf(connection, what, signal), signal);
    const held: Piece[] = [];
    for (const [number, hash] of hashes.entries()) {
      const at = number * PART_BYTES;
      const length = Math.min(PART_BYTES, size - at);
      if ((await sha256Of(task.input, signal, { start: at, end: at + length - 1 })) === hash) held.push({ at, length });
    }
    return held;
  }

  /** The worker compares what came and gives it its name. An answer that got lost is asked for again. */
  async #isAccepted(hash: string, size: number, signal: AbortSignal): Promise<boolean> {
    return this.#parts.line.persist(async (connection) => {
      const args = [this.#dir, PARTIAL, this.#input, hash];
      const ran = await connection.run(ACCEPT, args, { signal, timeoutMs: HASH_MS });
      return ran.ok && (await sizeOf(connection, this.#dir, this.#input, signal)) === size;
    }, signal);
  }

  async #transferFile(file: Omit<FileTransferRequest, 'dir'>, signal: AbortSignal): Promise<void> {
    const { line, maxMbps, report } = this.#parts;
    const { kind: stage, sizeBytes } = file;
    let toldAtMs = 0;
    const startedMs = performance.now();
    const onBytes = (doneBytes: number): void => {
      const now = performance.now();
      if (now - toldAtMs < 500 && doneBytes < sizeBytes) return;
      toldAtMs = now;
      const perMs = doneBytes / Math.max(1, now - startedMs);
      report({
        stage,
        percent: Math.round((doneBytes / Math.max(1, sizeBytes)) * 1000) / 10,
        etaSec: perMs > 0 ? Math.round((sizeBytes - doneBytes) / perMs / 1000) : null,
        ...{ fps: null, speed: null, outputBytes: doneBytes },
      });
    };
    await line.transferFile({ ...file, dir: this.#dir }, { maxMbps, onBytes, signal });
  }
}

/** Throws `no_space` where a work folder has no room for so many bytes and a margin. */
export function refuseNarrow(host: string, freeBytes: number, bytes: number): void {
  const needed = bytes + MARGIN_BYTES;
  if (freeBytes >= needed) return;
  throw new AppError(
    'no_space',
    `${host} has ${formatBytes(freeBytes)} free in its work folder; this file needs ${formatBytes(needed)} there. Free some space, or choose another work folder on this worker's page.`,
  );
}

const notTheSame = (host: string, where: string): AppError =>
  new AppError(
    'transfer_failed',
    `The file was damaged ${where} (${host}), twice. Its disk, memory or network may be bad.`,
  );
