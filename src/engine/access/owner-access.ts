import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { Access } from '../../domain/access/access.js';
import { AppError, conflict } from '../../domain/errors.js';
import { Gate } from '../../lib/gate.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

/** Argon2id as OWASP asks at least: 19 MB, two passes, about 30 ms. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** So many passwords are hashed at a time; a flood of guesses waits in line instead of eating the memory. */
const HASHES_AT_A_TIME = 2;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
/** Compares digests, so that neither content nor length can be told from the time it takes. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(sha256(a), sha256(b));

/** The owner's credentials: kept as hashes in the store, or held by the environment. */
export class OwnerAccess implements Access {
  readonly #secrets: Store['secrets'];
  readonly #log: Log;
  readonly #environment: { password: string | null; apiKey: string | null };
  readonly #gate = new Gate(HASHES_AT_A_TIME);
  #environmentHash: string | null = null;
  #setupToken: string | null = null;
  #isChoosing = false;

  /** `password` and `apiKey` are what the environment holds, or null. */
  constructor(parts: { secrets: Store['secrets']; log: Log; password: string | null; apiKey: string | null }) {
    this.#secrets = parts.secrets;
    this.#log = parts.log;
    this.#environment = { password: parts.password, apiKey: parts.apiKey };
  }

  /** Makes what is missing at the first start, and writes the setup token to the log while there is no password. */
  async start(): Promise<void> {
    for (const name of ['sessionSecret', 'webhookSecret'] as const) {
      if (this.#secrets.find(name) === null) await this.#secrets.set(name, randomBytes(24).toString('base64url'));
    }
    if (this.#environment.password !== null) this.#environmentHash = await hash(this.#environment.password, ARGON2);
    if (this.hasPassword) return;
    this.#setupToken = randomBytes(15).toString('base64url');
    this.#log.warn(`No password is set. Open the setup page and enter this setup token: ${this.#setupToken}`);
  }

  get hasPassword(): boolean {
    return this.#environment.password !== null || this.#secrets.find('adminPasswordHash') !== null;
  }

  async checkPassword(password: string): Promise<boolean> {
    const stored = this.#environmentHash ?? this.#secrets.find('adminPasswordHash');
    if (stored === null) return false;
    return this.#gate.run(() => verify(stored, password));
  }

  async setPassword(password: string): Promise<void> {
    if (this.#environment.password !== null) {
      throw conflict('The password is set by MEDIAFLOW_ADMIN_PASSWORD. Change it there.');
    }
    const hashed = await this.#gate.run(() => hash(password, ARGON2));
    await this.#secrets.set('adminPasswordHash', hashed);
    this.#setupToken = null;
  }

  async setFirstPassword(password: string): Promise<void> {
    // Hashing takes a while: whoever comes meanwhile is too late as well.
    if (this.hasPassword || this.#isChoosing) throw conflict('A password was chosen already. Sign in with it.');
    this.#isChoosing = true;
    try {
      await this.setPassword(password);
    } finally {
      this.#isChoosing = false;
    }
  }

  checkSetupToken(token: string): boolean {
    return this.#setupToken !== null && !this.hasPassword && isSame(token.trim(), this.#setupToken);
  }

  get hasApiKey(): boolean {
    return this.#environment.apiKey !== null || this.#secrets.find('apiKeyHash') !== null;
  }

  checkApiKey(key: string): boolean {
    if (this.#environment.apiKey !== null) return isSame(key, this.#environment.apiKey);
    const stored = this.#secrets.find('apiKeyHash');
    return stored !== null && isSame(sha256(key).toString('hex'), stored);
  }

  async rotateApiKey(): Promise<string> {
    if (this.#environment.apiKey !== null) throw conflict('The API key is set by MEDIAFLOW_API_KEY. Change it there.');
    const key = randomBytes(32).toString('base64url');
    await this.#secrets.set('apiKeyHash', sha256(key).toString('hex'));
    return key;
  }

  get webhookSecret(): string {
    return this.#need('webhookSecret');
  }

  webhookSecretOf(serverId: string): string | null {
    return this.#secrets.find(`webhookSecret:${serverId}`);
  }

  checkWebhookSecret(secret: string, serverId?: string): boolean {
    const own = serverId === undefined ? this.webhookSecret : this.webhookSecretOf(serverId);
    return own !== null && isSame(secret, own);
  }

  async rotateWebhookSecret(): Promise<string> {
    const secret = randomBytes(24).toString('base64url');
    await this.#secrets.set('webhookSecret', secret);
    return secret;
  }

  get sessionSecret(): string {
    return this.#need('sessionSecret');
  }

  get epoch(): string {
    const password = this.#environment.password ?? this.#secrets.find('adminPasswordHash') ?? '';
    return createHmac('sha256', this.sessionSecret).update(password).digest('base64url');
  }

  #need(name: 'webhookSecret' | 'sessionSecret'): string {
    const value = this.#secrets.find(name);
    if (value === null) throw new AppError('unavailable', 'MediaFlow is still starting. Try again in a moment.');
    return value;
  }
}
