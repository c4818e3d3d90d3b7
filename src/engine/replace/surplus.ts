import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, conflict, toAppError } from '../../domain/errors.js';
import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import { toServerPath } from '../../domain/settings/paths.js';
import type { QuarantineEntry } from '../../domain/replace/quarantine.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { EXCLUDED_REASON } from '../../domain/library/excluded-items.js';
import { fingerprintIfFile, isSameFile } from '../../files/fingerprint.js';
import { moveFile, takeBack, type Move } from '../../files/set-aside.js';
import type { QueueParts } from '../jobs/parts.js';
import { purgeTime } from './receipts.js';
import type { PlexRefresher } from './plex-refresher.js';
import { checkSurplus, type Copy } from './surplus-check.js';
import type { Viewers } from '../jobs/viewers.js';
import { quarantineDirFor } from '../jobs/work-folder.js';

/** Between two looks at what the server lists. */
const LOOK_EVERY_MS = 1000;

/**
 * Moves surplus copies of a title into quarantine, and back. The row in `store.quarantine` is the journal: it says `moving`
 * before anything is moved, and what a crash leaves is decided by looking at both paths.
 */
export class SurplusCopies {
  readonly #parts: QueueParts;
  readonly #viewers: Viewers;
  readonly #refresher: PlexRefresher;
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #telling = new Set<Promise<void>>();
  readonly #abort = new AbortController();

  constructor(parts: QueueParts, viewers: Viewers, refresher: PlexRefresher) {
    this.#parts = parts;
    this.#viewers = viewers;
    this.#refresher = refresher;
  }

  /** Brings what a crash left between two places to rest. A file whose disk is not there waits for the next start. */
  async recover(): Promise<void> {
    const { store, log } = this.#parts;
    for (const entry of store.quarantine.where(({ state }) => state === 'moving')) {
      try {
        await this.#settle(entry);
      } catch (error) {
        log.error({ err: error, entryId: entry.id }, 'A surplus version is still being moved');
      }
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled([...this.#busy.values(), ...this.#telling]);
  }

  /**
   * Moves the file that a recommendation calls surplus into quarantine, after both copies were looked at at this very
   * moment. Throws `dry_run`, `conflict`, `file_missing`, `file_changed`, `file_linked`, `file_in_use`, `path_unmapped`,
   * `verify_failed` (the copy that stays is damaged), or a `plex_*` code; then nothing was moved.
   */
  setAside(row: Recommendation): Promise<QuarantineEntry> {
    return this.#alone(row.id, () => this.#setAside(row));
  }

  /** Puts a surplus copy back at its path. Throws `file_exists`, `file_changed`, `file_missing`; then nothing was moved. */
  restore(entry: QuarantineEntry, signal: AbortSignal): Promise<QuarantineEntry> {
    return this.#alone(entry.id, async () => {
      const { store } = this.#parts;
      await store.quarantine.patch(entry.id, { state: 'moving' });
      try {
        await moveFile({ ...this.#moveOf(entry), from: entry.storedPath, to: entry.originalPath, signal });
      } catch (error) {
        await this.#settle(store.quarantine.get(entry.id));
        throw error;
      }
      const restored = await this.#end(entry.id, 'restored');
      await store.audit.append({ who: 'owner', action: 'restore surplus version', object: entry.originalPath });
      const item = store.library.find(entry.itemId);
      if (item) this.#tell(item, entry.originalPath, 'shown');
      return restored;
    });
  }

  /** The entry with the copy that stands now: it may have been encoded since. Throws `conflict` when none stands. */
  async withStandingCopy(entry: QuarantineEntry): Promise<QuarantineEntry> {
    const { store } = this.#parts;
    const files = store.library.find(entry.keepItemId)?.files ?? [];
    const paths = [entry.replacementPath, ...files.map(({ localPath }) => localPath).filter((path) => path !== null)];
    for (const path of paths) {
      const seen = path === entry.originalPath ? null : await fingerprintIfFile(path);
      const isListed = files.some((file) => file.localPath === path && file.sizeBytes === seen?.sizeBytes);
      if (seen === null || (path !== entry.replacementPath && !isListed)) continue;
      if (path === entry.replacementPath && seen.sizeBytes === entry.replacementSizeBytes) return entry;
      if (isListed)
        return store.quarantine.patch(entry.id, { replacementPath: path, replacementSizeBytes: seen.sizeBytes });
    }
    throw conflict(`No other version of ${entry.title} exists any more. This one was kept: restore it.`);
  }

  async #setAside(row: Recommendation): Promise<QuarantineEntry> {
    const { store, bus, now, log } = this.#parts;
    const signal = this.#abort.signal;
    const { surplus, stays } = this.#copiesOf(row);
    const entry = await this.#entryFor(surplus, stays, signal);
    await store.quarantine.put(entry);
    try {
      const there = await moveFile({ ...this.#moveOf(entry), signal });
      await store.quarantine.patch(entry.id, { state: 'kept', fingerprint: there });
    } catch (error) {
      await this.#settle(store.quarantine.get(entry.id));
      throw error;
    }
    log.info(
      { from: entry.originalPath, to: entry.storedPath, stays: stays.path },
      'A surplus version was moved to quarantine',
    );
    const note = `It is in quarantine; ${basename(stays.path)} stays.`.slice(0, 400);
    // With an id, the same file is not proposed again while Plex still lists it, nor once it was put back.
    const change = {
      state: 'closed' as const,
      note,
      jobId: entry.id,
      snoozedUntil: null,
      changedAt: now().toISOString(),
    };
    await Promise.all([
      store.recommendations.patch(row.id, change),
      store.audit.append({
        who: 'owner',
        action: 'move surplus version to quarantine',
        object: entry.originalPath,
        detail: { keptAs: entry.storedPath, stays: stays.path },
      }),
    ]);
    bus.emit('quarantine.changed', { ids: [entry.id] });
    bus.emit('recommendation.changed', { ids: [row.id] });
    this.#tell(surplus.item, entry.originalPath, 'gone');
    return store.quarantine.get(entry.id);
  }

  /** Both copies as the library knows them. */
  #copiesOf({ itemId, fileId, fileSizeBytes, keep, state }: Recommendation): { surplus: Copy; stays: Copy } {
    const { safety } = this.#parts.store.settings.value;
    if (safety.dryRun)
      throw new AppError('dry_run', 'Dry run is on: no file is touched. Turn it off under Settings, Safety.');
    if (state !== 'open' && state !== 'snoozed') throw conflict(`This recommendation was already ${state}`);
    if (keep === null) throw conflict('This recommendation names no version that stays.');
    const surplus = this.#copyOf(itemId, fileId);
    const stays = this.#copyOf(keep.itemId, keep.fileId);
    if (surplus.file.sizeBytes !== fileSizeBytes)
      throw new AppError('file_changed', 'The file has changed since. Nothing was moved; the rule checks it again.');
    return { surplus, stays };
  }

  #copyOf(itemId: string, fileId: string): Copy {
    const { store } = this.#parts;
    const item = store.library.find(itemId);
    const file = item?.files.find(({ id }) => id === fileId);
    if (item?.state !== 'present' || !file)
      throw new AppError('file_missing', 'Plex no longer lists both versions. Nothing was moved.');
    if (store.excluded.find(itemId)) throw conflict(`${EXCLUDED_REASON} Include it again on its page first.`);
    const frozen = store.sections.find(item.sectionId)?.frozen;
    if (frozen) throw conflict(`Nothing in this library is touched until it is back: ${frozen}`);
    if (file.localPath === null)
      throw new AppError('path_unmapped', `No path mapping covers ${file.path}. Add one under Settings, Paths.`);
    return { item, file, path: file.localPath };
  }

  /** The entry to be written before anything is moved. */
  async #entryFor(surplus: Copy, stays: Copy, signal: AbortSignal): Promise<QuarantineEntry> {
    const { now, newId, store } = this.#parts;
    const { root, surplusPrint, staysPrint } = await checkSurplus(this.#parts, this.#viewers, {
      surplus,
      stays,
      signal,
    });
    const id = `surplus-${newId('copy')}`;
    return {
      id,
      kind: 'surplus',
      jobId: '',
      itemId: surplus.item.id,
      keepItemId: stays.item.id,
      title: displayTitle(surplus.item),
      originalPath: surplus.path,
      storedPath: join(quarantineDirFor(root, store.settings.value), id, basename(surplus.path)),
      replacementPath: stays.path,
      replacementSha256: '',
      sizeBytes: surplusPrint.sizeBytes,
      replacementSizeBytes: staysPrint.sizeBytes,
      sha256: '',
      fingerprint: surplusPrint,
      state: 'moving',
      keptAt: now().toISOString(),
      purgeAt: purgeTime(this.#parts),
      endedAt: null,
    };
  }

  #moveOf({ id, originalPath, storedPath, fingerprint: known }: QuarantineEntry): Move {
    return { id, from: originalPath, to: storedPath, fingerprint: known };
  }

  /** After a failure or a crash: as long as the file stands at its own path it was never away. */
  async #settle(entry: QuarantineEntry): Promise<void> {
    const { store } = this.#parts;
    const [own, stored] = await Promise.all([
      fingerprintIfFile(entry.originalPath),
      fingerprintIfFile(entry.storedPath),
    ]);
    if (own !== null && isSameFile(own, entry.fingerprint)) {
      await takeBack(this.#moveOf(entry));
      await this.#end(entry.id, 'restored');
    } else if (stored !== null) {
      await store.quarantine.patch(entry.id, { state: 'kept', fingerprint: stored });
      this.#parts.bus.emit('quarantine.changed', { ids: [entry.id] });
    } else {
      throw new AppError('file_missing', `Neither ${entry.originalPath} nor ${entry.storedPath} is there.`);
    }
  }

  async #end(id: string, state: 'restored'): Promise<QuarantineEntry> {
    const ended = await this.#parts.store.quarantine.patch(id, { state, endedAt: this.#parts.now().toISOString() });
    this.#parts.bus.emit('quarantine.changed', { ids: [id] });
    return ended;
  }

  /** Goes on by itself: the files stand as they should, and a server that does not answer will notice at its next scan. */
  #tell(item: LibraryItem, localPath: string, becomes: 'gone' | 'shown'): void {
    const { serverId, sectionId, ratingKey, files } = item;
    const where = { serverId, sectionId, ratingKey };
    const servers = this.#parts.store.servers;
    const known = files.find((file) => file.localPath === localPath)?.path;
    const serverPath = known ?? toServerPath(localPath, servers.mappingsOf(serverId));
    if (serverPath === null) return;
    const signal = this.#abort.signal;
    const telling = (async () => {
      const endsAt = performance.now() + this.#parts.store.settings.value.plex.verifyTimeoutSec * 1000;
      await this.#refresher.scan(where, serverPath, signal);
      for (;;) {
        const seen = await this.#refresher.look(where, serverPath, signal);
        const isListed = seen?.files.some(({ path }) => path === serverPath) ?? false;
        if (isListed === (becomes === 'shown') || performance.now() > endsAt) break;
        await sleep(LOOK_EVERY_MS, undefined, { signal });
      }
      await this.#parts.readNow([ratingKey], serverId);
    })();
    this.#telling.add(telling);
    telling
      .catch((error: unknown) => {
        if (!signal.aborted)
          this.#parts.log.warn({ err: toAppError(error) }, 'A version was moved, but Plex could not be told yet');
      })
      .finally(() => this.#telling.delete(telling));
  }

  /** One at a time for each: a second click is refused. */
  async #alone<T>(id: string, task: () => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw conflict('This is being done already.');
    const running = task();
    this.#busy.set(id, running);
    try {
      return await running;
    } finally {
      this.#busy.delete(id);
    }
  }
}
