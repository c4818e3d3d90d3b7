import { basename } from 'node:path';
import { AppError, conflict, toAppError } from '../../domain/errors.js';
import { attemptId } from '../../domain/jobs/job.js';
import { toServerPath } from '../../domain/settings/paths.js';
import type { QuarantineEntry } from '../../domain/replace/quarantine.js';
import { purgeStored, restorePlan } from '../../files/quarantine.js';
import type { QueueParts } from '../jobs/parts.js';
import type { SurplusCopies } from './surplus.js';
import type { PlexRefresher, Where } from './plex-refresher.js';
import { holds, type Viewers } from '../jobs/viewers.js';
import { quarantineDirs } from '../jobs/work-folder.js';

/** Puts kept originals back, and deletes them for good. */
export class Restorer {
  readonly #parts: QueueParts;
  readonly #viewers: Viewers;
  readonly #refresher: PlexRefresher;
  readonly #surplus: SurplusCopies;

  constructor(parts: QueueParts, viewers: Viewers, refresher: PlexRefresher, surplus: SurplusCopies) {
    this.#parts = parts;
    this.#surplus = surplus;
    this.#viewers = viewers;
    this.#refresher = refresher;
  }

  /**
   * Puts the original back at its path, tells the server, and makes sure no rule encodes it again by itself. Throws
   * `conflict`, `file_in_use`, `file_changed`, `file_exists`, `file_missing`; then nothing was moved. `stands` continues
   * a restore that was cut off after the files were swapped.
   */
  async restore(
    id: string,
    signal: AbortSignal,
    stands: { isRetired: boolean } | null = null,
  ): Promise<QuarantineEntry> {
    const { store, swapper } = this.#parts;
    const entry = store.quarantine.get(id);
    if (entry.state !== 'kept') throw conflict(`This original was already ${entry.state}.`);
    if (entry.kind === 'surplus') return this.#surplus.restore(entry, signal);
    const where = this.#whereIs(entry);
    const isRenamed = entry.originalPath !== entry.replacementPath;
    if (!stands) {
      await this.#refuseViewers(entry, where, isRenamed, signal);
      await swapper.place(await restorePlan(entry), signal);
    }
    if (isRenamed && stands?.isRetired !== true) await this.#retire(entry, where, signal);
    const restored = await this.#record(entry);
    try {
      await swapper.finish(entry.id);
    } finally {
      // Not before: until then the folder in which it was kept still stands.
      this.#announce(entry.id);
    }
    await this.#tell(entry, where, signal);
    return restored;
  }

  /** Deletes a kept original for good. Throws `conflict`, `file_changed` or `path_forbidden`; then nothing was deleted. */
  async purge(id: string, who: string): Promise<QuarantineEntry> {
    const { store, now } = this.#parts;
    const known = store.quarantine.get(id);
    if (known.state !== 'kept') throw conflict(`This original was already ${known.state}.`);
    const entry = known.kind === 'surplus' ? await this.#surplus.withStandingCopy(known) : known;
    await purgeStored(entry, quarantineDirs(store.settings.value));
    await store.audit.append({
      who,
      action: 'purge original',
      object: entry.storedPath,
      detail: { sha256: entry.sha256 },
    });
    return this.#end(id, { state: 'purged', endedAt: now().toISOString() });
  }

  /** Notes that a kept original is not where it was put. */
  async lose(id: string): Promise<QuarantineEntry> {
    return this.#end(id, { state: 'lost', endedAt: this.#parts.now().toISOString() });
  }

  #whereIs({ itemId }: QuarantineEntry): Where | null {
    const item = this.#parts.store.library.find(itemId);
    return item ? { serverId: item.serverId, sectionId: item.sectionId, ratingKey: item.ratingKey } : null;
  }

  async #refuseViewers(
    entry: QuarantineEntry,
    where: Where | null,
    isRenamed: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    let sessions;
    try {
      sessions = await this.#viewers.now(signal);
    } catch (error) {
      // With the name kept, a reader keeps what it opened: going back to the original must not depend on Plex.
      if (!isRenamed) return;
      throw error;
    }
    const serverPath = this.#serverPathOf(entry.replacementPath, entry);
    const item = this.#parts.store.library.find(entry.itemId);
    const fileId = item?.files.find(({ path }) => path === serverPath)?.id ?? '';
    const { servers } = this.#parts.store;
    const { serverId, ratingKey } = where ?? { serverId: servers.ofItem(entry.itemId), ratingKey: '' };
    const file = { serverId, ratingKey, fileId, serverPath, localPath: entry.replacementPath };
    const watching = holds(sessions, file, (id) => servers.mappingsOf(id));
    if (watching) {
      throw new AppError(
        'file_in_use',
        `${watching.user || 'Somebody'} is watching it. Restore it when they are done.`,
      );
    }
  }

  async #retire(entry: QuarantineEntry, where: Where | null, signal: AbortSignal): Promise<void> {
    const { swapper, store } = this.#parts;
    const { verifyTimeoutSec } = store.settings.value.plex;
    const serverPath = this.#serverPathOf(entry.originalPath, entry);
    try {
      if (where) {
        await this.#refresher.scan(where, serverPath, signal);
        const expected = { serverPath, sizeBytes: entry.sizeBytes, codec: null, gonePath: null };
        const options = { timeoutMs: verifyTimeoutSec * 1000, analyze: false, signal };
        if (!(await this.#refresher.waitUntilShown(where, expected, options))) {
          throw new AppError(
            'plex_unavailable',
            `Plex did not show ${basename(entry.originalPath)} within ${verifyTimeoutSec} seconds. Nothing was changed; try again.`,
          );
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      await swapper.undo(entry.id);
      await swapper.finish(entry.id);
      throw error;
    }
    await swapper.retire(entry.id);
  }

  async #record(entry: QuarantineEntry): Promise<QuarantineEntry> {
    const { store, now } = this.#parts;
    const at = now().toISOString();
    const presetId = store.jobs.find(entry.jobId)?.presetId;
    const [restored] = await Promise.all([
      store.quarantine.patch(entry.id, { state: 'restored', endedAt: at }),
      presetId === undefined
        ? Promise.resolve()
        : store.attempts.put({
            id: attemptId(entry.originalPath, entry.sizeBytes, presetId),
            failures: 1,
            isFinal: true,
            message: 'You restored the original.',
            lastAt: at,
          }),
      store.audit.append({ who: 'owner', action: 'restore original', object: entry.originalPath }),
    ]);
    return restored;
  }

  async #end(id: string, change: Partial<QuarantineEntry>): Promise<QuarantineEntry> {
    const ended = await this.#parts.store.quarantine.patch(id, change);
    this.#announce(id);
    return ended;
  }

  #announce(id: string): void {
    this.#parts.bus.emit('quarantine.changed', { ids: [id] });
  }

  async #tell(entry: QuarantineEntry, where: Where | null, signal: AbortSignal): Promise<void> {
    if (!where) return;
    const serverPath = this.#serverPathOf(entry.originalPath, entry);
    const { verifyTimeoutSec } = this.#parts.store.settings.value.plex;
    try {
      await this.#refresher.scan(where, serverPath, signal);
      await this.#refresher.analyze(where, signal);
      await this.#refresher.waitUntilShown(
        where,
        { serverPath, sizeBytes: entry.sizeBytes, codec: null, gonePath: this.#goneAfter(entry) },
        { timeoutMs: verifyTimeoutSec * 1000, analyze: true, signal },
      );
      await this.#parts.readNow([where.ratingKey], where.serverId);
    } catch (error) {
      this.#parts.log.warn({ err: toAppError(error), entryId: entry.id }, 'Restored, but Plex could not be told yet');
    }
  }

  #goneAfter(entry: QuarantineEntry): string | null {
    return entry.originalPath === entry.replacementPath ? null : this.#serverPathOf(entry.replacementPath, entry);
  }

  #serverPathOf(localPath: string, { itemId }: QuarantineEntry): string {
    const { servers } = this.#parts.store;
    return toServerPath(localPath, servers.mappingsOf(servers.ofItem(itemId))) ?? localPath;
  }
}
