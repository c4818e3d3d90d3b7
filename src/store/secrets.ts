import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, conflict } from '../domain/errors.js';
import { writeDurably } from '../lib/durable.js';
import { unreadable } from './damage.js';
import { Document } from './document.js';

/** Of the key file; a shorter one was cut off by a crash before anything was sealed with it. */
const KEY_BYTES = 32;

export type SecretName =
  | 'plexToken'
  | 'accountToken'
  | 'adminPasswordHash'
  | 'apiKeyHash'
  | 'webhookSecret'
  | 'sessionSecret'
  | 'clientId'
  /** Of a server beside the first, by its id. */
  | `plexToken:${string}`
  | `webhookSecret:${string}`
  /** How to get into a worker, by its id: a `WorkerKey` as JSON. */
  | `worker:${string}`;

const Sealed = z.object({ iv: z.string(), tag: z.string(), data: z.string() });
const SealedFile = z.record(z.string(), Sealed);
type SealedFile = z.infer<typeof SealedFile>;

/** A secret that the environment holds, and the variable it came from. */
export type SecretOverrides = Partial<Record<SecretName, { value: string; variable: string }>>;

/** Small secrets, encrypted at rest with AES-256-GCM; the name is bound to the value, so that two cannot be swapped in the file. */
export class Secrets {
  readonly #document: Document<SealedFile>;
  readonly #key: Buffer;
  readonly #overrides: SecretOverrides;
  readonly #open = new Map<string, string>();

  private constructor(document: Document<SealedFile>, key: Buffer, overrides: SecretOverrides) {
    this.#document = document;
    this.#key = key;
    this.#overrides = overrides;
    for (const [name, value] of unsealAll(document.value, key)) this.#open.set(name, value);
  }

  /**
   * `secretKey` comes from the environment; without it the key lies in `secret.key` (0600), made at the first start.
   * Throws `damaged` when the key does not open the secrets or the file of secrets is damaged: starting without them
   * would leave the house without a password.
   */
  static async open(dir: string, secretKey: string | undefined, overrides: SecretOverrides): Promise<Secrets> {
    const document = await Document.open(dir, 'secrets.json', SealedFile, {}, 'refuse');
    const hasSecrets = Object.keys(document.value).length > 0;
    const keyFile = join(dir, 'secret.key');
    const key = deriveKey(secretKey === undefined ? await fileKey(keyFile, hasSecrets) : Buffer.from(secretKey));
    try {
      return new Secrets(document, key, overrides);
    } catch (cause) {
      const opensWithFile = secretKey !== undefined && (await opensWith(keyFile, document.value));
      throw new AppError('damaged', keyMessage(secretKey !== undefined, opensWithFile, keyFile), { cause });
    }
  }

  /** Name -> the variable that holds it. */
  get locked(): Readonly<Partial<Record<SecretName, string>>> {
    return Object.fromEntries(Object.entries(this.#overrides).map(([name, held]) => [name, held?.variable]));
  }

  find(name: SecretName): string | null {
    return this.#overrides[name]?.value ?? this.#open.get(name) ?? null;
  }

  /** Throws `conflict` when the environment holds it. */
  async set(name: SecretName, value: string): Promise<void> {
    this.#refuseLocked(name);
    await this.#document.put({ ...this.#document.value, [name]: this.#seal(name, value) });
    this.#open.set(name, value);
  }

  async remove(name: SecretName): Promise<void> {
    this.#refuseLocked(name);
    await this.#document.put(
      Object.fromEntries(Object.entries(this.#document.value).filter(([other]) => other !== name)),
    );
    this.#open.delete(name);
  }

  #refuseLocked(name: SecretName): void {
    const variable = this.#overrides[name]?.variable;
    if (variable) throw conflict(`This is set by ${variable}. Change it there.`);
  }

  #seal(name: string, value: string): z.infer<typeof Sealed> {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(name));
    const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return { iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64'), data: data.toString('base64') };
  }
}

const deriveKey = (material: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', material, 'mediaflow', 'secrets at rest', 32));

/** Throws when the key does not fit. */
function unsealAll(file: SealedFile, key: Buffer): [string, string][] {
  return Object.entries(file).map(([name, { iv, tag, data }]) => {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'), { authTagLength: 16 })
      .setAAD(Buffer.from(name))
      .setAuthTag(Buffer.from(tag, 'base64'));
    return [name, decipher.update(data, 'base64', 'utf8') + decipher.final('utf8')];
  });
}

function keyMessage(fromEnvironment: boolean, opensWithFile: boolean, keyFile: string): string {
  const otherwise = 'or delete secrets.json and enter the secrets again';
  if (opensWithFile)
    return `The stored secrets were written with the key in ${keyFile}, not with MEDIAFLOW_SECRET_KEY. Remove that variable, ${otherwise}.`;
  if (fromEnvironment)
    return `The stored secrets do not open with this MEDIAFLOW_SECRET_KEY. Set it to what it was when they were written, ${otherwise}.`;
  return `The stored secrets do not open with the key in ${keyFile}. Give back the file or the MEDIAFLOW_SECRET_KEY they were written with, ${otherwise}.`;
}

async function opensWith(path: string, file: SealedFile): Promise<boolean> {
  try {
    unsealAll(file, deriveKey(await readFile(path)));
    return true;
  } catch {
    return false;
  }
}

/** The key in the file, made when there is none and nothing was sealed yet. Throws `damaged` when it is needed and gone. */
async function fileKey(path: string, hasSecrets: boolean): Promise<Buffer> {
  const found = await readKey(path);
  if (found) return found;
  if (hasSecrets) {
    throw new AppError(
      'damaged',
      `The key of the stored secrets is missing: ${path} is not there or too short. Give it back, set MEDIAFLOW_SECRET_KEY if they were written with that, or delete secrets.json and enter the secrets again.`,
    );
  }
  const key = randomBytes(KEY_BYTES);
  await writeDurably(path, key, 0o600);
  return key;
}

/** Null when there is none, or one that a crash cut short while it was made. */
async function readKey(path: string): Promise<Buffer | null> {
  try {
    const key = await readFile(path);
    // Some network file systems know no permissions.
    await chmod(path, 0o600).catch(() => undefined);
    return key.length < KEY_BYTES ? null : key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
}
