import type { IncomingMessage } from 'node:http';

/** What a form posted: every control's name and value, in the order of the form. */
export type Typed = readonly (readonly [name: string, value: string])[];

const bodies = new WeakMap<IncomingMessage, Typed>();

/** Keeps what a form posted as it was typed; handed to the parser of forms, which sees it first. */
export function rememberTyped(req: IncomingMessage, _res: unknown, body: Buffer): void {
  bodies.set(req, [...new URLSearchParams(body.toString('utf8'))]);
}

/** What the form of this request posted; nothing for whatever did not come from a form. */
export const typedIn = (req: IncomingMessage): Typed => bodies.get(req) ?? [];

const SECRET = /passw(?:or)?d|passphrase|token|secret|private_?key|_csrf/i;

/** Whether a control of this name may hold what is never shown again. */
export const isSecretName = (name: string): boolean => SECRET.test(name);
