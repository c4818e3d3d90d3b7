/** A part of a file: `length` bytes from `at` on. */
export interface Piece {
  at: number;
  length: number;
}

/** The unit in which both sides count, bytes. */
export const BLOCK_BYTES = 65_536;
/** The first pieces of a line nobody knows; small enough that a slow or bad line gets one over. Bytes. */
const FIRST_BYTES = 16 * BLOCK_BYTES;
const LARGEST_BYTES = 8192 * BLOCK_BYTES;
/** A piece should take about this long: a lost line costs one piece, and each piece costs a few round trips. Milliseconds. */
const AIM_MS = 2000;
/** A line that shows itself to be good gets pieces so many times larger at once. */
const LEAP = 16;
/** Towards the end, pieces become no smaller than this part of what they have been. */
const LEAST_SHARE = 8;

/**
 * What of a file is still to be moved, for several lines at once: each takes a piece, and gives back what it could not
 * move. Pieces grow with what the line can do.
 */
export class Pieces {
  readonly size: number;
  readonly #lanes: number;
  readonly #held: Piece[];
  readonly #returned: Piece[] = [];
  #next = 0;
  /** An empty file is one empty piece: the other side has to hear of it. */
  #isBegun = false;
  #doneBytes = 0;
  #pieceBytes = FIRST_BYTES;
  /** Until something goes wrong; then it only doubles. */
  #mayLeap = true;

  /**
   * `size` in bytes; `lanes`: how many lines work side by side; `held`: parts that are over already, in order and apart from
   * each other.
   */
  constructor(size: number, lanes = 1, held: readonly Piece[] = []) {
    this.size = size;
    this.#lanes = lanes;
    this.#held = [...held];
    this.#doneBytes = held.reduce((sum, { length }) => sum + length, 0);
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** The next piece, or null when none is left to begin: others may still be under way and come back. */
  take(): Piece | null {
    const returned = this.#returned.pop();
    if (returned) return this.#first(returned);
    this.#passHeld();
    if (this.#next >= this.size && (this.#isBegun || this.size > 0)) return null;
    this.#isBegun = true;
    const rest = this.size - this.#next;
    // Towards the end all get their share of what is left, so that none waits for the last.
    const least = Math.max(FIRST_BYTES, this.#pieceBytes / LEAST_SHARE);
    const share = wholeBlocks(Math.max(least, rest / this.#lanes));
    const free = (this.#held[0]?.at ?? this.size) - this.#next;
    const piece = { at: this.#next, length: Math.min(this.#pieceBytes, share, free) };
    this.#next += piece.length;
    return piece;
  }

  /** The piece is over, after so many milliseconds. */
  done(piece: Piece, tookMs: number): void {
    this.#doneBytes += piece.length;
    // One of an earlier size says nothing about this one.
    if (piece.length < this.#pieceBytes) return;
    if (tookMs < AIM_MS / 2) this.#grow(AIM_MS / 4 / tookMs);
    else if (tookMs > AIM_MS * 2) this.#shrink(piece);
  }

  /** The piece did not get over; the next ones are smaller. */
  giveBack(piece: Piece): void {
    this.#returned.push(piece);
    this.#shrink(piece);
  }

  #passHeld(): void {
    for (let [held] = this.#held; held && this.#next >= held.at; [held] = this.#held) {
      this.#next = Math.max(this.#next, held.at + held.length);
      this.#held.shift();
    }
  }

  #grow(times: number): void {
    const factor = Math.min(this.#mayLeap ? LEAP : 2, Math.max(2, times));
    this.#pieceBytes = Math.min(LARGEST_BYTES, wholeBlocks(this.#pieceBytes * factor));
  }

  /** Pieces of one size that fail together, as with a lost line, count once. */
  #shrink({ length }: Piece): void {
    this.#mayLeap = false;
    this.#pieceBytes = Math.max(
      BLOCK_BYTES,
      Math.min(this.#pieceBytes, Math.floor(length / 2 / BLOCK_BYTES) * BLOCK_BYTES),
    );
  }

  /** As much of a returned piece as is sent at a time now; the rest waits. */
  #first(piece: Piece): Piece {
    if (piece.length <= this.#pieceBytes) return piece;
    this.#returned.push({ at: piece.at + this.#pieceBytes, length: piece.length - this.#pieceBytes });
    return { at: piece.at, length: this.#pieceBytes };
  }
}

const wholeBlocks = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
