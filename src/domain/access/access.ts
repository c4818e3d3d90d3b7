import { z } from 'zod';

/** A password that may be chosen. */
export const NewPassword = z
  .string()
  .min(12, 'needs at least 12 characters')
  .max(200, 'may have at most 200 characters')
  .meta({ title: 'Password', secret: true });

/**
 * Who may do something. `public`: anyone. `owner`: signed in, or with the API key. `person`: signed in, because a key
 * may not manage keys. `setup`: the owner, or whoever read the setup token from the log while there is no password.
 */
export type AccessLevel = 'public' | 'owner' | 'person' | 'setup';

/** What a browser's session has proved. */
export type SessionGrant = 'owner' | 'setup';

/** The credentials that open MediaFlow. Every comparison takes the same time for right and wrong. */
export interface Access {
  /** Whether a password exists; without one only the setup token opens the setup. */
  readonly hasPassword: boolean;
  checkPassword(password: string): Promise<boolean>;
  /** Throws `conflict` when the environment holds the password. */
  setPassword(password: string): Promise<void>;
  /** The same for the first one; throws `conflict` once there is one, also for the second of two at the same moment. */
  setFirstPassword(password: string): Promise<void>;
  checkSetupToken(token: string): boolean;
  readonly hasApiKey: boolean;
  checkApiKey(key: string): boolean;
  /** A new key, readable only in this answer. Throws `conflict` when the environment holds it. */
  rotateApiKey(): Promise<string>;
  /** The last part of the webhook's address. Events of every server are taken there. */
  readonly webhookSecret: string;
  /** The same for a server beside the first: only its events are taken there. Null for one that has none. */
  webhookSecretOf(serverId: string): string | null;
  /** For a server beside the first, with its id. */
  checkWebhookSecret(secret: string, serverId?: string): boolean;
  /** Throws `conflict` when the environment holds it. */
  rotateWebhookSecret(): Promise<string>;
  /** Signs session cookies. */
  readonly sessionSecret: string;
  /** Changes with the password: a session of an older epoch is void. */
  readonly epoch: string;
}
