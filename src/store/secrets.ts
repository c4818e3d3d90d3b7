import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { chmod, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, conflict } from '../domain/errors.js';
import { syncFolder } from '../lib/durable.js';
import { Document } from './document.js';

export type SecretName =
  'plexToken' | 'adminPasswordHash' | 'apiKeyHash' | 'webhookSecret' | 'sessionSecret' | 'clientId';

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
    for (const name of Object.keys(document.value)) this.#open.set(name, this.#unseal(name));
  }

  /** `secretKey` comes from the environment; without it the key lies in `secret.key` (0600), made at the first start. */
  static async open(dir: string, secretKey: string | undefined, overrides: SecretOverrides): Promise<Secrets> {
    const document = await Document.open(dir, 'secrets.json', SealedFile, {});
    const material = secretKey === undefined ? await keyFile(join(dir, 'secret.key')) : Buffer.from(secretKey);
    const key = Buffer.from(hkdfSync('sha256', material, 'mediaflow', 'secrets at rest', 32));
    return new Secrets(document, key, overrides);
  }

  /** Name -> the variable that holds it. */
  get locked(): Readonly<Partial<Record<SecretName, string>>> {
    return Object.fromEntries(Object.entries(this.#overrides).map(([name, { variable }]) => [name, variable]));
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

  #unseal(name: string): string {
    const sealed = this.#document.value[name];
    if (!sealed) throw new AppError('internal', `The secret ${name} is missing`);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(sealed.iv, 'base64'), { authTagLength: 16 })
      .setAAD(Buffer.from(name))
      .setAuthTag(Buffer.from(sealed.tag, 'base64'));
    try {
      return Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new AppError(
        'damaged',
        'The stored secrets do not open with this key. Give back the MEDIAFLOW_SECRET_KEY or the secret.key file they were written with, or delete secrets.json and enter them again.',
        { cause },
      );
    }
  }
}

async function keyFile(path: string): Promise<Buffer> {
  try {
    const key = await readFile(path);
    await chmod(path, 0o600);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = randomBytes(32);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(key);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(join(path, '..'));
  return key;
}
