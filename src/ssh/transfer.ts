import { setMaxListeners } from 'node:events';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../domain/errors.js';
import { Gate } from '../lib/gate.js';
import type { Rate } from '../lib/rate.js';
import type { SshConnection } from './connection.js';
import { fetchPiece, sendPiece, type PieceMove } from './piece-move.js';
import { BLOCK_BYTES, Pieces, type Piece } from './pieces.js';

export interface TransferOptions {
  /** A connection for this transfer alone. */
  connect: (signal: AbortSignal) => Promise<SshConnection>;
  /** Takes back a connection with which all went well; without it, that is closed as well. */
  giveBack?: (connection: SshConnection) => void;
  /** How many connections transfer it side by side. */
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

/** Moves one piece; several wait for the gate on one connection. */
type Move = (
  lane: { connection: SshConnection; gate: Gate },
  what: Pick<PieceMove, 'piece' | 'signal' | 'onBytes'>,
) => Promise<void>;

/** So many pieces are under way on a connection: while one comes to its end, the connection transfers the next. */
const AT_ONCE = 2;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** What a connection may have under way unanswered (ssh2's window), bytes. */
const WINDOW_BYTES = 2 * 1024 * 1024;
/** What a good line is taken to transfer, bytes in a second: a gigabit. */
const GOOD_LINE = 125e6;
const MOST_LANES = 6;

/**
 * How many connections fill a gigabit at this latency: one transfers at most its window in a round trip, and stands still for
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
    const pieces = new Pieces(sizeBytes, options.lanes, options.held);
    await moveAll(pieces, options, ({ connection, gate }, what) =>
      sendPiece(connection, { ...what, file, dir, name, rate: options.rate }, gate),
    );
  } finally {
    await file.close();
  }
}

/**
 * Fetches the file `name` of `sizeBytes` in a folder of the worker into `path`, piece by piece. What arrived is not yet
 * compared, and not synced. Throws `worker_unreachable`, `no_space`, or the signal's reason.
 */
export async function download(
  { dir, name, sizeBytes }: { dir: string; name: string; sizeBytes: number },
  path: string,
  options: TransferOptions,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    await moveAll(new Pieces(sizeBytes, options.lanes), options, ({ connection }, what) =>
      fetchPiece(connection, { ...what, file, dir, name, rate: options.rate }),
    );
  } finally {
    await file.close();
  }
}

/** Several lines work through the pieces; the first that cannot go on ends all. */
async function moveAll(pieces: Pieces, options: TransferOptions, move: Move): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  // Every piece listens to it, more than once.
  setMaxListeners(0, signal);
  const state = { movedAtMs: performance.now(), underWay: 0 };
  const tell = (bytes: number): void => {
    state.underWay += bytes;
    if (bytes > 0) state.movedAtMs = performance.now();
    options.onBytes(pieces.doneBytes + state.underWay);
  };
  const most = Math.max(1, Math.ceil(pieces.size / (16 * BLOCK_BYTES)));
  const lanes = Array.from({ length: Math.min(options.lanes, most) }, () => new Lane(options.connect, signal));
  const ends = await Promise.allSettled(
    lanes.flatMap((lane) =>
      Array.from({ length: AT_ONCE }, () =>
        runLane(pieces, options, { lane, move, signal, tell, state }).catch((error: unknown) => {
          failed.abort(error);
          throw error;
        }),
      ),
    ),
  );
  const isOver = ends.every(({ status }) => status === 'fulfilled') && !signal.aborted;
  for (const lane of lanes) lane.close(isOver ? options.giveBack : undefined);
  options.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** A connection that pieces share, opened anew when it was lost. */
class Lane {
  readonly #connect: TransferOptions['connect'];
  readonly #signal: AbortSignal;
  #opening: Promise<SshConnection> | null = null;
  #connection: SshConnection | null = null;
  /** For those that send: one after the other. */
  readonly gate = new Gate(1);

  constructor(connect: TransferOptions['connect'], signal: AbortSignal) {
    this.#connect = connect;
    this.#signal = signal;
  }

  /** Throws `worker_unreachable` and the like, or the signal's reason. */
  async connection(): Promise<SshConnection> {
    if (this.#connection?.isOpen) return this.#connection;
    this.#opening ??= this.#connect(this.#signal).finally(() => {
      this.#opening = null;
    });
    return (this.#connection = await this.#opening);
  }

  close(giveBack?: (connection: SshConnection) => void): void {
    if (giveBack && this.#connection) giveBack(this.#connection);
    else this.#connection?.close();
  }
}

async function runLane(
  pieces: Pieces,
  { patienceMs }: TransferOptions,
  way: { lane: Lane; move: Move; signal: AbortSignal; tell: (bytes: number) => void; state: { movedAtMs: number } },
): Promise<void> {
  const { lane, move, signal, tell, state } = way;
  let pauseMs = FIRST_PAUSE_MS;
  for (let piece = pieces.take(); piece; piece = pieces.take()) {
    let moved = 0;
    const onBytes = (bytes: number): void => {
      moved += bytes;
      tell(bytes);
    };
    try {
      const connection = await lane.connection();
      const startedMs = performance.now();
      await move({ connection, gate: lane.gate }, { piece, signal, onBytes });
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
}
