import { AppError, toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { itemId, sectionId as idOfSection, type LibraryItem } from '../../domain/library.js';
import type { Servers } from '../../domain/media-server.js';
import { toLocalPath } from '../../domain/paths.js';
import type { Run } from '../../domain/run.js';
import type { PendingItem, PlexWebhook, WebhookOutcome } from '../../domain/webhook.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { isCalm } from './intake-calm.js';
import { WaitingLine } from './intake-line.js';
import { IntakeMemory } from './intake-memory.js';
import { isUnsettled } from './settled.js';
import { Shelf } from './shelf.js';
import { WebhookTally } from './webhook-tally.js';

export interface IntakeParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  /** Throws `plex_not_configured`. */
  server: Servers;
  analyzer: { items(itemIds: string[], trigger: Run['trigger']): Promise<unknown> };
  /** First pause before something is tried again, milliseconds; doubles each time. */
  retryMs?: number;
}

/** What is new about a title, whoever told it. */
export interface TitleNews {
  serverId: string;
  ratingKey: string;
  /** In the server's words. */
  kind: string;
  /** Null when nobody said. */
  sectionId: string | null;
  /** Epoch seconds, the server's date of the title; null when nobody said. */
  updatedAt: number | null;
}

/** So often an item may be found unfinished; then it is taken as it is, and the next sync sees the rest. */
const LOOKS = 15;
/** Episodes that came within this time belong to the news about their show. */
const NEW_EPISODES_SEC = 86_400;
const DETAILS_AT_A_TIME = 50;

/** Takes in news from the media server: drops repeats, waits until an item has settled, reads it, lets the rules look. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #shelf: Shelf;
  readonly #tally: WebhookTally;
  readonly #line: WaitingLine;
  readonly #memory: IntakeMemory;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#shelf = new Shelf(parts);
    this.#tally = new WebhookTally(parts);
    this.#memory = new IntakeMemory(parts.now);
    this.#line = new WaitingLine(parts, {
      retryMs: parts.retryMs ?? 5000,
      read: (row, signal) => this.#read(row, signal),
    });
  }

  /** Goes on with what waited when the program ended. */
  start(): void {
    this.#unsubscribe = this.#parts.bus.on('library.changed', ({ itemIds }) => {
      this.#memory.stored(itemIds);
    });
    this.#line.start();
  }

  /** What waits stays stored. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#line.stop();
    await this.#tally.flush();
  }

  /** Resolves when the news is stored; the work follows. */
  async receive(event: PlexWebhook): Promise<WebhookOutcome> {
    const { outcome, row } = this.#sort(event);
    await this.count(outcome, event.event);
    if (row) await this.#line.add([row]);
    return outcome;
  }

  /** The same for news that no webhook brought, which are not counted. Resolves when they are stored. */
  async hear(news: TitleNews): Promise<void> {
    const { row } = this.#admit(news, 'schedule');
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
      await this.#line.add(ratingKeys.map((key) => this.#newRow(serverId, key, 'movie', 'owner')));
    }
  }

  /** News that is still to come to rest: what a sync reads from now on need not be read again. */
  expect({ serverId, ratingKey, updatedAt }: TitleNews): void {
    this.#memory.heard(itemId(serverId, ratingKey), updatedAt);
  }

  /**
   * Reads known titles of one server again; the rules look at those that changed. One with another file waits until it has settled, like
   * a new one, and so does everything while Plex is away. Other errors are thrown.
   */
  async readChanged(titles: readonly TitleNews[]): Promise<void> {
    const news = new Map<string, TitleNews>();
    for (const title of titles) {
      if (this.#isWaiting(title)) await this.hear(title);
      else if (!this.#isRead(title)) news.set(title.ratingKey, title);
    }
    try {
      const keys = [...news.keys()];
      const serverId = titles[0]?.serverId ?? '';
      for (let start = 0; start < keys.length; start += DETAILS_AT_A_TIME) {
        const items = await this.#parts
          .server(serverId)
          .details(keys.slice(start, start + DETAILS_AT_A_TIME), this.#line.signal);
        for (const { ratingKey, type, sectionId } of await this.#takeCalm(items))
          await this.hear({ serverId, ratingKey, kind: type, sectionId, updatedAt: null });
        for (const { ratingKey } of items) news.delete(ratingKey);
      }
    } catch (error) {
      if (this.#line.signal?.aborted !== false || !toAppError(error).isRetriable) throw error;
      for (const title of news.values()) await this.hear(title);
    }
  }

  #isWaiting({ serverId, ratingKey }: TitleNews): boolean {
    return this.#parts.store.pending.has(`${serverId}/${ratingKey}`);
  }

  /** Whether these news were read already, by whomever. */
  #isRead({ serverId, ratingKey, updatedAt }: TitleNews): boolean {
    const id = itemId(serverId, ratingKey);
    const known = this.#parts.store.library.find(id);
    const isUpToDate = known !== null && this.#memory.isUpToDate(known);
    this.#memory.forget(id);
    return isUpToDate || this.#memory.isRepeat(id, updatedAt ?? Number.POSITIVE_INFINITY);
  }

  /** Stores the items whose files are the ones we know. Returns the others. */
  async #takeCalm(items: readonly LibraryItem[]): Promise<LibraryItem[]> {
    const { store } = this.#parts;
    const seen = items.filter(({ sectionId }) => store.sections.find(sectionId)?.enabled !== false);
    const [calm, moved]: [LibraryItem[], LibraryItem[]] = [[], []];
    for (const item of seen) (isCalm(item, store.library.find(item.id)) ? calm : moved).push(item);
    const { changed, saved } = this.#shelf.put(calm);
    for (const item of calm) this.#memory.wasRead(item);
    await Promise.all([saved, this.#analyze(changed, 'schedule')]);
    return moved;
  }

  /** What becomes of an event, and the row to wait with. */
  #sort(event: PlexWebhook): { outcome: WebhookOutcome; row: PendingItem | null } {
    const [first = '', ...others] = this.#parts.store.servers.ids();
    const serverId = event.Server.uuid;
    if (first !== '' && serverId !== first && !others.includes(serverId)) return { outcome: 'wrong_server', row: null };
    if (event.event !== 'library.new') return { outcome: 'ignored', row: null };
    const { Metadata: about } = event;
    if (!about) return { outcome: 'malformed', row: null };
    const { ratingKey, type: kind, librarySectionID: key, updatedAt = null } = about;
    const isFirst = !others.includes(serverId);
    const sectionId = key === undefined ? null : idOfSection({ id: serverId, isFirst }, key);
    return this.#admit({ serverId, ratingKey, kind, sectionId, updatedAt }, 'webhook');
  }

  #admit(
    { serverId, ratingKey, kind, sectionId, updatedAt }: TitleNews,
    cause: PendingItem['cause'],
  ): { outcome: WebhookOutcome; row: PendingItem | null } {
    const { store } = this.#parts;
    if (!['movie', 'episode', 'season', 'show'].includes(kind)) return { outcome: 'ignored', row: null };
    if (sectionId !== null && store.sections.find(sectionId)?.enabled === false)
      return { outcome: 'ignored', row: null };
    const row = this.#newRow(serverId, ratingKey, kind, cause);
    const id = itemId(serverId, ratingKey);
    const waiting = store.pending.find(row.id);
    // A webhook without a date is a repetition; what the server tells otherwise may be about another file.
    const date = updatedAt ?? (cause === 'webhook' ? 0 : Number.POSITIVE_INFINITY);
    if (!waiting && this.#memory.isRepeat(id, date)) return { outcome: 'repeated', row: null };
    this.#memory.heard(id, updatedAt);
    if (waiting) return { outcome: 'repeated', row: this.#line.held(waiting, this.#settleMs()) };
    return { outcome: 'accepted', row: { ...row, dueAt: this.#line.in(this.#settleMs()) } };
  }

  #settleMs(): number {
    return this.#parts.store.settings.value.plex.settleSec * 1000;
  }

  /** Due at once. */
  #newRow(serverId: string, ratingKey: string, type: string, cause: PendingItem['cause']): PendingItem {
    const now = this.#parts.now();
    return {
      id: `${serverId}/${ratingKey}`,
      ratingKey,
      type,
      cause,
      firstSeenAt: now.toISOString(),
      dueAt: now.toISOString(),
      failures: 0,
      lastError: null,
      addedAfter: type === 'show' || type === 'season' ? Math.floor(now.getTime() / 1000) - NEW_EPISODES_SEC : null,
    };
  }

  /** Null when done, otherwise what it waits for. */
  async #read(row: PendingItem, signal: AbortSignal): Promise<string | null> {
    const isGroup = row.type === 'show' || row.type === 'season';
    const reason = await (isGroup ? this.#expand(row, signal) : this.#readRow(row, signal));
    // News that came during the read wait on: only with what they said can it be told that this read covered them.
    if (reason === null && this.#parts.store.pending.find(row.id) === row)
      this.#memory.forget(itemId(serverIdOf(row), row.ratingKey));
    return reason;
  }

  async #readRow(row: PendingItem, signal: AbortSignal): Promise<string | null> {
    const { store, server } = this.#parts;
    const known = store.library.find(itemId(serverIdOf(row), row.ratingKey));
    if (known && this.#memory.isUpToDate(known) && (await this.#unsettled(row, known)) === null) {
      this.#memory.wasRead(known);
      await this.#analyze([known.id], row.cause);
      return null;
    }
    const item = await server(serverIdOf(row)).item(row.ratingKey, signal);
    if (!item || store.sections.find(item.sectionId)?.enabled === false) return null;
    const reason = await this.#unsettled(row, item);
    if (reason !== null && this.#line.looksAt(row.id).count < LOOKS) return reason;
    await this.#take([item], row.cause);
    this.#memory.wasRead(item);
    return null;
  }

  async #unsettled(row: PendingItem, item: LibraryItem): Promise<string | null> {
    const mappings = this.#parts.store.servers.mappingsOf(item.serverId);
    const { reason, look } = await isUnsettled(item, {
      nowMs: this.#parts.now().getTime(),
      settleMs: row.cause === 'owner' ? 0 : this.#settleMs(),
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
    const rows = leaves.filter(isNew).map(({ ratingKey }) => this.#newRow(serverId, ratingKey, 'episode', row.cause));
    await this.#line.add(rows);
    return null;
  }

  /** Stores items and lets the rules look. Both go to the disk side by side. */
  async #take(items: LibraryItem[], trigger: Run['trigger']): Promise<void> {
    const { saved } = this.#shelf.put(items);
    const ids = items.map(({ id }) => id);
    await Promise.all([saved, this.#analyze(ids, trigger)]);
  }

  /** Without rules an item is still an item: a sync has it looked at again. */
  async #analyze(ids: string[], trigger: Run['trigger']): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.#parts.analyzer.items(ids, trigger);
    } catch (error) {
      if (error instanceof AppError && error.code === 'no_space') throw error;
      this.#parts.log.warn({ err: error, items: ids }, 'The rules could not look at new items');
    }
  }
}

const serverIdOf = ({ id }: PendingItem): string => id.slice(0, id.lastIndexOf('/'));
