import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { authPage, errors, pinAnswer, resourceAnswer, userAnswer } from './answers.js';
import type { AccountFault, SeenAccountRequest, SimulatedDevice, SimulatedPin } from './model.js';

const HOST = '127.0.0.1';
const PIN_LIFE_MS = 900_000;
const UNKNOWN_CODE = errors(1020, 'Code not found or expired', 404);
const UNAUTHORIZED = errors(1001, 'User could not be authenticated', 401);
const SIGN_IN_PAGE = '<!DOCTYPE html><html><body>Accept the terms of this network to go on</body></html>';

export interface SimulatedPlexTvOptions {
  devices?: SimulatedDevice[];
  userName?: string;
  hasPlexPass?: boolean;
  /** Numbers as text, booleans as "1", an empty token instead of none. */
  oddTypes?: boolean;
}

/** plex.tv for the demo and the tests: codes, the account, its servers, its webhooks, and every way in which it refuses. */
export class SimulatedPlexTv {
  devices: SimulatedDevice[];
  hasPlexPass: boolean;
  /** What it does wrong at the moment. */
  fault: AccountFault | null = null;
  /** Sent along with status 429. */
  retryAfter: string | null = null;
  /** Where the account's webhooks go. */
  webhooks: unknown[] = [];
  /** False: takes a new list of webhooks and forgets it. */
  keepsWebhooks = true;
  /** Every request so far, the latest last. */
  readonly requests: SeenAccountRequest[] = [];
  readonly #userName: string;
  readonly #odd: boolean;
  readonly #pins = new Map<number, SimulatedPin>();
  readonly #tokens = new Set<string>();
  #lastId = 1_000_000;
  readonly #server = createServer((req, res) => {
    void this.#handle(req, res);
  });

  constructor(options: SimulatedPlexTvOptions = {}) {
    this.devices = options.devices ?? [];
    this.#userName = options.userName ?? 'Robin';
    this.hasPlexPass = options.hasPlexPass ?? true;
    this.#odd = options.oddTypes ?? false;
  }

  /** Listens on the loopback address; port 0 takes a free one. */
  async start(port = 0): Promise<void> {
    this.#server.listen(port, HOST);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The code that was asked for last. Throws when there is none. */
  latestPin(): SimulatedPin {
    const pin = [...this.#pins.values()].at(-1);
    if (!pin) throw new Error('Nobody asked the simulated plex.tv for a code');
    return pin;
  }

  /** The owner signs in; answers the token that was given out. */
  approve(id = this.latestPin().id): string {
    const token = this.issueToken();
    const pin = this.#pins.get(id);
    if (pin) pin.authToken = token;
    return token;
  }

  /** The owner refuses: the code is gone before its time. */
  deny(id = this.latestPin().id): void {
    this.#pins.delete(id);
  }

  /** The time of the code is over. */
  expire(id = this.latestPin().id): void {
    const pin = this.#pins.get(id);
    if (pin) pin.expiresAtMs = Date.now() - 1000;
  }

  /** A token the account accepts. */
  issueToken(): string {
    const token = `account-${randomBytes(10).toString('hex')}`;
    this.#tokens.add(token);
    return token;
  }

  /** The owner removed MediaFlow from the account's devices. */
  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const [method, path] = [req.method ?? 'GET', req.url ?? '/'];
    const body = await text(req).catch(() => '');
    this.requests.push({ method, path, headers: req.headers, body });
    const url = new URL(path, 'http://plex.tv');
    if (url.pathname.startsWith('/auth')) {
      this.#answerAuth(res, method, url, body);
      return;
    }
    if (this.#fail(res)) return;
    const [, , version, noun, id] = url.pathname.split('/');
    if (version !== 'v2') send(res, 404, errors(1000, 'Not found', 404));
    else if (noun === 'pins') this.#answerPin(req, res, id, url.searchParams.get('strong') === 'true');
    else if (!this.#tokens.has(String(req.headers['x-plex-token']))) send(res, 401, UNAUTHORIZED);
    else if (noun === 'user' && id === 'webhooks') this.#answerWebhooks(res, method, body);
    else if (noun === 'user') send(res, 200, userAnswer(this.#userName, this.hasPlexPass));
    else if (noun === 'resources')
      this.#answer(
        res,
        200,
        this.devices.map((device) => resourceAnswer(device, this.#odd)),
      );
    else send(res, 404, errors(1000, 'Not found', 404));
  }

  /** Whether the fault of the moment was the answer. */
  #fail(res: ServerResponse): boolean {
    if (this.fault === 'hang') return true;
    if (this.fault === 'reset') res.socket?.resetAndDestroy();
    else if (this.fault === 'html') sendHtml(res, SIGN_IN_PAGE);
    else if (typeof this.fault === 'number') {
      if (this.fault === 429 && this.retryAfter !== null) res.setHeader('Retry-After', this.retryAfter);
      send(res, this.fault, errors(1003, 'Refused', this.fault));
    } else return false;
    return true;
  }

  /** A code is known only to the client that asked for it. */
  #answerPin(req: IncomingMessage, res: ServerResponse, id: string | undefined, isStrong: boolean): void {
    const clientId = req.headers['x-plex-client-identifier'];
    const product = req.headers['x-plex-product'];
    if (typeof clientId !== 'string' || typeof product !== 'string') {
      send(res, 400, errors(1000, 'X-Plex-Client-Identifier is missing', 400));
      return;
    }
    if (req.method === 'POST') {
      const pin: SimulatedPin = {
        id: ++this.#lastId,
        code: isStrong ? randomBytes(12).toString('hex') : randomBytes(2).toString('hex').toUpperCase(),
        clientId,
        product,
        expiresAtMs: Date.now() + PIN_LIFE_MS,
        authToken: null,
      };
      this.#pins.set(pin.id, pin);
      this.#answer(res, 201, pinAnswer(pin, Date.now(), this.#odd));
      return;
    }
    const pin = this.#pins.get(Number(id));
    if (pin?.clientId !== clientId || pin.expiresAtMs < Date.now()) send(res, 404, UNKNOWN_CODE);
    else this.#answer(res, 200, pinAnswer(pin, Date.now(), this.#odd));
  }

  /** What is posted replaces the whole list. */
  #answerWebhooks(res: ServerResponse, method: string, body: string): void {
    if (!this.hasPlexPass) {
      send(res, 403, errors(1002, 'Plex Pass is needed', 403));
      return;
    }
    if (method === 'POST') {
      const urls = new URLSearchParams(body).getAll('urls[]');
      if (this.keepsWebhooks) this.webhooks = urls.map((url) => ({ url }));
      send(res, 201, this.webhooks);
      return;
    }
    this.#answer(res, 200, this.webhooks);
  }

  #answerAuth(res: ServerResponse, method: string, url: URL, body: string): void {
    const id = Number(url.pathname.split('/')[2]);
    if (method === 'POST' && new URLSearchParams(body).get('answer') === 'approve') this.approve(id);
    else if (method === 'POST') this.deny(id);
    sendHtml(res, authPage([...this.#pins.values()].filter(({ authToken }) => authToken === null)));
  }

  #answer(res: ServerResponse, status: number, value: object): void {
    if (this.fault !== 'cut') {
      send(res, status, value);
      return;
    }
    const whole = JSON.stringify(value);
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(whole.slice(0, Math.ceil(whole.length / 2)));
  }
}

function send(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function sendHtml(res: ServerResponse, body: string): void {
  res.writeHead(200, { 'Content-Type': 'text/html' }).end(body);
}
