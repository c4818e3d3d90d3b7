import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { isMediaName, parseEpisode, parseMovie, stemOf } from './file-names.js';
import { type SimulatedFile, type SimulatedItem, type SimulatedSection } from './model.js';
import { readMedia } from './read-file.js';
import type { SimulatedLibrary } from './simulated-library.js';

interface FoundFile {
  serverPath: string;
  localPath: string;
  sizeBytes: number;
  changedAt: number;
}

/** What one scan brought: new items, the shows and seasons that were not there before, and what else is different now. */
export interface ScanNews {
  items: SimulatedItem[];
  showKeys: Set<string>;
  seasonKeys: Set<string>;
  /** With other files than before. */
  changed: Set<SimulatedItem>;
  removed: SimulatedItem[];
}

const inside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** Looks at real folders and keeps the shelf the way Plex would. */
export class Scanner {
  readonly #library: SimulatedLibrary;
  readonly #ffprobe: string;

  constructor(library: SimulatedLibrary, ffprobe: string) {
    this.#library = library;
    this.#ffprobe = ffprobe;
  }

  /** Scans a folder of a section, as the server sees it, or all of it. A path that is no folder of it scans nothing. */
  async scan(section: SimulatedSection, folder: string | null): Promise<ScanNews> {
    const news: ScanNews = { items: [], showKeys: new Set(), seasonKeys: new Set(), changed: new Set(), removed: [] };
    for (const location of section.locations) {
      const scope = folder ?? location.serverPath;
      if (!inside(scope, location.serverPath)) continue;
      const localScope = join(location.localPath, relative(location.serverPath, scope));
      const state = await stat(localScope).catch(() => null);
      // A file, there or gone: the real one scans some other folder then.
      if (state === null ? isMediaName(posix.basename(scope)) : !state.isDirectory()) continue;
      const found = state === null ? [] : await findFiles(localScope, scope);
      this.#forgetMissing(section, scope, new Map(found.map((file) => [file.serverPath, file])), news);
      for (const file of found) await this.#take(section, file, news);
    }
    this.#library.dropEmptyShows();
    return news;
  }

  /** Looks into the files of an item again: only now does what is inside them become known. */
  async analyze(item: SimulatedItem): Promise<void> {
    for (const file of item.files) {
      if (file.localPath === null) continue;
      const state = await stat(file.localPath).catch(() => null);
      if (state === null) continue;
      Object.assign(file, sizeOf(state));
      file.reading = await readMedia(file.localPath, this.#ffprobe);
    }
  }

  /** Trash is emptied at once: with its last file an item goes for good, views and all. */
  #forgetMissing(
    section: SimulatedSection,
    scope: string,
    found: ReadonlyMap<string, FoundFile>,
    news: ScanNews,
  ): void {
    for (const item of this.#library.itemsOf(section.id)) {
      const before = item.files.length;
      item.files = item.files.filter(
        ({ serverPath, localPath }) => localPath === null || found.has(serverPath) || !inside(serverPath, scope),
      );
      if (item.files.length < before) news.changed.add(item);
      if (before === 0 || item.files.length > 0) continue;
      this.#library.remove(item);
      news.changed.delete(item);
      news.removed.push(item);
    }
  }

  async #take(section: SimulatedSection, found: FoundFile, news: ScanNews): Promise<void> {
    const items = this.#library.itemsOf(section.id);
    const owner = items.find(({ files }) => files.some(({ serverPath }) => serverPath === found.serverPath));
    const known = owner?.files.find(({ serverPath }) => serverPath === found.serverPath);
    if (owner !== undefined && known !== undefined) {
      if (known.sizeBytes !== found.sizeBytes || known.changedAt !== found.changedAt) news.changed.add(owner);
      // The new size is seen; what is inside stays as it was until somebody asks for an analysis.
      known.sizeBytes = found.sizeBytes;
      known.changedAt = found.changedAt;
      return;
    }
    const file = this.#library.newFile({ ...found, reading: await readMedia(found.localPath, this.#ffprobe) });
    const stem = stemOf(found.serverPath);
    const twin = items.find(({ files }) => files.some(({ serverPath }) => stemOf(serverPath) === stem));
    if (twin === undefined) {
      this.#add(section, file, news);
      return;
    }
    twin.files.push(file);
    if (!news.items.includes(twin)) news.changed.add(twin);
  }

  #add(section: SimulatedSection, file: SimulatedFile, news: ScanNews): void {
    if (section.type === 'movie') {
      const { title, year } = parseMovie(file.serverPath);
      news.items.push(this.#library.add({ sectionId: section.id, type: 'movie', title, year, files: [file] }));
      return;
    }
    const parsed = parseEpisode(file.serverPath);
    if (parsed === null) return;
    const shows = new Set(this.#library.shows.keys());
    const seasons = new Set([...this.#library.shows.values()].flatMap((show) => [...show.seasons.values()]));
    const { show, seasonKey } = this.#library.showOf(section.id, parsed.show, parsed.season);
    if (!shows.has(show.ratingKey)) news.showKeys.add(show.ratingKey);
    if (!seasons.has(seasonKey)) news.seasonKeys.add(seasonKey);
    const { title, season, episode } = parsed;
    const item = { sectionId: section.id, type: 'episode', title, show, season, episode, files: [file] } as const;
    news.items.push(this.#library.add({ ...item, files: [file] }));
  }
}

const sizeOf = (state: Stats): Pick<FoundFile, 'sizeBytes' | 'changedAt'> => ({
  sizeBytes: state.size,
  changedAt: Math.floor(state.mtimeMs / 1000),
});

/** Media files below a folder; what is hidden stays unseen. Links to files count, links to folders do not. */
async function findFiles(localFolder: string, serverFolder: string): Promise<FoundFile[]> {
  const entries: Dirent[] = await readdir(localFolder, { withFileTypes: true }).catch(() => []);
  const found: FoundFile[] = [];
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    if (entry.name.startsWith('.')) continue;
    const localPath = join(localFolder, entry.name);
    const serverPath = posix.join(serverFolder, entry.name.split(sep).join('/'));
    if (entry.isDirectory()) {
      found.push(...(await findFiles(localPath, serverPath)));
      continue;
    }
    if (!isMediaName(entry.name)) continue;
    const state = await stat(localPath).catch(() => null);
    if (state?.isFile() === true) found.push({ serverPath, localPath, ...sizeOf(state) });
  }
  return found;
}
