import { itemId, sectionId as idOfSection } from '../../domain/library/library.js';
import type { PendingItem, PlexWebhook, WebhookOutcome } from '../../domain/plex/webhook.js';
import type { Store } from '../../store/store.js';
import type { PendingItems } from './pending-items.js';
import type { ReadLedger } from './read-ledger.js';

/** What is new about a title, whoever told it. */
export interface AnnouncedTitle {
  serverId: string;
  ratingKey: string;
  /** In the server's words. */
  kind: string;
  /** Null when nobody said. */
  sectionId: string | null;
  /** Epoch seconds, the server's date of the title; null when nobody said. */
  updatedAt: number | null;
  /** What `expect` answered about them; without it they are heard now. */
  order?: number;
}

/** Episodes that came within this time belong to the news about their show. */
const NEW_EPISODES_SEC = 86_400;

/** Decides which news have to wait in the line, and until when. */
export class Admission {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #memory: ReadLedger;
  readonly #line: PendingItems;

  constructor(parts: { store: Store; now: () => Date }, memory: ReadLedger, line: PendingItems) {
    this.#store = parts.store;
    this.#now = parts.now;
    this.#memory = memory;
    this.#line = line;
  }

  /** The same for a webhook, which may be about anything. */
  sort(event: PlexWebhook, hasSameFiles: boolean): { outcome: WebhookOutcome; row: PendingItem | null } {
    const [first = '', ...others] = this.#store.servers.ids();
    const serverId = event.Server.uuid;
    if (first !== '' && serverId !== first && !others.includes(serverId)) return { outcome: 'wrong_server', row: null };
    if (event.event !== 'library.new') return { outcome: 'ignored', row: null };
    const { Metadata: about } = event;
    if (!about) return { outcome: 'malformed', row: null };
    const { ratingKey, type: kind, librarySectionID: key, updatedAt = null } = about;
    const isFirst = !others.includes(serverId);
    const sectionId = key === undefined ? null : idOfSection({ id: serverId, isFirst }, key);
    return this.admit({ serverId, ratingKey, kind, sectionId, updatedAt }, 'webhook', hasSameFiles);
  }

  /** What becomes of news, and the row to wait with. `hasSameFiles`: none of its files was replaced since it was read. */
  admit(
    { serverId, ratingKey, kind, sectionId, updatedAt, order }: AnnouncedTitle,
    cause: PendingItem['cause'],
    hasSameFiles: boolean,
  ): { outcome: WebhookOutcome; row: PendingItem | null } {
    const store = this.#store;
    if (!['movie', 'episode', 'season', 'show'].includes(kind)) return { outcome: 'ignored', row: null };
    if (sectionId !== null && store.sections.find(sectionId)?.enabled === false)
      return { outcome: 'ignored', row: null };
    const row = this.newRow(serverId, ratingKey, kind, cause);
    const id = itemId(serverId, ratingKey);
    const waiting = store.pending.find(row.id);
    // A webhook without a date is a repetition; what the server tells otherwise may be about another file.
    const date = updatedAt ?? (cause === 'webhook' ? 0 : Number.POSITIVE_INFINITY);
    const isCovered = order !== undefined && this.#memory.isKnownBy(id, order);
    if (isCovered || (!waiting && hasSameFiles && this.#memory.isRepeat(id, date)))
      return { outcome: 'repeated', row: null };
    if (order === undefined) this.#memory.heard(id, updatedAt);
    else this.#memory.remind(id, updatedAt, order);
    if (waiting) return { outcome: 'repeated', row: this.#line.held(waiting, this.settleMs()) };
    return { outcome: 'accepted', row: { ...row, dueAt: this.#line.in(this.settleMs()) } };
  }

  /** How long news must have stopped, milliseconds. */
  settleMs(): number {
    return this.#store.settings.value.plex.settleSec * 1000;
  }

  /** A row that is due at once. */
  newRow(serverId: string, ratingKey: string, type: string, cause: PendingItem['cause']): PendingItem {
    const now = this.#now();
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
}
