import { itemAnswer, sectionAnswer, sessionAnswer, showAnswer } from './answers.js';
import { posterOf } from './artwork.js';
import type { SimulatedCollections } from './collections.js';
import type { SimulatedEdits } from './edits.js';
import { cutPage, filterItems, sortItems } from './listing.js';
import { nowSec, type SimulatedItem, type SimulatedSection, type SimulatedSession } from './model.js';
import type { Call, Reply } from './replies.js';
import type { SimulatedLibrary } from './simulated-library.js';

/** What the routes need of the server around them. */
export interface Behind {
  library: SimulatedLibrary;
  collections: SimulatedCollections;
  edits: SimulatedEdits;
  name: string;
  machineIdentifier: () => string;
  sessions: () => readonly SimulatedSession[];
  isRefreshing: (section: SimulatedSection) => boolean;
  /** Both return at once; the work follows. */
  scanLater: (section: SimulatedSection, folder: string | null) => void;
  analyzeLater: (item: SimulatedItem) => void;
}

const VERSION = '1.41.3.9314-a0bfb8370';
const notFound: Reply = { kind: 'status', status: 404 };
const taken: Reply = { kind: 'status', status: 200 };
const container = (fields: Record<string, unknown>): Reply => ({ kind: 'container', container: fields });

/** The part of Plex's HTTP interface that a sidecar uses. */
export class Routes {
  readonly #behind: Behind;

  constructor(behind: Behind) {
    this.#behind = behind;
  }

  answer(call: Call): Reply {
    const parts = call.path.split('/').slice(1).map(decodeURIComponent);
    if (call.path === '/identity') return this.#identity();
    if (call.path === '/') return this.#root();
    if (call.path === '/:/prefs') return preferences();
    if (call.path === '/status/sessions') return this.#sessions();
    if (call.path === '/activities') return container({ size: 0 });
    if (call.path === '/photo/:/transcode') return this.#scaled(call.query.get('url') ?? '');
    if (parts[0] !== 'library') return notFound;
    if (parts[1] === 'collections') return this.#behind.collections.answer(call, parts);
    if (parts[1] === 'sections') return this.#library(call, parts[2] ?? null, parts[3] ?? null);
    if (parts[1] === 'metadata' && parts[2] !== undefined) return this.#metadata(call, parts[2], parts[3] ?? null);
    return notFound;
  }

  #identity(): Reply {
    return container({ size: 0, claimed: true, machineIdentifier: this.#behind.machineIdentifier(), version: VERSION });
  }

  #root(): Reply {
    return container({
      size: 1,
      allowMediaDeletion: true,
      friendlyName: this.#behind.name,
      machineIdentifier: this.#behind.machineIdentifier(),
      myPlexSubscription: true,
      platform: 'Linux',
      pushNotifications: true,
      version: VERSION,
      Directory: [{ count: 1, key: 'library', title: 'library' }],
    });
  }

  #sessions(): Reply {
    const sessions = this.#behind.sessions().flatMap((session) => {
      const item = this.#behind.library.find(session.ratingKey);
      return item === null ? [] : sessionAnswer(session, item);
    });
    return container({ size: sessions.length, ...(sessions.length === 0 ? {} : { Metadata: sessions }) });
  }

  #library(call: Call, id: string | null, what: string | null): Reply {
    const { library, isRefreshing } = this.#behind;
    if (id === null || id === 'all') {
      const Directory = library.sections.map((section) => sectionAnswer(section, isRefreshing(section), nowSec()));
      return container({ size: Directory.length, allowSync: false, title1: 'Plex Library', Directory });
    }
    const section = library.sections.find((known) => known.id === id);
    if (section === undefined) return notFound;
    if (what === 'all' && call.method === 'PUT') return this.#behind.edits.answer(call, section);
    if (what === 'all') return this.#list(call, section);
    if (what === 'collections') return this.#behind.collections.answer(call, ['library', 'sections', id]);
    if (what !== 'refresh') return notFound;
    if (call.method === 'GET' || call.method === 'POST') this.#behind.scanLater(section, call.query.get('path'));
    return taken;
  }

  #list(call: Call, section: SimulatedSection): Reply {
    const type = call.query.get('type');
    // The real one falls over as well.
    if (call.query.has('file') && type === null) return { kind: 'status', status: 500 };
    const wanted = type ?? (section.type === 'movie' ? '1' : '2');
    if (wanted === '2') return this.#shows(section);
    const holds = wanted === (section.type === 'movie' ? '1' : '4');
    const items = holds ? filterItems(this.#behind.library.itemsOf(section.id), call.query) : [];
    const sorted = sortItems(items, call.query.get('sort') ?? 'titleSort');
    return paged(sorted, call, { librarySectionID: Number(section.id), librarySectionTitle: section.title });
  }

  #shows(section: SimulatedSection): Reply {
    const { library } = this.#behind;
    const shows = [...library.shows.values()].filter(({ sectionId }) => sectionId === section.id);
    const Metadata = shows.map((show) => showAnswer(show, null, library.leavesOf(show.ratingKey)?.length ?? 0));
    return container({ size: Metadata.length, ...(Metadata.length === 0 ? {} : { Metadata }) });
  }

  #metadata(call: Call, ids: string, what: string | null): Reply {
    const { library } = this.#behind;
    if (what === 'thumb') return { kind: 'image', body: posterOf(library, ids) };
    if (what === 'allLeaves') {
      const leaves = library.leavesOf(ids);
      return leaves === null ? notFound : paged(leaves, call, {});
    }
    if (what === 'analyze' || what === 'refresh') return this.#act(call, ids, what);
    if (what !== null) return notFound;
    const Metadata = ids.split(',').flatMap((id) => {
      const item = library.find(id);
      return item === null ? (this.#showOrSeason(id) ?? []) : itemAnswer(item, true);
    });
    if (Metadata.length === 0) return notFound;
    return container({ size: Metadata.length, allowSync: true, identifier: 'com.plexapp.plugins.library', Metadata });
  }

  /** A picture is never scaled here; only what is one is answered. */
  #scaled(url: string): Reply {
    const ratingKey = /^\/library\/metadata\/(\d+)\/thumb(\/|$)/.exec(url)?.[1];
    return ratingKey === undefined ? notFound : { kind: 'image', body: posterOf(this.#behind.library, ratingKey) };
  }

  #act(call: Call, id: string, what: 'analyze' | 'refresh'): Reply {
    if (call.method !== 'PUT') return notFound;
    const item = this.#behind.library.find(id);
    if (item === null) return notFound;
    if (what === 'analyze') this.#behind.analyzeLater(item);
    return taken;
  }

  #showOrSeason(id: string): Record<string, unknown> | null {
    const { library } = this.#behind;
    for (const show of library.shows.values()) {
      const leafCount = library.leavesOf(id)?.length ?? 0;
      if (show.ratingKey === id) return showAnswer(show, null, leafCount);
      for (const [season, key] of show.seasons) if (key === id) return showAnswer(show, season, leafCount);
    }
    return null;
  }
}

function paged(items: SimulatedItem[], call: Call, fields: Record<string, unknown>): Reply {
  const page = cutPage(items, call.query, call.headers);
  const Metadata = page.items.map((item) => itemAnswer(item, false));
  return container({
    size: Metadata.length,
    ...page.paging,
    allowSync: true,
    identifier: 'com.plexapp.plugins.library',
    ...fields,
    ...(Metadata.length === 0 ? {} : { Metadata }),
  });
}

const preferences = (): Reply =>
  container({
    size: 3,
    Setting: [
      { id: 'WebHooksEnabled', label: 'Webhooks', type: 'bool', default: 'true', value: true, hidden: false },
      { id: 'PushNotificationsEnabled', label: 'Push', type: 'bool', default: 'false', value: true, hidden: false },
      { id: 'autoEmptyTrash', label: 'Empty trash', type: 'bool', default: 'true', value: true, hidden: false },
    ],
  });
