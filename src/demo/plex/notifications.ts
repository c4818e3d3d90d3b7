import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { nowSec, type SimulatedItem, type SimulatedSession } from './model.js';
import type { ScanNews } from './scanner.js';

type Fields = Record<string, unknown>;

/** Between two frames of one tale. */
const STEP_MS = 15;
const TYPES = { movie: 1, show: 2, season: 3, episode: 4 } as const;
const LIBRARY = 'com.plexapp.plugins.library';
/** Every client uses the first, Plex's own documents name the second. */
export const NOTIFICATION_PATHS: readonly string[] = ['/:/websockets/notifications', '/:/websocket/notifications'];
const EPG = 'tv.plex.providers.epg.xmltv:18';

/**
 * The notification socket: tells of every step, several times, numbers now as numbers and now as text, and much that
 * concerns nobody.
 */
export class NotificationSocket {
  /** The HTTP status for everybody who wants to listen; null lets them in. */
  refusal: number | null = null;
  /** Answers no ping any more, as a peer whose cable was pulled. */
  isSilent = false;
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false });
  #stopped = new AbortController();
  readonly #underway = new Set<Promise<void>>();

  start(): void {
    this.#stopped = new AbortController();
    // An edit of a hundred items is told a hundred times, each after a moment.
    setMaxListeners(0, this.#stopped.signal);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.drop();
    await Promise.allSettled(this.#underway);
  }

  get listeners(): number {
    return this.#server.clients.size;
  }

  /** Ends all connections without a word. */
  drop(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  /** Takes over a request to listen, which was found to be in order. */
  welcome(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => undefined);
      client.on('ping', (data) => {
        if (!this.isSilent) client.pong(data);
      });
      this.#send('reachability', 'ReachabilityNotification', [{ reachability: true }]);
    });
  }

  /** Sends one frame to everybody who listens, whatever is in it. */
  sendRaw(frame: string | Buffer): void {
    for (const client of this.#server.clients) client.send(frame);
  }

  /** A scan is over: what it found is told step by step. */
  tellScan(sectionId: string, news: ScanNews): void {
    this.#tell([
      () => {
        this.#activity('started', sectionId, 0);
      },
      ...news.removed.map((item) => () => {
        this.#timeline([entry(item, 9, { metadataState: 'deleted' })]);
      }),
      ...groupsOf(news).map((group) => () => {
        this.#timeline([group]);
      }),
      ...news.items.flatMap((item) => this.#stepsOf(item, true)),
      ...[...news.changed].flatMap((item) => this.#stepsOf(item, false)),
      () => {
        this.#activity('ended', sectionId, 100);
        this.#send('status', 'StatusNotification', [
          { title: 'Library scan complete', description: '', notificationName: 'LIBRARY_UPDATE' },
        ]);
      },
    ]);
  }

  /** Somebody edited an item, or an agent did. */
  tellEdit(item: SimulatedItem): void {
    this.#tell(this.#stepsOf(item, false));
  }

  /** The server looked into the files of an item. */
  tellAnalysis(item: SimulatedItem): void {
    this.#tell(
      ['analyzing', 'thumbnailing'].map((mediaState) => () => {
        this.#timeline([entry(item, 5, { metadataState: 'created', mediaState })]);
      }),
    );
  }

  tellPlaying(session: SimulatedSession, state: SimulatedSession['state'] | 'stopped'): void {
    const { sessionKey, ratingKey } = session;
    const key = `/library/metadata/${ratingKey}`;
    this.#send('playing', 'PlaySessionStateNotification', [
      { sessionKey, guid: '', ratingKey, url: '', key, viewOffset: 61_000, playQueueItemID: 400, state },
    ]);
  }

  /** Progress comes in order, and the last word comes twice. */
  #stepsOf(item: SimulatedItem, isNew: boolean): (() => void)[] {
    const states = isNew ? [0, 1, 2, 3, 4, 5, 5] : [3, 4, 5, 5];
    return states.map((state, at) => () => {
      const metadataState = state === 0 ? 'created' : state < 4 ? 'loading' : state === 4 ? 'processing' : null;
      const more = metadataState === null ? {} : { metadataState, queueSize: 5 - state };
      this.#timeline([entry(item, at % 2 === 0 ? state : String(state), more), programGuide(item)]);
    });
  }

  #activity(event: string, sectionId: string, progress: number): void {
    const type = 'library.update.section';
    const Activity = { uuid: 'scan-1', type, cancellable: false, userID: 1, title: 'Scanning', subtitle: '', progress };
    const Context = { librarySectionID: sectionId };
    this.#send('activity', 'ActivityNotification', [{ event, uuid: 'scan-1', Activity: { ...Activity, Context } }]);
    this.#send('backgroundProcessingQueue', 'BackgroundProcessingQueueEventNotification', [
      { queueID: 1, event: 'queueRegenerated' },
    ]);
  }

  #timeline(entries: Fields[]): void {
    this.#send('timeline', 'TimelineEntry', entries);
  }

  #send(type: string, key: string, entries: Fields[]): void {
    this.sendRaw(JSON.stringify({ NotificationContainer: { type, size: entries.length, [key]: entries } }));
  }

  #tell(steps: readonly (() => void)[]): void {
    if (this.listeners === 0) return;
    const { signal } = this.#stopped;
    const speak = async (): Promise<void> => {
      for (const step of steps) {
        step();
        await sleep(STEP_MS, undefined, { signal });
      }
    };
    const task = speak()
      .catch(() => undefined)
      .finally(() => this.#underway.delete(task));
    this.#underway.add(task);
  }
}

function entry(item: SimulatedItem, state: number | string, more: Fields): Fields {
  const { ratingKey, sectionId, type, title, updatedAt } = item;
  return {
    identifier: LIBRARY,
    sectionID: sectionId,
    itemID: ratingKey,
    type: TYPES[type],
    title,
    state,
    ...more,
    updatedAt,
  };
}

/** Programs of television come and go under numbers that mean something else here. */
const programGuide = ({ ratingKey }: SimulatedItem): Fields => ({
  identifier: EPG,
  sectionID: '-1',
  itemID: ratingKey,
  type: 4,
  state: 9,
  metadataState: 'deleted',
});

function groupsOf({ items, showKeys, seasonKeys }: ScanNews): Fields[] {
  const groups = [
    ...[...showKeys].map((itemID) => ({ itemID, type: TYPES.show })),
    ...[...seasonKeys].map((itemID) => ({ itemID, type: TYPES.season })),
  ];
  const [first] = items;
  return groups.map((group) => ({
    identifier: LIBRARY,
    sectionID: first?.sectionId ?? '-1',
    ...group,
    state: 5,
    updatedAt: nowSec(),
  }));
}
