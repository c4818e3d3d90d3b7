import { toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { itemId, type LibraryItem } from '../../domain/library/library.js';
import type { Servers } from '../../domain/plex/media-server.js';
import { toLocalPath } from '../../domain/settings/paths.js';
import type { Run } from '../../domain/recommendations/run.js';
import type { PendingItem, PlexWebhook, WebhookOutcome } from '../../domain/plex/webhook.js';
import type { Bus } from '../../lib/bus.js';
import { Gate } from '../../lib/gate.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { isCalm } from './intake-calm.js';
import { Admission, type AnnouncedTitle } from './admission.js';
import { IntakeInbox } from './intake-inbox.js';
import { PendingItems } from './pending-items.js';
import { ReadLedger } from './read-ledger.js';
import { ItemReader } from './item-reader.js';
import { AnalysisBatcher } from '../recommendations/analysis-batcher.js';
import { hasSameSizes, isUnsettled } from './settled.js';
import { ItemWriter, type Written } from './item-writer.js';
import { WebhookTally } from './webhook-tally.js';

export interface IntakeParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  /** Throws `plex_not_configured`. */
  server: Servers;
  analyzer: {
    items(itemIds: string[], trigger: Run['trigger']): Promise<unknown>;
    /** See `MissedLooks.begin`. */
    willAnalyze(): Promise<(isAnalyzed: boolean) => void>;
  };
  /** First pause before something is tried again, milliseconds; doubles each time. */
  retryMs?: number;
}

/** So often an item may be found unfinished; then it is taken as it is, and the next sync sees the rest. */
const LOOKS = 15;
const DETAILS_AT_A_TIME = 50;
const GROUPS_AT_A_TIME = 4;

/** Takes in news from the media server: drops repeats, waits until an item has settled, reads it, lets the rules look. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #itemWriter: ItemWriter;
  readonly #tally: WebhookTally;
  readonly #line: PendingItems;
  readonly #memory: ReadLedger;
  readonly #admission: Admission;
  readonly #reader: ItemReader;
  /** Shows and seasons whose episodes are asked for. */
  readonly #groups = new Gate(GROUPS_AT_A_TIME);
  readonly #look: AnalysisBatcher;
  readonly #inbox = new IntakeInbox((event) => this.#sort(event));
  /** What the library says now is of our own doing. */
  #isPutting = false;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#itemWriter = new ItemWriter(parts);
    this.#tally = new WebhookTally(parts);
    this.#memory = new ReadLedger(parts.now);
    this.#line = new PendingItems(parts, {
      retryMs: parts.retryMs ?? 5000,
      read: (row, signal) => this.#read(row, signal),
    });
    this.#admission = new Admission(parts, this.#memory, this.#line);
    this.#reader = new ItemReader(parts.server, () => this.#line.signal);
    this.#look = new AnalysisBatcher(parts);
  }

  /** Goes on with what waited when the program ended. */
  start(): void {
    this.#unsubscribe = this.#parts.bus.on('library.changed', ({ itemIds, isPiece = false }) => {
      if (!this.#isPutting) this.#memory.stored(itemIds, isPiece);
    });
    this.#line.start();
  }

  /** What waits stays stored. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#inbox.flush();
    await this.#line.stop();
    await this.#tally.flush();
  }

  /** Resolves when the news is stored; the work follows. */
  receive(event: PlexWebhook): Promise<WebhookOutcome> {
    return this.#inbox.add(event);
  }

  async #sort(event: PlexWebhook): Promise<WebhookOutcome> {
    const { event: name, Metadata: about } = event;
    const hasSameFiles =
      name !== 'library.new' || (await this.#hasSameFiles(event.Server.uuid, about?.ratingKey ?? ''));
    const { outcome, row } = this.#admission.sort(event, hasSameFiles);
    await this.count(outcome, event.event);
    if (row) await this.#line.add([row]);
    return outcome;
  }

  /** The same for news that no webhook brought, which are not counted. Resolves when they are stored. */
  async hear(news: AnnouncedTitle): Promise<void> {
    const { row } = this.#admission.admit(news, 'schedule', await this.#hasSameFiles(news.serverId, news.ratingKey));
    if (row) await this.#line.add([row]);
  }

  /** Counts a webhook; never fails and does not wait for the disk. */
  count(outcome: WebhookOutcome, event: string): Promise<void> {
    this.#tally.add(outcome, event);
    this.#parts.bus.emit('webhook.received', { event, outcome });
    return Promise.resolve();
  }

  /** Reads items again without waiting for them to settle. When Plex is away they are read later; other errors are thrown. */
  async readNow(ratingKeys: string[], serverId = this.#parts.store.servers.firstId): Promise<void> {
    try {
      for (let start = 0; start < ratingKeys.length; start += DETAILS_AT_A_TIME) {
        const keys = ratingKeys.slice(start, start + DETAILS_AT_A_TIME);
        const items = await this.#parts.server(serverId).details(keys, this.#line.signal);
        await this.#take(items, 'owner');
      }
    } catch (error) {
      if (!toAppError(error).isRetriable) throw error;
      this.#parts.log.warn({ err: error }, 'Items could not be read again now; MediaFlow tries again');
      await this.#line.add(ratingKeys.map((key) => this.#admission.newRow(serverId, key, 'movie', 'owner')));
    }
  }

  /** News that is still to come to rest: what is read from now on need not be read again. Answers its `order`. */
  expect({ serverId, ratingKey, updatedAt }: AnnouncedTitle): number {
    return this.#memory.heard(itemId(serverId, ratingKey), updatedAt);
  }

  /**
   * Reads known titles of one server again; the rules look at those that changed. One with another file waits until it has settled, like
   * a new one, and so does everything while Plex is away. Other errors are thrown.
   */
  async readChanged(titles: readonly AnnouncedTitle[]): Promise<void> {
    const news = new Map<string, AnnouncedTitle>();
    for (const title of titles) {
      if (this.#isWaiting(title)) await this.hear(title);
      else if (!(await this.#isRead(title))) news.set(title.ratingKey, title);
    }
    try {
      const keys = [...news.keys()];
      const serverId = titles[0]?.serverId ?? '';
      for (let start = 0; start < keys.length; start += DETAILS_AT_A_TIME) {
        const some = keys.slice(start, start + DETAILS_AT_A_TIME);
        for (const { ratingKey, type, sectionId } of await this.#readCalm(serverId, some))
          await this.hear({ serverId, ratingKey, kind: type, sectionId, updatedAt: null });
        for (const key of some) news.delete(key);
      }
    } catch (error) {
      if (this.#line.signal?.aborted !== false || !toAppError(error).isRetriable) throw error;
      for (const title of news.values()) await this.hear(title);
    }
  }

  #isWaiting({ serverId, ratingKey }: AnnouncedTitle): boolean {
    return this.#parts.store.pending.has(`${serverId}/${ratingKey}`);
  }

  /** Whether these news were read already, by whomever. */
  async #isRead({
    serverId,
    ratingKey,
    updatedAt,
    order = Number.POSITIVE_INFINITY,
  }: AnnouncedTitle): Promise<boolean> {
    const id = itemId(serverId, ratingKey);
    if (this.#memory.isKnownBy(id, order)) return true;
    const hasSameFiles = await this.#hasSameFiles(serverId, ratingKey);
    const known = this.#parts.store.library.find(id);
    const isUpToDate = known !== null && hasSameFiles && this.#memory.isUpToDate(known);
    if (isUpToDate) this.#memory.wasRead(known);
    return isUpToDate || (hasSameFiles && this.#memory.isRepeat(id, updatedAt ?? Number.POSITIVE_INFINITY));
  }

  /** Reads known items and stores those whose files are the ones we know. Returns the others. */
  async #readCalm(serverId: string, ratingKeys: readonly string[]): Promise<LibraryItem[]> {
    const { store, server } = this.#parts;
    const readings = new Map(
      ratingKeys.map((key) => [itemId(serverId, key), this.#memory.begin(itemId(serverId, key))]),
    );
    const [calm, moved]: [LibraryItem[], LibraryItem[]] = [[], []];
    try {
      const items = await server(serverId).details(ratingKeys, this.#line.signal);
      const seen = items.filter(({ sectionId }) => store.sections.find(sectionId)?.enabled !== false);
      for (const item of seen) (isCalm(item, store.library.find(item.id)) ? calm : moved).push(item);
      await this.#look.after(() => {
        const { changed, saved } = this.#put(calm);
        for (const item of calm) this.#memory.wasRead(item, readings.get(item.id));
        return { ids: changed, saved };
      }, 'schedule');
    } finally {
      for (const [id, reading] of readings) this.#memory.end(id, reading);
    }
    return moved;
  }

  /** Null when done, otherwise what it waits for. */
  async #read(row: PendingItem, signal: AbortSignal): Promise<string | null> {
    const isGroup = row.type === 'show' || row.type === 'season';
    const reason = await (isGroup ? this.#groups.run(() => this.#expand(row, signal)) : this.#readRow(row));
    // News that came during the read wait on: only with what they said can it be told that this read covered them.
    if (reason === null && this.#parts.store.pending.find(row.id) === row)
      this.#memory.forget(itemId(serverIdOf(row), row.ratingKey));
    return reason;
  }

  async #readRow(row: PendingItem): Promise<string | null> {
    const { store } = this.#parts;
    const id = itemId(serverIdOf(row), row.ratingKey);
    const known = store.library.find(id);
    if (known && this.#memory.isUpToDate(known) && (await this.#unsettled(row, known)) === null) {
      this.#memory.wasRead(known);
      await this.#look.at(known.id, row.cause);
      return null;
    }
    const reading = this.#memory.begin(id);
    try {
      const item = await this.#reader.read(serverIdOf(row), row.ratingKey);
      if (!item || store.sections.find(item.sectionId)?.enabled === false) return null;
      const reason = await this.#unsettled(row, item);
      if (reason !== null && this.#line.looksAt(row.id).count < LOOKS) return reason;
      const { saved } = this.#put([item]);
      this.#memory.wasRead(item, reading);
      await Promise.all([saved, this.#look.at(item.id, row.cause)]);
      return null;
    } finally {
      this.#memory.end(id, reading);
    }
  }

  async #unsettled(row: PendingItem, item: LibraryItem): Promise<string | null> {
    const mappings = this.#parts.store.servers.mappingsOf(item.serverId);
    const { reason, look } = await isUnsettled(item, {
      nowMs: this.#parts.now().getTime(),
      settleMs: row.cause === 'owner' ? 0 : this.#admission.settleMs(),
      before: this.#line.looksAt(row.id).look,
      toLocal: (path) => toLocalPath(path, mappings),
    });
    this.#line.remember(row.id, look);
    return reason;
  }

  /** A show or season: its new episodes wait in its place. */
  async #expand(row: PendingItem, signal: AbortSignal): Promise<string | null> {
    const { store, server } = this.#parts;
    const serverId = serverIdOf(row);
    const leaves = await server(serverId).leaves(row.ratingKey, signal);
    if (leaves.length === 0 && this.#line.looksAt(row.id).count < LOOKS) return 'Plex shows no episodes of it yet';
    const isNew = (leaf: { ratingKey: string; addedAt: string }): boolean =>
      new Date(leaf.addedAt).getTime() / 1000 >= (row.addedAfter ?? 0) &&
      !store.pending.has(`${serverId}/${leaf.ratingKey}`) &&
      !store.library.find(itemId(serverId, leaf.ratingKey))?.files.every(({ detailed }) => detailed);
    const rows = leaves
      .filter(isNew)
      .map(({ ratingKey }) => this.#admission.newRow(serverId, ratingKey, 'episode', row.cause));
    await this.#line.add(rows);
    return null;
  }

  /** Puts what we read ourselves into the library. */
  #put(items: readonly LibraryItem[]): Written {
    this.#isPutting = true;
    try {
      return this.#itemWriter.put(items);
    } finally {
      this.#isPutting = false;
    }
  }

  /** Whether none of its files was replaced here since it was read: the server's date does not move with every file. */
  async #hasSameFiles(serverId: string, ratingKey: string): Promise<boolean> {
    const known = this.#parts.store.library.find(itemId(serverId, ratingKey));
    return known === null || hasSameSizes(known);
  }

  /** Stores items and lets the rules look. Both go to the disk side by side. */
  async #take(items: LibraryItem[], trigger: Run['trigger']): Promise<void> {
    await this.#look.after(
      () => ({ ids: items.map(({ id }) => id), saved: this.#itemWriter.put(items).saved }),
      trigger,
    );
  }
}

const serverIdOf = ({ id }: PendingItem): string => id.slice(0, id.lastIndexOf('/'));
