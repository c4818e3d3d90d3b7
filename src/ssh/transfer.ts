import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientChannel } from 'ssh2';
import { AppError, toAppError } from '../domain/errors.js';
import type { Rate } from '../lib/rate.js';
import { endOf, orAborted, type SshConnection } from './connection.js';
import { BLOCK_BYTES, Pieces, type Piece } from './pieces.js';
import { GET, onOneLine, PUT_COMMAND } from './scripts.js';

export interface TransferOptions {
  /** Opens a connection for this transfer alone; closed by it. */
  connect: (signal: AbortSignal) => Promise<SshConnection>;
  /** How many connections carry it side by side. */
  lanes: number;
  /** Null: as fast as it goes. */
  rate: Rate | null;
  /** Parts that are there already, in order. */
  held?: readonly Piece[];
  /** Given up when nothing gets over for this long. Milliseconds. */
  patienceMs: number;
  /** Called with the bytes that are over. */
  onBytes: (doneBytes: number) => void;
  signal: AbortSignal;
}

type Move = (
  connection: SshConnection,
  piece: Piece,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
) => Promise<void>;

/** How much of a file is read at a time. Bytes. */
const CHUNK_BYTES = 256 * 1024;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** What a connection may have under way unanswered (ssh2's window), bytes. */
const WINDOW_BYTES = 2 * 1024 * 1024;
/** What a good line is taken to carry, bytes in a second: a gigabit. */
const GOOD_LINE = 125e6;
const MOST_LANES = 6;

/**
 * How many connections fill a gigabit at this latency: one carries at most its window in a round trip, and stands still for
 * some of them between two pieces.
 */
export const lanesFor = (latencyMs: number): number =>
  Math.min(MOST_LANES, Math.max(1, Math.ceil((2 * GOOD_LINE * (latencyMs / 1000)) / WINDOW_BYTES)));

/**
 * Sends a file to `name` in a folder of the worker, piece by piece, so that a lost connection costs a piece and not the
 * file. What arrived is not yet compared. Throws `worker_unreachable`, `no_space`, `file_changed`, or the signal's reason.
 */
export async function upload(
  path: string,
  sizeBytes: number,
  dir: string,
  options: TransferOptions,
  name = 'in.part',
): Promise<void> {
  const file = await open(path);
  try {
    await moveAll(new Pieces(sizeBytes, options.lanes, options.held), options, (connection, piece, signal, onBytes) =>
      put(connection, { file, dir, name, piece, rate: options.rate, signal, onBytes }),
    );
  } finally {
    await file.close();
  }
}

/**
 * Fetches the file `name` of `sizeBytes` in a folder of the worker into `path`, piece by piece, and syncs it. What arrived is not yet
 * compared. Throws `worker_unreachable`, `no_space`, or the signal's reason.
 */
export async function download(
  { dir, name, sizeBytes }: { dir: string; name: string; sizeBytes: number },
  path: string,
  options: TransferOptions,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    await moveAll(new Pieces(sizeBytes, options.lanes), options, (connection, piece, signal, onBytes) =>
      get(connection, { file, dir, name, piece, rate: options.rate, signal, onBytes }),
    );
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Fetches a part of the file `name` in a folder of the worker into the same place of an open file. `piece` begins at a whole
 * block. Throws `worker_unreachable`, `transfer_failed`, `no_space`, or the signal's reason.
 */
export const fetchPiece: (connection: SshConnection, what: PieceMove & { name: string }) => Promise<void> = get;

/** Several lines work through the pieces; the first that cannot go on ends all. */
async function moveAll(pieces: Pieces, options: TransferOptions, move: Move): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const state = { movedAtMs: performance.now(), underWay: 0 };
  const tell = (bytes: number): void => {
    state.underWay += bytes;
    if (bytes > 0) state.movedAtMs = performance.now();
    options.onBytes(pieces.doneBytes + state.underWay);
  };
  const most = Math.max(1, Math.ceil(pieces.size / (16 * BLOCK_BYTES)));
  const lanes = Array.from({ length: Math.min(options.lanes, most) }, () =>
    runLane(pieces, options, { move, signal, tell, state }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  const ends = await Promise.allSettled(lanes);
  options.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function runLane(
  pieces: Pieces,
  { connect, patienceMs }: TransferOptions,
  lane: { move: Move; signal: AbortSignal; tell: (bytes: number) => void; state: { movedAtMs: number } },
): Promise<void> {
  const { move, signal, tell, state } = lane;
  let connection: SshConnection | null = null;
  let pauseMs = FIRST_PAUSE_MS;
  try {
    for (let piece = pieces.take(); piece; piece = pieces.take()) {
      let moved = 0;
      const startedMs = performance.now();
      try {
        if (!connection?.isOpen) connection = await connect(signal);
        await move(connection, piece, signal, (bytes) => {
          moved += bytes;
          tell(bytes);
        });
        pieces.done(piece, performance.now() - startedMs);
        tell(-moved);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        tell(-moved);
        pieces.giveBack(piece);
        signal.throwIfAborted();
        const known = toAppError(error);
        if (known.code !== 'worker_unreachable' && known.code !== 'transfer_failed') throw known;
        if (performance.now() - state.movedAtMs > patienceMs) throw known;
        await sleep(pauseMs, undefined, { signal }).catch(() => {
          signal.throwIfAborted();
        });
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      }
    }
  } finally {
    connection?.close();
  }
}

export interface PieceMove {
  file: FileHandle;
  dir: string;
  piece: Piece;
  rate: Rate | null;
  signal: AbortSignal;
  onBytes: (bytes: number) => void;
}

async function put(
  connection: SshConnection,
  { file, dir, name, piece, rate, signal, onBytes }: PieceMove & { name: string },
): Promise<void> {
  const channel = await connection.exec(PUT_COMMAND, signal);
  const said = wordsOf(channel);
  const ended = endOf(channel);
  try {
    channel.write(`${onOneLine(dir)}\n${onOneLine(name)}\n${piece.at / BLOCK_BYTES}\n`);
    const isOver = ended.then(() => true);
    for (let sent = 0; sent < piece.length;) {
      // ssh2 keeps what it was given until it is sent: every chunk has a buffer of its own.
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, piece.length - sent));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, piece.at + sent);
      if (bytesRead === 0)
        throw new AppError('file_changed', 'The file became shorter while it was sent to the worker.');
      await rate?.pass(bytesRead, signal);
      const isRoom = channel.write(bytesRead === chunk.length ? chunk : chunk.subarray(0, bytesRead));
      sent += bytesRead;
      onBytes(bytesRead);
      if (isRoom) continue;
      const drained = once(channel, 'drain').then(() => false);
      drained.catch(() => undefined);
      if (await orAborted(Promise.race([drained, isOver]), signal)) break;
    }
    channel.end();
    const code = await orAborted(ended, signal);
    if (code !== 0) throw refusal(said(), connection.host);
  } catch (error) {
    channel.destroy();
    throw error;
  }
}

async function get(
  connection: SshConnection,
  { file, dir, name, piece, rate, signal, onBytes }: PieceMove & { name: string },
): Promise<void> {
  const channel = await connection.script(
    GET,
    [...[dir, name, String(piece.at / BLOCK_BYTES), String(Math.ceil(piece.length / BLOCK_BYTES))]],
    signal,
  );
  const ended = endOf(channel);
  channel.stderr.resume();
  let got = 0;
  try {
    await orAborted(
      (async () => {
        for await (const chunk of channel as AsyncIterable<Buffer>) {
          const wanted = chunk.subarray(0, piece.length - got);
          await file.write(wanted, 0, wanted.length, piece.at + got);
          got += wanted.length;
          onBytes(wanted.length);
          await rate?.pass(wanted.length, signal);
        }
      })(),
      signal,
    );
    const code = await orAborted(ended, signal);
    if (code !== 0 || got !== piece.length) throw refusal('', connection.host);
  } catch (error) {
    channel.destroy();
    signal.throwIfAborted();
    if (error instanceof AppError || (error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    throw refusal('', connection.host);
  }
}

function refusal(said: string, host: string): AppError {
  if (/No space left|quota/i.test(said)) {
    return new AppError('no_space', `The work disk of ${host} became full while the file was sent there.`);
  }
  return new AppError('transfer_failed', `A part of the file did not get over to or from ${host}.`);
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
