import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Adapter } from 'lowdb';
import { z } from 'zod';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import { writeDurably } from '../lib/durable.js';
import { linesOf, PackedRows, parseLines } from './packed-rows.js';

/** What one file of a collection holds. */
export interface ShardData {
  /** Counts up over the whole collection with every file written. */
  stamp: number;
  /** Empty while they are packed. */
  rows: unknown[];
  /** The rows when none of them needs to be looked at now: the file is sealed, and says nothing of other copies. */
  packed: PackedRows | null;
  /** Row id -> version of its copy here, for rows that stand in other files as well; without one, the stamp counts. */
  versions: Record<string, number>;
  /** Rows that were removed while another file still held an older copy of them. */
  gone: string[];
  /** Nobody touched the file since a program with the same schema wrote it, so its rows need no second look. */
  isSealed: boolean;
  /** Why the file as a whole is no JSON, though `rows` could still be read from it; else null. */
  damage: string | null;
}

const LINE_FEED = 10;
/** No character takes more in UTF-8. */
const MOST_BYTES_A_CHAR = 3;
/** Larger buffers are not kept. */
const BUFFER_BYTES = 1024 * 1024;
const KEPT_BUFFERS = 4;

const tailOf = (seal: number): string => `],"seal":"${seal.toString(16).padStart(8, '0')}"}\n`;
const TAIL_BYTES = tailOf(0).length;

const UNSEALED = { isSealed: false, packed: null };

const Whole = z.object({
  stamp: z.number(),
  rows: z.array(z.unknown()),
  versions: z.record(z.string(), z.number()).default({}),
  gone: z.array(z.string()).default([]),
});

/** Names a schema by what it accepts: two versions of the program with the same schema get the same mark. */
export function markOf(schema: z.ZodType): string {
  const shape = JSON.stringify(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'output' }));
  return createHash('sha256').update(shape).digest('hex').slice(0, 16);
}

/**
 * lowdb adapter for one file of rows. The file is plain JSON with a row on each line, a mark that names the schema, and
 * at its end a checksum, the seal. A row a line means that reading never holds a file's text in one piece (allocating
 * that costs more than parsing it), and that one broken line costs one row. `write` is durable.
 */
export class ShardFile implements Adapter<ShardData> {
  readonly #path: string;
  readonly #mark: string;

  constructor(path: string, mark: string) {
    this.#path = path;
    this.#mark = mark;
  }

  /** Null when there is no file. Throws when no row of it can be read. */
  // eslint-disable-next-line @typescript-eslint/require-await -- throws as a rejection
  async read(): Promise<ShardData | null> {
    const bytes = readWhole(this.#path);
    return bytes && (readSealed(bytes, this.#mark) ?? readAnything(bytes));
  }

  /** Rows must not change while this is under way. Lets other work in between when there are many. */
  async write({ stamp, rows, versions, gone }: Omit<ShardData, 'packed'>): Promise<void> {
    const loopYield = new EventLoopYield();
    const bytes = new GrowingBuffer(writeBuffers.pop());
    const head = JSON.stringify({ stamp, schema: this.#mark, versions, gone });
    bytes.append(`${head.slice(0, -1)},"rows":[\n`);
    let before = '';
    for (const row of rows) {
      if (loopYield.isDue) await loopYield.pause();
      bytes.append(before);
      bytes.append(JSON.stringify(row));
      before = ',\n';
    }
    if (rows.length > 0) bytes.append('\n');
    bytes.append(tailOf(crc32(bytes.content)));
    try {
      await writeDurably(this.#path, bytes.content);
    } finally {
      if (bytes.whole.length <= BUFFER_BYTES && writeBuffers.length < KEPT_BUFFERS) writeBuffers.push(bytes.whole);
    }
  }
}

/** Text turned to bytes in one buffer that grows. */
class GrowingBuffer {
  whole: Buffer;
  #length = 0;

  constructor(buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES / 4)) {
    this.whole = buffer;
  }

  get content(): Buffer {
    return this.whole.subarray(0, this.#length);
  }

  append(text: string): void {
    const end = this.#length + text.length * MOST_BYTES_A_CHAR;
    if (end > this.whole.length) this.whole = Buffer.concat([this.content], end * 2);
    this.#length += this.whole.write(text, this.#length);
  }
}

/** Reused for the next file: fresh memory costs more than what is written to it. */
const writeBuffers: Buffer[] = [];

/** Reused from file to file: fresh memory costs more than reading into it. */
let spareBuffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/**
 * The content, until the next call. Null when there is no file. Reads in place: files are read while opening, a tenth
 * of a millisecond each, and handing eight hundred of them to other threads and back took longer than parsing them.
 */
function readWhole(path: string): Buffer | null {
  const file = openOrNull(path);
  if (file === null) return null;
  if (spareBuffer.length > BUFFER_BYTES) spareBuffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  try {
    for (let length = 0; ;) {
      const bytesRead = readSync(file, spareBuffer, length, spareBuffer.length - length, length);
      if (bytesRead === 0) return spareBuffer.subarray(0, length);
      length += bytesRead;
      if (length === spareBuffer.length) spareBuffer = Buffer.concat([spareBuffer], length * 2);
    }
  } finally {
    closeSync(file);
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Null when the seal is missing or broken, or the rows were written by another schema. */
function readSealed(bytes: Buffer, mark: string): ShardData | null {
  const end = bytes.length - TAIL_BYTES;
  const headEnd = bytes.indexOf(LINE_FEED);
  if (end <= 0 || headEnd < 0 || headEnd >= end) return null;
  const head = bytes.toString('utf8', 0, headEnd);
  if (!head.includes(`"schema":"${mark}"`)) return null;
  if (bytes.toString('latin1', end) !== tailOf(crc32(bytes.subarray(0, end)))) return null;
  const { stamp, versions, gone } = Whole.parse(JSON.parse(`${head}]}`));
  const known = { stamp, versions, gone, isSealed: true, damage: null };
  const isPlain = isAscii(bytes);
  const isAlone = gone.length === 0 && Object.keys(versions).length === 0;
  const packed = isAlone ? PackedRows.of(bytes.subarray(headEnd + 1, end), isPlain) : null;
  if (packed) return { ...known, rows: [], packed };
  return { ...known, rows: parseLines(bytes, headEnd + 1, end, isPlain), packed };
}

/** A file that somebody edited, that another version wrote, or that is damaged: then line by line what can be read. */
function readAnything(bytes: Buffer): ShardData {
  try {
    return { ...Whole.parse(JSON.parse(bytes.toString('utf8'))), ...UNSEALED, damage: null };
  } catch (error) {
    const rows = readableLines(bytes);
    if (rows.length === 0) throw error;
    // How old these copies are is lost with the stamp, so every other copy of such a row is preferred.
    const damage = error instanceof Error ? error.message : String(error);
    return { stamp: 0, versions: {}, gone: [], rows, ...UNSEALED, damage };
  }
}

function readableLines(bytes: Buffer): { id?: unknown }[] {
  const rows: { id?: unknown }[] = [];
  for (const [from, to] of linesOf(bytes, 0, bytes.length)) {
    try {
      const row: unknown = JSON.parse(bytes.toString('utf8', from, to));
      if (typeof row === 'object' && row !== null && 'id' in row) rows.push(row);
    } catch {
      // Not a whole row.
    }
  }
  return rows;
}
