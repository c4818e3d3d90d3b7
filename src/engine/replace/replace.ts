import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError, toAppError } from '../../domain/errors.js';
import type { Job } from '../../domain/jobs/job.js';
import type { LibraryItem } from '../../domain/library/library.js';
import { toServerPath } from '../../domain/settings/paths.js';
import { differencesOf, snapshotOf, type ServerSnapshot } from '../../domain/replace/server-snapshot.js';
import { prepareHidden } from '../../files/places.js';
import type { Placed, SwapPlan } from '../../domain/replace/swap.js';
import type { JobRepository } from '../jobs/repository.js';
import type { QueueParts } from '../jobs/parts.js';
import { keepReceipt } from './receipts.js';
import type { Expected, PlexRefresher, Where } from './plex-refresher.js';
import { holds, type Viewers } from '../jobs/viewers.js';
import { keepsBeside, quarantineDirFor, rootOf } from '../jobs/work-folder.js';

/** What makes the result worthless: the source is another file now, or the result itself is damaged. */
const WORTHLESS: ReadonlySet<string> = new Set(['file_changed', 'file_missing', 'file_linked', 'verify_failed']);
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 15 * 60_000;

/** A swap that stands on disk but whose job is not closed yet. */
export interface StandingSwap {
  placed: Placed;
  isRetired: boolean;
}

/** Takes a job from `replacing` to `done`: the original into quarantine, the result into its place, the server told. */
export class Replacer {
  readonly #parts: QueueParts;
  readonly #repository: JobRepository;
  readonly #viewers: Viewers;
  readonly #refresher: PlexRefresher;

  constructor(parts: QueueParts, repository: JobRepository, viewers: Viewers, refresher: PlexRefresher) {
    this.#parts = parts;
    this.#repository = repository;
    this.#viewers = viewers;
    this.#refresher = refresher;
  }

  /**
   * Ends with the job `done`, `failed` or back at `verified`. `standing` continues what was cut off after the files
   * were swapped. When stopped in between, the job stays `replacing` and the journal knows how far it came.
   */
  async run(jobId: string, signal: AbortSignal, standing: StandingSwap | null = null): Promise<void> {
    try {
      await this.#run(this.#repository.get(jobId), signal, standing);
    } catch (thrown) {
      if (signal.aborted) {
        this.#parts.log.info({ jobId }, 'A swap was interrupted; it continues at the next start');
        return;
      }
      await this.#giveUp(this.#repository.get(jobId), toAppError(thrown));
    }
  }

  async #run(job: Job, signal: AbortSignal, known: StandingSwap | null): Promise<void> {
    const { swapper, log } = this.#parts;
    const standing = known ?? (await this.#left(job.id));
    const where = await this.#whereIs(job, signal);
    const plan = await this.#planOf(job);
    if (!standing) {
      await this.#refuseViewers(job, where, signal);
      await this.#rememberServer(job, where, signal);
      await this.#prepareQuarantine(job);
    }
    const placed = standing?.placed ?? (await swapper.place(plan, signal));
    log.info({ jobId: job.id, path: plan.targetPath }, 'The result is in its place');
    if (plan.targetPath !== plan.sourcePath && standing?.isRetired !== true) {
      await this.#retire(job, plan, where, signal);
    }
    const shown = await this.#tell(this.#repository.get(job.id), plan, where, signal);
    // Whoever sees the job done finds the library as it is now.
    await this.#refreshLibrary(shown.item ?? where);
    // And nothing of the work beside it: what stands in its place needs the work folder no more, also after a crash.
    await this.#tidy(job);
    await this.#record(job.id, plan, placed, shown);
    await swapper.finish(job.id);
  }

  /** How far an earlier try came whose disk went away in the middle; what it could be taken back of, is. */
  async #left(id: string): Promise<StandingSwap | null> {
    const { swapper } = this.#parts;
    const settled = await swapper.settle(id);
    if (settled === null) return null;
    if (settled.state !== 'undone' && settled.placed)
      return { placed: settled.placed, isRetired: settled.state === 'retired' };
    await swapper.finish(id);
    return null;
  }

  async #whereIs(job: Job, signal: AbortSignal): Promise<Where | null> {
    const item = this.#parts.store.library.find(job.itemId);
    if (item) return { serverId: item.serverId, sectionId: item.sectionId, ratingKey: item.ratingKey };
    if (!job.serverBefore) return null;
    const serverId = this.#parts.store.servers.ofItem(job.itemId);
    const sectionId = await this.#refresher.sectionOf(serverId, job.serverPath, signal);
    return sectionId === null ? null : { serverId, sectionId, ratingKey: job.serverBefore.ratingKey };
  }

  async #planOf(job: Job): Promise<SwapPlan> {
    const settings = this.#parts.store.settings.value;
    const { outputPath, targetPath, fingerprint, outputSha256, sizeAfterBytes } = job;
    if (!outputPath || !targetPath || !fingerprint || !outputSha256 || sizeAfterBytes === null) {
      throw new AppError('verify_failed', 'The verified result of this job is missing. Retry the job.');
    }
    const [standing] = (await this.#parts.swapper.pending()).filter(({ plan }) => plan.id === job.id);
    if (standing) return standing.plan;
    const root = await rootOf(job.sourcePath, settings);
    return {
      kind: 'replace',
      id: job.id,
      sourcePath: job.sourcePath,
      targetPath,
      outputPath,
      storedPath: join(quarantineDirFor(root, settings), job.id, basename(job.sourcePath)),
      sourceFingerprint: fingerprint,
      outputSha256,
      outputSizeBytes: sizeAfterBytes,
    };
  }

  async #refuseViewers(job: Job, where: Where | null, signal: AbortSignal): Promise<void> {
    const sessions = await this.#viewers.now(signal);
    const { servers } = this.#parts.store;
    const { fileId, serverPath, sourcePath: localPath } = job;
    const { serverId, ratingKey } = where ?? { serverId: servers.ofItem(job.itemId), ratingKey: '' };
    const file = { serverId, ratingKey, fileId, serverPath, localPath };
    const watching = holds(sessions, file, (id) => servers.mappingsOf(id));
    if (watching) {
      throw new AppError(
        'file_in_use',
        `${watching.user || 'Somebody'} is watching it. It is replaced when they are done.`,
      );
    }
  }

  /** Before anything moves: what must be the same afterwards. Without an answer nothing is touched. */
  async #rememberServer(job: Job, where: Where | null, signal: AbortSignal): Promise<void> {
    if (!where) return;
    const item = await this.#parts.server(where.serverId).item(where.ratingKey, signal);
    const file = item?.files.find(({ path }) => path === job.serverPath) ?? null;
    if (item) await this.#repository.patch(job.id, { serverBefore: snapshotOf(item, file) });
  }

  async #prepareQuarantine(job: Job): Promise<void> {
    const settings = this.#parts.store.settings.value;
    const root = await rootOf(job.sourcePath, settings);
    if (keepsBeside(root, settings)) await prepareHidden(root);
  }

  /** Both files stand: the old one goes only when the server shows the new one, or it would forget what was watched. */
  async #retire(job: Job, plan: SwapPlan, where: Where | null, signal: AbortSignal): Promise<void> {
    const { swapper, store } = this.#parts;
    const { verifyTimeoutSec } = store.settings.value.plex;
    const serverPath = this.#serverPathOf(plan.targetPath, job);
    try {
      if (where) {
        await this.#refresher.scan(where, serverPath, signal);
        const expected = { serverPath, sizeBytes: plan.outputSizeBytes, codec: null, gonePath: null };
        const options = { timeoutMs: verifyTimeoutSec * 1000, analyze: false, signal };
        const shown = await this.#refresher.waitUntilShown(where, expected, options);
        if (!shown) {
          throw new AppError(
            'plex_unavailable',
            `Plex did not show ${basename(plan.targetPath)} within ${verifyTimeoutSec} seconds. The swap was taken back.`,
          );
        }
      }
      // Somebody may have begun to watch meanwhile.
      await this.#refuseViewers(job, where, signal);
    } catch (error) {
      signal.throwIfAborted();
      await swapper.undo(job.id);
      await swapper.finish(job.id);
      if (where) await this.#refresher.scan(where, serverPath, signal).catch(() => undefined);
      throw error;
    }
    await swapper.retire(job.id);
  }

  /** From here on the file stands; a server that does not answer is reported, not a reason to go back. */
  async #tell(
    job: Job,
    plan: SwapPlan,
    where: Where | null,
    signal: AbortSignal,
  ): Promise<{ item: LibraryItem | null; after: ServerSnapshot | null; isShown: boolean; problem: string | null }> {
    if (!where) return { item: null, after: null, isShown: false, problem: 'Plex does not list the title any more' };
    const serverPath = this.#serverPathOf(plan.targetPath, job);
    const codec = job.outputVideoCodec ?? job.serverBefore?.videoCodec ?? null;
    const gonePath = serverPath === job.serverPath ? null : job.serverPath;
    const expected: Expected = { serverPath, sizeBytes: plan.outputSizeBytes, codec, gonePath };
    const { verifyTimeoutSec } = this.#parts.store.settings.value.plex;
    try {
      await this.#refresher.scan(where, serverPath, signal);
      await this.#refresher.analyze(where, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.log.warn({ jobId: job.id, err: toAppError(error) }, 'Plex could not be told at once');
    }
    const options = { timeoutMs: verifyTimeoutSec * 1000, analyze: true, signal };
    const shown = await this.#refresher.waitUntilShown(where, expected, options);
    if (shown) return { item: shown.item, after: snapshotOf(shown.item, shown.file), isShown: true, problem: null };
    const item = await this.#refresher.look(where, serverPath, signal);
    const file = item?.files.find(({ path }) => path === serverPath) ?? null;
    const problem = `Plex did not show the new file within ${verifyTimeoutSec} seconds; it will notice at its next scan`;
    return { item, after: item ? snapshotOf(item, file) : null, isShown: false, problem };
  }

  async #record(
    jobId: string,
    plan: SwapPlan,
    placed: Placed,
    shown: { after: ServerSnapshot | null; isShown: boolean; problem: string | null },
  ): Promise<void> {
    const { serverBefore } = this.#repository.get(jobId);
    const differences = [
      ...(shown.problem === null ? [] : [shown.problem]),
      ...(serverBefore && shown.after ? differencesOf(serverBefore, shown.after) : []),
    ];
    const quarantineId = await keepReceipt(this.#parts, this.#repository.get(jobId), {
      plan,
      placed,
      after: shown.after,
      isShown: shown.isShown,
      differences,
    });
    await this.#repository.move(jobId, 'done', { quarantineId, outputPath: null });
    this.#parts.log.info({ jobId, differences }, 'Replaced');
  }

  /** Removes the job's work folder. */
  async #tidy({ outputPath }: Job): Promise<void> {
    if (outputPath) await rm(dirname(outputPath), { recursive: true, force: true }).catch(() => undefined);
  }

  async #refreshLibrary(title: Pick<Where, 'serverId' | 'ratingKey'> | null): Promise<void> {
    if (title === null) return;
    await this.#parts.readNow([title.ratingKey], title.serverId).catch((error: unknown) => {
      this.#parts.log.warn(
        { err: toAppError(error) },
        'The replaced title could not be read again; the next sync will',
      );
    });
  }

  #serverPathOf(localPath: string, job: Job): string {
    if (localPath === job.sourcePath) return job.serverPath;
    const { servers } = this.#parts.store;
    const mappings = servers.mappingsOf(servers.ofItem(job.itemId));
    return toServerPath(localPath, mappings) ?? job.serverPath;
  }

  /** Nothing was swapped, or it was taken back. */
  async #giveUp(job: Job, error: AppError): Promise<void> {
    const { log, now } = this.#parts;
    if (WORTHLESS.has(error.code)) {
      await this.#tidy(job);
      await this.#repository.end(job.id, 'failed', error);
      return;
    }
    log.warn({ jobId: job.id, err: error }, 'A swap was put off');
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(10, job.postponed));
    await this.#repository.move(job.id, 'verified', {
      waitsFor: error.message,
      nextTryAt: new Date(now().getTime() + (error.code === 'file_in_use' ? FIRST_PAUSE_MS : pauseMs)).toISOString(),
      postponed: job.postponed + 1,
    });
  }
}
