import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedItem } from './model.js';
import { THUMB } from './artwork.js';
import type { ScanNews } from './scanner.js';

/** The pause before Plex says the same thing again. */
const REPEAT_MS = 100;
const TIMEOUT_MS = 10_000;

/** Posts events the way Plex does: multipart, the poster beside them, no signature, no second try when it fails. */
export class WebhookSender {
  readonly #server: { title: string; uuid: string };
  #stopped = new AbortController();
  readonly #underway = new Set<Promise<void>>();

  constructor(server: { title: string; uuid: string }) {
    this.#server = server;
  }

  start(): void {
    this.#stopped = new AbortController();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.allSettled(this.#underway);
  }

  /** One event; resolves when it was answered or could not be delivered. */
  async post(url: string, event: string, metadata: Record<string, unknown>): Promise<void> {
    const payload = {
      event,
      user: true,
      owner: true,
      Account: { id: 1, title: 'Owner' },
      Server: this.#server,
      ...(event.startsWith('media.')
        ? { Player: { local: true, publicAddress: '192.0.2.1', title: 'Living room', uuid: 'player-1' } }
        : {}),
      Metadata: metadata,
    };
    const form = new FormData();
    form.set('payload', JSON.stringify(payload));
    form.set('thumb', new Blob([THUMB], { type: 'image/jpeg' }), 'thumb.jpg');
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const response = await fetch(url, { method: 'POST', body: form, signal });
      await response.arrayBuffer();
    } catch {
      // Plex writes a line to its own log and forgets the event.
    }
  }

  /** What a scan brought. Each event comes a second time shortly after, as it does once metadata is refreshed. */
  async announce(url: string, news: ScanNews): Promise<void> {
    const events = eventsOf(news);
    for (const metadata of events) await this.post(url, 'library.new', metadata);
    if (events.length === 0) return;
    const repeat = async (): Promise<void> => {
      await sleep(REPEAT_MS, undefined, { signal: this.#stopped.signal });
      for (const metadata of events) await this.post(url, 'library.new', metadata);
    };
    const task = repeat()
      .catch(() => undefined)
      .finally(() => this.#underway.delete(task));
    this.#underway.add(task);
  }
}

/** Several episodes of a new show come as one event for the show, those of a new season as one for the season. */
function eventsOf({ items, showKeys, seasonKeys }: ScanNews): Record<string, unknown>[] {
  const groups = new Map<string, { event: Record<string, unknown>; members: SimulatedItem[] }>();
  for (const item of items) {
    const event = groupEvent(item, showKeys, seasonKeys);
    const key = String(event['ratingKey']);
    const group = groups.get(key) ?? { event, members: [] };
    group.members.push(item);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ event, members }) => {
    const [only] = members;
    return members.length === 1 && only !== undefined ? webhookMetadata(only) : event;
  });
}

function groupEvent(item: SimulatedItem, showKeys: Set<string>, seasonKeys: Set<string>): Record<string, unknown> {
  const { show } = item;
  if (show === null) return webhookMetadata(item);
  const seasonKey = show.seasons.get(item.season ?? 0) ?? '';
  const common = { librarySectionType: 'show', librarySectionID: Number(item.sectionId), addedAt: item.addedAt };
  if (showKeys.has(show.ratingKey)) return { ...common, ratingKey: show.ratingKey, type: 'show', title: show.title };
  if (seasonKeys.has(seasonKey))
    return {
      ...common,
      ratingKey: seasonKey,
      type: 'season',
      title: `Season ${item.season ?? 0}`,
      parentTitle: show.title,
    };
  return webhookMetadata(item);
}

/** An item in an event: who it is, but neither media nor path. */
export const webhookMetadata = (item: SimulatedItem): Record<string, unknown> => ({
  librarySectionType: item.type === 'movie' ? 'movie' : 'show',
  ratingKey: item.ratingKey,
  key: `/library/metadata/${item.ratingKey}`,
  guid: item.guid,
  type: item.type,
  title: item.title,
  librarySectionID: Number(item.sectionId),
  ...(item.show === null
    ? {}
    : {
        grandparentRatingKey: item.show.ratingKey,
        parentRatingKey: item.show.seasons.get(item.season ?? 0),
        grandparentTitle: item.show.title,
        parentIndex: item.season,
        index: item.episode,
      }),
  addedAt: item.addedAt,
  updatedAt: item.updatedAt,
});
