import type { FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ClientChannel } from 'ssh2';
import { AppError } from '../domain/errors.js';
import type { Gate } from '../lib/gate.js';
import type { Rate } from '../lib/rate.js';
import { endOf, orAborted, type SshConnection } from './connection.js';
import { BLOCK_BYTES, type Piece } from './pieces.js';
import { GET, onOneLine, PUT_COMMAND } from './scripts.js';

/** A part of the file `name` in a folder of the worker, and the same part of an open file here. It begins at a whole block. */
export interface PieceMove {
  file: FileHandle;
  dir: string;
  name: string;
  piece: Piece;
  rate: Rate | null;
  signal: AbortSignal;
  onBytes: (bytes: number) => void;
}

/** How much of a file is read at a time. Bytes. */
const CHUNK_BYTES = 256 * 1024;
/** So many chunks wait for room on the line, so that there is always one when there is room. */
const AHEAD_CHUNKS = 6;
/** What came and is not written yet; more is not taken from the line. Bytes. */
const UNWRITTEN_BYTES = 2 * 1024 * 1024;

/**
 * Sends a part. Several may be made ready on one connection; the gate lets one through at a time. Throws
 * `worker_unreachable`, `transfer_failed`, `no_space`, `file_changed`, or the signal's reason.
 */
export async function sendPiece(connection: SshConnection, move: PieceMove, gate: Gate): Promise<void> {
  const { dir, name, piece, signal } = move;
  const channel = await connection.exec(PUT_COMMAND, signal);
  const said = wordsOf(channel);
  const ended = endOf(channel);
  try {
    channel.write(`${onOneLine(dir)}\n${onOneLine(name)}\n${piece.at / BLOCK_BYTES}\n`);
    await gate.run(() => send(channel, move, ended), signal);
    channel.end();
    const code = await orAborted(ended, signal);
    if (code !== 0) throw refusal(said(), connection.host);
  } catch (error) {
    channel.destroy();
    throw error;
  }
}

async function send(
  channel: ClientChannel,
  { file, piece, rate, signal, onBytes }: PieceMove,
  ended: Promise<unknown>,
): Promise<void> {
  const isOver = ended.then(() => true);
  // Used again and again: what is thrown away would have to be collected, which costs more than the encryption.
  const free: Buffer[] = [];
  let unsent = 0;
  let wake = (): void => undefined;
  for (let sent = 0; sent < piece.length;) {
    const chunk = free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const wanted = Math.min(CHUNK_BYTES, piece.length - sent);
    const { bytesRead } = await file.read(chunk, 0, wanted, piece.at + sent);
    if (bytesRead === 0) throw new AppError('file_changed', 'The file became shorter while it was sent to the worker.');
    await rate?.pass(bytesRead, signal);
    unsent++;
    // ssh2 has copied what it was given when it calls back.
    channel.write(chunk.subarray(0, bytesRead), () => {
      free.push(chunk);
      unsent--;
      wake();
    });
    sent += bytesRead;
    onBytes(bytesRead);
    if (unsent < AHEAD_CHUNKS) continue;
    const isRoom = new Promise<false>((resolve) => {
      wake = () => {
        resolve(false);
      };
    });
    if (await orAborted(Promise.race([isRoom, isOver]), signal)) return;
  }
}

/** Fetches a part. Throws `worker_unreachable`, `transfer_failed`, `no_space`, or the signal's reason. */
export async function fetchPiece(connection: SshConnection, move: PieceMove): Promise<void> {
  const { dir, name, piece, signal } = move;
  const blocks = Math.ceil(piece.length / BLOCK_BYTES);
  const channel = await connection.script(GET, [dir, name, String(piece.at / BLOCK_BYTES), String(blocks)], signal);
  const ended = endOf(channel);
  channel.stderr.resume();
  const sink = new PieceSink(move);
  sink.on('error', () => undefined);
  try {
    channel.pipe(sink);
    await orAborted(finished(sink), signal);
    const code = await orAborted(ended, signal);
    if (code !== 0 || sink.gotBytes !== piece.length) throw refusal('', connection.host);
  } catch (error) {
    // The file may be closed from here on; what still comes is read and forgotten.
    channel.unpipe(sink);
    sink.destroy();
    channel.resume();
    channel.destroy();
    signal.throwIfAborted();
    if (error instanceof AppError || (error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    throw refusal('', connection.host);
  }
}

/** Writes what comes to its place; whatever came during one write goes out with the next. */
class PieceSink extends Writable {
  readonly #move: PieceMove;
  gotBytes = 0;

  constructor(move: PieceMove) {
    super({ highWaterMark: UNWRITTEN_BYTES, decodeStrings: false });
    this.#move = move;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#place(chunks.map(({ chunk }) => chunk)).then(() => {
      done();
    }, done);
  }

  async #place(parts: Buffer[]): Promise<void> {
    const { file, piece, rate, signal, onBytes } = this.#move;
    const at = piece.at + this.gotBytes;
    // The last block of a file may be followed by more when the file grew meanwhile.
    const wanted = upTo(parts, piece.length - this.gotBytes);
    const bytes = wanted.reduce((sum, { length }) => sum + length, 0);
    if (bytes === 0) return;
    const { bytesWritten } = await file.writev(wanted, at);
    this.gotBytes += bytesWritten;
    onBytes(bytesWritten);
    await rate?.pass(bytesWritten, signal);
    // A disk that is nearly full takes a part and says so only when it is given the rest.
    if (bytesWritten < bytes) await this.#place([Buffer.concat(wanted).subarray(bytesWritten)]);
  }
}

/** The first so many bytes of the parts. */
function upTo(parts: readonly Buffer[], bytes: number): Buffer[] {
  const kept: Buffer[] = [];
  let left = bytes;
  for (const part of parts) {
    if (left <= 0) break;
    kept.push(part.subarray(0, left));
    left -= part.length;
  }
  return kept;
}

function refusal(said: string, host: string): AppError {
  if (/No space left|quota/i.test(said)) {
    return new AppError('no_space', `The work disk of ${host} became full while the file was sent there.`);
  }
  return new AppError('transfer_failed', `A part of the file could not be transferred to or from ${host}.`);
}

/** What a command says, as far as it is short. */
function wordsOf(channel: ClientChannel): () => string {
  let text = '';
  const add = (part: Buffer): void => {
    if (text.length < 2000) text += part.toString('utf8');
  };
  channel.on('data', add);
  channel.stderr.on('data', add);
  return () => text;
}
