import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { raw } from './raw-http.js';

/** How a sender leaves in the middle of its body. */
export const PARTINGS = ['fin', 'rst', 'close', 'silence'] as const;
export type Parting = (typeof PARTINGS)[number];

const BOUNDARY = '------------------------d74496d66958873e';
/** How long a sender that says nothing more keeps its connection. */
const SILENCE_MS = 150;
/** An answer takes far less; whoever waits this long waits in vain. */
const PATIENCE_MS = 15_000;

/** Numbers from 0 to 1 that are the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const part = (head: string, content: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const FIELD = 'Content-Disposition: form-data; name="payload"\r\nContent-Type: application/json';
const POSTER = 'Content-Disposition: form-data; name="thumb"; filename="thumb.jpg"\r\nContent-Type: image/jpeg';

/** An event as Plex posts it, the poster behind it or before it. */
export function aBody(payload: object, posterBytes: number, isPosterFirst = false): Buffer {
  const text = part(FIELD, JSON.stringify(payload));
  const poster = part(POSTER, Buffer.alloc(posterBytes, '\u00ff\u00d8JFIF'));
  return Buffer.concat(isPosterFirst ? [poster, text, END] : [text, poster, END]);
}

/** Everything before the body of a post to this address. */
export function headOf(url: string, lengthBytes: number, type = `multipart/form-data; boundary=${BOUNDARY}`): string {
  const { host, pathname } = new URL(url);
  return `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nContent-Length: ${lengthBytes}\r\n\r\n`;
}

/**
 * Opens a connection, sends these pieces with a pause between them, and leaves, or waits until the server hangs up (`patience`).
 * Resolves with what was answered, '' for nothing.
 */
export async function sendAndLeave(
  url: string,
  pieces: readonly Buffer[],
  pauseMs: number,
  parting: Parting | 'patience',
) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  // A server that hangs up on nonsense is within its rights.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  if (parting !== 'patience') await leave(socket, parting);
  await Promise.race([closed, sleep(PATIENCE_MS, undefined, { ref: false })]);
  socket.destroy();
  return answer;
}

async function leave(socket: Socket, parting: Parting): Promise<void> {
  if (parting === 'fin') socket.end();
  // What was written has to be on its way first, or nothing of it is ever sent.
  await sleep(parting === 'silence' ? SILENCE_MS : 5);
  if (parting === 'rst') socket.resetAndDestroy();
  else if (parting !== 'fin') socket.destroy();
}

/** What a fuzz found out. */
export interface FuzzResult {
  runs: number;
  wrong: string[];
  /** Of the good webhook behind each bad one, milliseconds. */
  goodMs: number[];
  /** What the program worked from each good one to its answer, for whomever; milliseconds of processor time. */
  workedMs: number[];
  /** Of a bare `GET /ping` at the same moments. */
  pingMs: number[];
}

interface FuzzOptions {
  /** The address of the webhook. */
  url: string;
  serverId: string;
  runs: number;
  seed: number;
  /** So many senders at a time. */
  lanes: number;
  /** Whether the program still runs. */
  isAlive: () => boolean;
  /** Milliseconds of processor time that the program has worked so far. */
  workedMs: () => number;
}

/** Posts bodies that are cut, slowed, reset and malformed at random places, and a good one behind each. */
export async function fuzzWebhooks(options: FuzzOptions): Promise<FuzzResult> {
  const result: FuzzResult = { runs: 0, wrong: [], goodMs: [], workedMs: [], pingMs: [] };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < options.runs && options.isAlive()) {
      const number = next++;
      try {
        await fuzzOnce(options, number, result);
      } catch (error) {
        result.wrong.push(`seed ${options.seed}, body ${number}: ${(error as Error).message}`);
      }
      result.runs++;
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  if (!options.isAlive()) result.wrong.push(`seed ${options.seed}: MediaFlow ended after ${result.runs} bodies`);
  return result;
}

async function fuzzOnce(
  { url, serverId, seed, workedMs }: FuzzOptions,
  number: number,
  result: FuzzResult,
): Promise<void> {
  const random = seeded(seed * 100_003 + number);
  await sendAndLeave(url, ...aBadOne(url, serverId, random));
  const ping = await timed(() => raw(new URL('/ping', url).href));
  result.pingMs.push(ping.tookMs);
  const body = aBody({ event: 'media.play', Server: { uuid: serverId } }, 7000);
  const headers = {
    'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
    'Content-Length': String(body.length),
  };
  const beforeMs = workedMs();
  const good = await timed(() => raw(url, { method: 'POST', headers, body }));
  result.goodMs.push(good.tookMs);
  result.workedMs.push(workedMs() - beforeMs);
  if (good.value.status !== 200) throw new Error(`a good webhook behind it was answered with ${good.value.status}`);
}

async function timed<T>(task: () => Promise<T>): Promise<{ value: T; tookMs: number }> {
  const startedMs = performance.now();
  const value = await task();
  return { value, tookMs: performance.now() - startedMs };
}

/** The pieces of a request, the pause between them, and how its sender leaves. */
function aBadOne(url: string, serverId: string, random: () => number): [Buffer[], number, Parting] {
  const under = (limit: number): number => Math.floor(random() * limit);
  const oneOf = <T>(choices: readonly T[]): T => choices[under(choices.length)] as T;
  const payload = {
    event: oneOf(['media.play', 'library.on.deck']),
    Server: { uuid: serverId },
    pad: 'x'.repeat(under(3000)),
  };
  const whole = aBody(payload, oneOf([0, 1, 7000, 70_000, 400_000]), random() < 0.3);
  const body = random() < 0.5 ? malformed(whole, under, oneOf) : whole;
  const announced = random() < 0.2 ? under(body.length * 2) : whole.length;
  const sent = Buffer.concat([Buffer.from(headOf(url, announced)), body]);
  const cut = random() < 0.8 ? sent.subarray(0, 1 + under(sent.length)) : sent;
  const pieceBytes = Math.max(1, Math.ceil(cut.length / (1 + under(12))));
  const pieces: Buffer[] = [];
  for (let at = 0; at < cut.length; at += pieceBytes) pieces.push(cut.subarray(at, at + pieceBytes));
  return [pieces, oneOf([0, 0, 1, 10, 30]), oneOf(PARTINGS)];
}

/** The same body with a fault in it. */
function malformed(body: Buffer, under: (limit: number) => number, oneOf: <T>(choices: readonly T[]) => T): Buffer {
  const at = under(body.length);
  const noise = Buffer.from(Array.from({ length: 1 + under(60) }, () => under(256)));
  const boundary = Buffer.from(`\r\n--${BOUNDARY}`);
  return oneOf([
    () => Buffer.concat([body.subarray(0, at), noise, body.subarray(at)]),
    () => Buffer.concat([body.subarray(0, at), body.subarray(Math.min(body.length, at + under(200)))]),
    () =>
      Buffer.concat(
        [
          body.subarray(0, at),
          boundary,
          oneOf(['', '-', '--', '\r', '\r\n', '\r\nX: y', '\r\n\r\n']),
          body.subarray(at),
        ].map((piece) => Buffer.from(piece)),
      ),
    () => Buffer.concat([body.subarray(0, body.length - END.length), oneOf([Buffer.alloc(0), boundary, body])]),
    () => Buffer.concat(Array.from({ length: 2 + under(20) }, () => body.subarray(0, body.length - END.length))),
    () =>
      Buffer.from(
        body.toString('latin1').replaceAll('name="', oneOf(['name=', 'name*=', 'NAME="\u0000', 'name="__proto__'])),
        'latin1',
      ),
  ])();
}
