import type { IncomingMessage } from 'node:http';
import { Writable, type Readable } from 'node:stream';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { AppError, invalid } from '../domain/errors.js';

/** The payload is a few kilobytes; the poster that comes with it is not read. */
const PAYLOAD_BYTES = 1_000_000;
const BODY_BYTES = 10_000_000;
const LIMITS = { fieldSize: PAYLOAD_BYTES, fileSize: BODY_BYTES, fields: 10, files: 5, parts: 15, headerPairs: 100 };
const MULTIPART = /^\s*multipart\/form-data\s*(?:;|$)/i;

/** Takes a body in, and knows the payload as soon as all of it has come. */
interface Sink {
  stream: Writable;
  payload: Promise<string>;
}

/**
 * The text of the payload, without waiting for what follows it: a sender that breaks off inside the poster has said
 * everything that matters. The rest of the body is thrown away. Throws `too_large` or `invalid`.
 */
export async function readPayload(req: IncomingMessage): Promise<string> {
  if (Number(req.headers['content-length'] ?? 0) > BODY_BYTES) throw tooLarge();
  const { stream, payload } = MULTIPART.test(req.headers['content-type'] ?? '') ? partNamedPayload(req) : wholeBody();
  let isRead = false;
  let receivedBytes = 0;
  const breakOff = (): void => {
    if (!req.complete) stream.destroy(invalid('The body was cut off.'));
  };
  req.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes <= BODY_BYTES) return;
    if (isRead) req.destroy();
    else stream.destroy(tooLarge());
  });
  // These listeners stay: a connection may break after the payload was read as well.
  req.on('error', breakOff);
  req.once('close', breakOff);
  req.pipe(stream);
  try {
    return await payload;
  } finally {
    isRead = true;
    req.unpipe(stream);
    stream.destroy();
    req.resume();
  }
}

const tooLarge = (): AppError => new AppError('too_large', 'That is more than a Plex webhook ever holds.');

/** The part named `payload`, a field or a file. Throws `invalid` for a multipart body that has no boundary. */
function partNamedPayload(req: IncomingMessage): Sink {
  const form = openForm(req);
  const payload = new Promise<string>((resolve, reject) => {
    const onDamage = (cause: Error): void => {
      reject(cause instanceof AppError ? cause : new AppError('invalid', 'The multipart body is damaged.', { cause }));
    };
    form.on('error', onDamage);
    let isComing = false;
    form.on('field', (name, value, _nameTruncated, valueTruncated) => {
      if (name !== 'payload') return;
      if (valueTruncated) reject(tooLarge());
      else resolve(value);
    });
    form.on('file', (name, part) => {
      // Each part is a stream of its own and fails on its own when the body breaks off inside it.
      part.on('error', onDamage);
      if (name !== 'payload') part.resume();
      else {
        isComing = true;
        collect(part).then(resolve, onDamage);
      }
    });
    form.on('finish', () => {
      if (!isComing) reject(invalid('There is no part named payload.'));
    });
  });
  return { stream: form, payload };
}

function openForm(req: IncomingMessage): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers: req.headers as BusboyHeaders, limits: LIMITS });
  } catch (cause) {
    throw new AppError('invalid', 'The multipart body has no usable boundary.', { cause });
  }
}

/** The text of one part. Throws `too_large`, or what the part broke off with. */
function collect(part: Readable): Promise<string> {
  const { stream, payload } = wholeBody();
  part.pipe(stream);
  part.on('error', (error) => stream.destroy(error));
  part.on('close', () => {
    if (!part.readableEnded) stream.destroy(invalid('The body was cut off.'));
  });
  return payload;
}

function wholeBody(): Sink {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes <= PAYLOAD_BYTES) chunks.push(chunk);
      done(sizeBytes > PAYLOAD_BYTES ? tooLarge() : null);
    },
  });
  const payload = new Promise<string>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('finish', () => {
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
  });
  return { stream, payload };
}
