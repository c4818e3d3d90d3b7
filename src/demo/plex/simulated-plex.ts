import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedCollections } from './collections.js';
import { SimulatedEdits } from './edits.js';
import {
  nowSec,
  type Fault,
  type SeenRequest,
  type SimulatedItem,
  type SimulatedSection,
  type SimulatedSession,
} from './model.js';
import { NOTIFICATION_PATHS, NotificationSocket } from './notifications.js';
import { refuseUpgrade, sendFault, sendReply, sendStatus } from './replies.js';
import { Routes } from './routes.js';
import { Scanner } from './scanner.js';
import { SimulatedLibrary } from './simulated-library.js';
import { fillLibrary } from './synthetic.js';
import { WebhookSender, webhookMetadata } from './webhooks.js';

const HOST = '127.0.0.1';
/** Long enough to be asked too early, short enough not to wait for. */
const SCAN_DELAY_MS = 80;
const ANALYZE_DELAY_MS = 120;
const REMEMBERED_REQUESTS = 20_000;

export interface SimulatedPlexOptions {
  token?: string;
  machineIdentifier?: string;
  name?: string;
  /** `xml`: answers only that, whatever is asked for. */
  format?: 'json' | 'xml';
  webhookUrl?: string | null;
  ffprobe?: string;
  sections: SimulatedSection[];
}

/**
 * A Plex server for the demo and the tests: scans real folders, and is as stubborn as the real one. Scans and analyses
 * come late; a replaced file keeps its old stream data until it is analysed; an item whose last file is gone at a scan
 * is gone for good.
 */
export class SimulatedPlex {
  readonly token: string;
  readonly machineIdentifier: string;
  /** Where `library.new` goes; null sends nothing. */
  webhookUrl: string | null;
  /** What it does wrong at the moment. */
  fault: Fault | null = null;
  /** Every request so far, the latest last. */
  readonly requests: SeenRequest[] = [];
  /** What it tells by itself to everybody who listens. */
  readonly notifications = new NotificationSocket();
  /** Collections, and what people do to them. */
  readonly collections: SimulatedCollections;
  /** Edits of metadata, and how stubborn it is about them. */
  readonly edits: SimulatedEdits;
  readonly #format: 'json' | 'xml';
  readonly #library: SimulatedLibrary;
  readonly #scanner: Scanner;
  readonly #routes: Routes;
  readonly #webhooks: WebhookSender;
  readonly #server = createServer((req, res) => {
    this.#handle(req, res);
  });
  /** Connections the HTTP server no longer looks after. */
  readonly #upgraded = new Set<Duplex>();
  #stopped = new AbortController();
  #sessions: SimulatedSession[] = [];
  readonly #refreshing = new Map<string, number>();
  /** Scans and analyses, one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: SimulatedPlexOptions) {
    this.token = options.token ?? `simulated-${randomBytes(8).toString('hex')}`;
    this.machineIdentifier = options.machineIdentifier ?? randomBytes(20).toString('hex');
    this.webhookUrl = options.webhookUrl ?? null;
    this.#format = options.format ?? 'json';
    this.#library = new SimulatedLibrary(options.sections);
    this.#scanner = new Scanner(this.#library, options.ffprobe ?? 'ffprobe');
    const name = options.name ?? 'Simulated Plex';
    this.collections = new SimulatedCollections(this.#library, () => this.machineIdentifier);
    this.edits = new SimulatedEdits(this.#library, this.collections, (item) => {
      this.notifications.tellEdit(item);
    });
    this.#webhooks = new WebhookSender({ title: name, uuid: this.machineIdentifier });
    this.#routes = new Routes({
      library: this.#library,
      collections: this.collections,
      edits: this.edits,
      name,
      machineIdentifier: () => (this.fault === 'wrong-server' ? 'f'.repeat(40) : this.machineIdentifier),
      sessions: () => this.#sessions,
      isRefreshing: ({ id }) => (this.#refreshing.get(id) ?? 0) > 0,
      scanLater: (section, folder) => void this.#scanSection(section, folder, SCAN_DELAY_MS),
      analyzeLater: (item) =>
        void this.#enqueue(ANALYZE_DELAY_MS, async () => {
          await this.#scanner.analyze(item);
          this.notifications.tellAnalysis(item);
        }),
    });
    this.#server.on('upgrade', (req, socket, head) => {
      this.#upgrade(req, socket, head);
    });
  }

  /** Listens on the loopback address; port 0 takes a free one. */
  async start(port = 0): Promise<void> {
    this.#stopped = new AbortController();
    this.#webhooks.start();
    this.notifications.start();
    this.#server.listen(port, HOST);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#webhooks.stop();
    await this.notifications.stop();
    await this.#work;
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Scans everything now; resolves when it is known and the first webhooks were posted. */
  async scan(): Promise<void> {
    for (const section of this.#library.sections) await this.#scanSection(section, null, 0);
  }

  /** Resolves when no scan and no analysis is under way. */
  async settled(): Promise<void> {
    for (let seen: unknown = null; seen !== this.#work;) {
      seen = this.#work;
      await this.#work;
    }
  }

  /** Live objects: views, ratings and labels may be set on them. */
  items(): SimulatedItem[] {
    return this.#library.items();
  }

  findByPath(serverPath: string): SimulatedItem | null {
    return this.#library.findByPath(serverPath);
  }

  /** Somebody starts to watch, one session for each call. Throws for an unknown item. */
  play(
    ratingKey: string,
    options: { transcode?: boolean; state?: SimulatedSession['state']; user?: string } = {},
  ): void {
    this.#known(ratingKey);
    const { transcode = false, state = 'playing', user = 'Guest' } = options;
    const session = { sessionKey: String(this.#sessions.length + 1), ratingKey, user, state, transcode };
    this.#sessions.push(session);
    this.notifications.tellPlaying(session, state);
  }

  stopPlaying(): void {
    const ended = this.#sessions;
    this.#sessions = [];
    for (const session of ended) this.notifications.tellPlaying(session, 'stopped');
  }

  /** Adds items without files to the first section. */
  loadSynthetic(count: number): void {
    const [section] = this.#library.sections;
    if (section !== undefined) fillLibrary(this.#library, section, count);
  }

  /** A change of metadata, as by an edit or an agent: `updatedAt` moves. Throws for an unknown item. */
  touch(ratingKey: string, change: Partial<Omit<SimulatedItem, 'ratingKey' | 'files'>> = {}): void {
    const item = this.#known(ratingKey);
    Object.assign(item, { updatedAt: Math.max(nowSec(), item.updatedAt + 1) }, change);
    this.notifications.tellEdit(item);
  }

  /** Somebody deletes an item. Throws for an unknown one. */
  remove(ratingKey: string): void {
    this.#library.remove(this.#known(ratingKey));
  }

  /** Posts one event about an item to the webhook address. Throws for an unknown item. */
  async postWebhook(event: string, ratingKey: string): Promise<void> {
    const metadata = webhookMetadata(this.#known(ratingKey));
    if (this.webhookUrl !== null) await this.#webhooks.post(this.webhookUrl, event, metadata);
  }

  #known(ratingKey: string): SimulatedItem {
    const item = this.#library.find(ratingKey);
    if (item === null) throw new Error(`The simulated Plex has no item ${ratingKey}`);
    return item;
  }

  async #scanSection(section: SimulatedSection, folder: string | null, delayMs: number): Promise<void> {
    const count = (change: number): void => {
      this.#refreshing.set(section.id, (this.#refreshing.get(section.id) ?? 0) + change);
    };
    count(1);
    await this.#enqueue(delayMs, async () => {
      const news = await this.#scanner.scan(section, folder);
      count(-1);
      this.notifications.tellScan(section.id, news);
      if (this.webhookUrl !== null) await this.#webhooks.announce(this.webhookUrl, news);
    });
  }

  /** Work goes on after one task failed; the caller of that task hears of it. */
  #enqueue(delayMs: number, task: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopped;
    const run = async (): Promise<void> => {
      try {
        await sleep(delayMs, undefined, { signal });
      } catch {
        // Stopped: what was not begun is not done.
        return;
      }
      await task();
    };
    const done = this.#work.then(run);
    this.#work = done.catch(() => undefined);
    return done;
  }

  #remember(req: IncomingMessage): URL {
    const url = new URL(req.url ?? '/', 'http://plex');
    const { method = 'GET' } = req;
    const query = Object.fromEntries(url.searchParams);
    this.requests.push({ method, path: url.pathname, query, accept: req.headers.accept ?? '' });
    if (this.requests.length > REMEMBERED_REQUESTS) this.requests.shift();
    return url;
  }

  /** Somebody wants to listen. */
  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = this.#remember(req);
    const token = req.headers['x-plex-token'] ?? url.searchParams.get('X-Plex-Token');
    this.#upgraded.add(socket);
    socket.on('error', () => undefined).once('close', () => this.#upgraded.delete(socket));
    if (this.fault === 'hang') return;
    if (typeof this.fault === 'number') refuseUpgrade(socket, this.fault);
    else if (this.fault === 'maintenance') refuseUpgrade(socket, 503);
    else if (this.fault === 'html') refuseUpgrade(socket, 200);
    else if (this.fault === 'reset') socket.destroy();
    else if (token !== this.token) refuseUpgrade(socket, 401);
    else if (!NOTIFICATION_PATHS.includes(url.pathname)) refuseUpgrade(socket, 404);
    else if (this.notifications.refusal !== null) refuseUpgrade(socket, this.notifications.refusal);
    else this.notifications.welcome(req, socket, head);
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    const url = this.#remember(req);
    const method = req.method ?? 'GET';
    const accept = req.headers.accept ?? '';
    req.resume();
    const isIdentity = url.pathname === '/identity';
    if (sendFault(res, this.fault, isIdentity)) return;
    const token = req.headers['x-plex-token'] ?? url.searchParams.get('X-Plex-Token');
    if (!isIdentity && token !== this.token) {
      sendStatus(res, 401);
      return;
    }
    const reply = this.#routes.answer({ method, path: url.pathname, query: url.searchParams, headers: req.headers });
    const json = this.#format === 'json' && accept.includes('application/json');
    const emptied =
      this.fault === 'empty' && !isIdentity && reply.kind === 'container' ? emptyOf(reply.container) : null;
    sendReply(res, emptied === null ? reply : { kind: 'container', container: emptied }, {
      json,
      cut: this.fault === 'half-json' && !isIdentity,
    });
  }
}

/** The count of the whole list stays, what is in it is gone: a server whose database is locked answers so. */
function emptyOf({ totalSize, offset }: Record<string, unknown>): Record<string, unknown> {
  return totalSize === undefined ? { size: 0 } : { size: 0, totalSize, offset };
}
