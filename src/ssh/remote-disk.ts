import { stat } from 'node:fs/promises';
import type { CopyOptions, FileStats, RemoteDisk } from '../domain/settings/disk.js';
import { AppError, toAppError } from '../domain/errors.js';
import { sha256Of } from '../lib/sha256.js';
import type { SshAddress } from './connect.js';
import { endOf, orAborted, type Ran, type SshConnection } from './connection.js';
import * as scripts from './disk-scripts.js';
import { ReconnectingSsh, type TransferFile, type FileTransferRequest } from './reconnecting.js';
import { BLOCK_BYTES } from './pieces.js';
import { GET } from './scripts.js';
import { asTouch, readStats } from './stat-answer.js';
import { systemError } from './system-error.js';

export interface SshDiskOptions {
  address: SshAddress;
  /** What the owner calls the machine. */
  name: string;
  /** Each way; null: as fast as it goes. */
  maxMbps: number | null;
  /** How long a machine that does not answer is asked again. Milliseconds. */
  patienceMs?: number;
  /** Who transfers files; by itself, this process does. */
  transferFile?: TransferFile;
}

const PATIENCE_MS = 60_000;
/** A machine that did not answer for so long is not asked again before a sixth of that is over. */
const DOWN_PART = 6;
/** Hashing or copying a large film on a slow disk. Milliseconds. */
const LONG_MS = 3_600_000;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * The disk of a machine that is reached over SSH. What only looks is asked again when the connection is lost meanwhile; what
 * changes something is looked at first, for it may have been done.
 */
export class SshDisk implements RemoteDisk {
  readonly #line: ReconnectingSsh;
  readonly #name: string;
  readonly #maxMbps: number | null;
  #down: { error: AppError; untilMs: number } | null = null;

  constructor({ address, name, maxMbps, patienceMs = PATIENCE_MS, transferFile }: SshDiskOptions) {
    this.#line = new ReconnectingSsh(address, patienceMs, transferFile);
    this.#name = name;
    this.#maxMbps = maxMbps;
  }

  lstat(path: string): Promise<FileStats> {
    return this.#look('', path);
  }

  stat(path: string): Promise<FileStats> {
    return this.#look('follow', path);
  }

  async #look(how: 'follow' | '', path: string): Promise<FileStats> {
    return readStats(await this.#ask(scripts.STAT, [how, path]));
  }

  async readdir(folder: string): Promise<string[]> {
    return (await this.#ask(scripts.NAMES, [folder])).split('\0').slice(0, -1);
  }

  async realpath(folder: string): Promise<string> {
    return (await this.#ask(scripts.REAL, [folder])).slice(0, -1);
  }

  async access(folder: string): Promise<void> {
    await this.#ask(scripts.ACCESS, [folder]);
  }

  async freeBytes(folder: string): Promise<number> {
    return Number(await this.#ask(scripts.ROOM, [folder])) * 1024;
  }

  async sha256(path: string, signal?: AbortSignal): Promise<string> {
    return hashIn(await this.#ask(scripts.HASH, [path], { signal, timeoutMs: LONG_MS }));
  }

  async link(from: string, to: string): Promise<void> {
    await this.#change(scripts.LINK, [from, to], async () => {
      const [one, other] = await Promise.all([this.lstat(from), this.lstat(to)]);
      return isSame(one, other);
    });
  }

  async rename(from: string, to: string): Promise<void> {
    const before = await this.lstat(from);
    await this.#change(scripts.RENAME, [from, to], async () => isSame(before, await this.lstat(to)));
  }

  async unlink(path: string): Promise<void> {
    await this.#change(scripts.UNLINK, [path], () => this.#isGone(path));
  }

  async mkdir(folder: string): Promise<void> {
    await this.#change(scripts.MKDIR, [folder], async () => (await this.lstat(folder)).kind === 'folder');
  }

  async mkdirs(folder: string): Promise<string | undefined> {
    const first = await this.#change(scripts.MKDIRS, [folder], () => Promise.resolve(false));
    return first === '' ? undefined : first;
  }

  async rmdir(folder: string): Promise<void> {
    await this.#change(scripts.RMDIR, [folder], () => this.#isGone(folder));
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#ask(scripts.CHMOD, [path, mode.toString(8)]);
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    await this.#ask(scripts.CHOWN, [path, `${uid}:${gid}`]);
  }

  async utimes(path: string, atimeSec: number, mtimeSec: number): Promise<void> {
    const [atime, mtime] = [atimeSec, mtimeSec].map((seconds) => seconds.toFixed(9)) as [string, string];
    await this.#ask(scripts.UTIMES, [path, atime, mtime, asTouch(atimeSec), asTouch(mtimeSec)]);
  }

  async writeNew(path: string, text: string): Promise<void> {
    const bytes = Buffer.byteLength(text);
    await this.#change(scripts.WRITE_NEW, [path, text], async () => (await this.lstat(path)).sizeBytes === bytes);
  }

  async sync(path: string): Promise<void> {
    await this.#ask(scripts.SYNC, [path], { timeoutMs: LONG_MS });
  }

  async copy(from: string, to: string, signal?: AbortSignal): Promise<string> {
    let again = '';
    const copied = await this.#run((connection) => {
      const ran = connection.run(scripts.COPY, [from, to, again], {
        ...(signal ? { signal } : {}),
        timeoutMs: LONG_MS,
      });
      again = 'again';
      return ran;
    }, signal);
    return hashIn(copied);
  }

  async fetch(path: string, here: string, { signal, onBytes }: CopyOptions = {}): Promise<string> {
    const { sizeBytes } = await this.lstat(path);
    const hashing = this.sha256(path, signal);
    hashing.catch(() => undefined);
    await this.#transferFile({ kind: 'download', path: here, ...split(path), sizeBytes }, { signal, onBytes });
    return hashing;
  }

  async fetchPart(path: string, { at, length }: { at: number; length: number }, signal?: AbortSignal): Promise<Buffer> {
    const { dir, name } = split(path);
    const first = Math.floor(at / BLOCK_BYTES);
    const skipped = at - first * BLOCK_BYTES;
    const args = [dir, name, String(first), String(Math.ceil((skipped + length) / BLOCK_BYTES))];
    const stop = signal ?? new AbortController().signal;
    return this.#named(() =>
      this.#line.persist(async (connection) => {
        const channel = await connection.script(GET, args, stop);
        channel.stderr.resume();
        const ended = endOf(channel);
        const parts: Buffer[] = [];
        channel.on('data', (part: Buffer) => parts.push(part));
        const code = await orAborted(ended, stop).catch((error: unknown) => {
          channel.destroy();
          throw error;
        });
        if (code === null) throw new AppError('worker_unreachable', `The connection to ${connection.host} was lost.`);
        return Buffer.concat(parts).subarray(skipped, skipped + length);
      }, stop),
    );
  }

  async send(here: string, path: string, { signal, onBytes }: CopyOptions = {}): Promise<string> {
    if (!(await this.#isGone(path))) throw systemError('File exists');
    const [{ size }, hash] = await Promise.all([stat(here), sha256Of(here, signal)]);
    await this.#transferFile({ kind: 'upload', path: here, ...split(path), sizeBytes: size }, { signal, onBytes });
    return hash;
  }

  close(): void {
    this.#line.close();
  }

  async #transferFile(
    file: FileTransferRequest,
    { signal, onBytes }: { [key in keyof CopyOptions]: CopyOptions[key] | undefined },
  ): Promise<void> {
    const watch = { signal: signal ?? new AbortController().signal, onBytes: onBytes ?? ((): void => undefined) };
    await this.#named(() => this.#line.transferFile(file, { maxMbps: this.#maxMbps, ...watch }));
  }

  async #isGone(path: string): Promise<boolean> {
    return this.lstat(path).then(
      () => false,
      (error: unknown) => {
        if ((error as { code?: unknown }).code === 'ENOENT') return true;
        throw error;
      },
    );
  }

  /** What only looks, or does no harm when it is done twice. */
  #ask(
    script: string,
    args: readonly string[],
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
  ): Promise<string> {
    const options = { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return this.#run((connection) => connection.run(script, args, options), signal);
  }

  /** What must not be done twice: after a lost connection it is first asked whether it was done. */
  #change(script: string, args: readonly string[], isDone: () => Promise<boolean>): Promise<string> {
    let isAgain = false;
    const wasDone = (): Promise<boolean> => isDone().catch(() => false);
    return this.#run(async (connection) => {
      const done = { ok: true, stdout: '', stderr: '' };
      if (isAgain && (await wasDone())) return done;
      const ran = await connection.run(script, args).catch((error: unknown) => {
        isAgain = true;
        throw error;
      });
      // The first try may have been late, and not lost.
      return !ran.ok && isAgain && (await wasDone()) ? done : ran;
    });
  }

  async #run(task: (connection: SshConnection) => Promise<Ran>, signal?: AbortSignal): Promise<string> {
    const ran = await this.#named(() => this.#line.persist(task, signal ?? new AbortController().signal));
    if (!ran.ok) throw systemError(ran.stderr);
    return ran.stdout;
  }

  /** A machine that cannot be reached is named as the owner knows it, and as what it is: where files lie. */
  async #named<T>(task: () => Promise<T>): Promise<T> {
    // Whoever looks at a whole library shall not wait for each of its files.
    if (this.#down && performance.now() < this.#down.untilMs) throw this.#down.error;
    try {
      return await task();
    } catch (error) {
      const { code, message } = toAppError(error);
      if (!code.startsWith('worker_') && code !== 'transfer_failed') throw error;
      const text = `${this.#name}, where the files are stored, cannot be used right now. ${message}`;
      const down = new AppError('storage_unreachable', text, { cause: error });
      if (code === 'worker_unreachable')
        this.#down = { error: down, untilMs: performance.now() + this.#line.patienceMs / DOWN_PART };
      throw down;
    }
  }
}

const isSame = (one: FileStats, other: FileStats): boolean => one.dev === other.dev && one.ino === other.ino;

function split(path: string): { dir: string; name: string } {
  const at = path.lastIndexOf('/');
  return { dir: path.slice(0, at) || '/', name: path.slice(at + 1) };
}

function hashIn(said: string): string {
  const hash = said.trim();
  if (!SHA256.test(hash)) throw systemError('no program to make checksums (sha256sum, shasum or openssl)');
  return hash;
}
