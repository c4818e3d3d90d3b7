import { AppError } from '../../domain/errors.js';
import type { Job } from '../../domain/jobs/job.js';
import type { QuarantineEntry } from '../../domain/replace/quarantine.js';
import type { Receipt } from '../../domain/replace/receipt.js';
import type { ServerSnapshot } from '../../domain/replace/server-snapshot.js';
import type { Placed, SwapPlan } from '../../domain/replace/swap.js';
import type { QueueParts } from '../jobs/parts.js';

const DAY_MS = 86_400_000;

/** When an original that is kept from now on may go. */
export const purgeTime = ({ store, now }: Pick<QueueParts, 'store' | 'now'>): string =>
  new Date(now().getTime() + store.settings.value.safety.quarantineDays * DAY_MS).toISOString();

/** Ids are made of the job's, so that writing them again after a crash changes nothing. */
const keptId = (jobId: string): string => `kept-${jobId}`;
const receiptId = (jobId: string): string => `receipt-${jobId}`;

/** The kept original of a swap, ready to be stored. Throws `internal` when the swap kept none. */
export function keptOriginal(
  { store, now }: Pick<QueueParts, 'store' | 'now'>,
  { plan, placed }: { plan: SwapPlan; placed: Placed },
  of: Pick<Job, 'itemId' | 'title'>,
): QuarantineEntry {
  if (plan.storedPath === null || placed.storedFingerprint === null || plan.sourceFingerprint === null) {
    throw new AppError('internal', `The swap of ${plan.id} kept no original`);
  }
  const at = now();
  return {
    id: keptId(plan.id),
    kind: 'replaced',
    jobId: plan.id,
    itemId: of.itemId,
    keepItemId: '',
    title: of.title,
    originalPath: plan.sourcePath,
    storedPath: plan.storedPath,
    replacementPath: plan.targetPath,
    replacementSha256: plan.outputSha256,
    sizeBytes: plan.sourceFingerprint.sizeBytes,
    replacementSizeBytes: plan.outputSizeBytes,
    sha256: placed.sourceSha256,
    fingerprint: placed.storedFingerprint,
    state: 'kept',
    keptAt: at.toISOString(),
    purgeAt: purgeTime({ store, now }),
    endedAt: null,
  };
}

/** Writes down what was swapped: the kept original and the receipt. Resolves with the id of the kept original. */
export async function keepReceipt(
  { store, bus, now }: Pick<QueueParts, 'store' | 'bus' | 'now'>,
  job: Job,
  result: {
    plan: SwapPlan;
    placed: Placed;
    after: ServerSnapshot | null;
    isShown: boolean;
    differences: string[];
  },
): Promise<string> {
  const { plan, placed } = result;
  const entry = keptOriginal({ store, now }, result, job);
  const receipt: Receipt = {
    id: receiptId(job.id),
    jobId: job.id,
    itemId: job.itemId,
    title: job.title,
    ruleId: job.ruleId,
    presetId: job.presetId,
    workerId: job.workerId,
    at: entry.keptAt,
    before: {
      path: plan.sourcePath,
      sizeBytes: entry.sizeBytes,
      sha256: placed.sourceSha256,
      streams: job.streamsBefore,
    },
    after: {
      path: plan.targetPath,
      sizeBytes: plan.outputSizeBytes,
      sha256: plan.outputSha256,
      streams: job.streamsAfter,
    },
    quarantineId: entry.id,
    checks: job.checks,
    encodeMs: job.encodeMs ?? 0,
    plexBefore: job.serverBefore,
    plexAfter: result.after,
    plexShowsResult: result.isShown,
    differences: result.differences,
  };
  await Promise.all([
    store.quarantine.put(entry),
    store.receipts.put(receipt),
    store.audit.append({
      who: job.ruleId === null ? 'owner' : `rule ${job.ruleId}`,
      action: 'replace file',
      object: plan.targetPath,
      detail: { jobId: job.id, keptAs: plan.storedPath, before: receipt.before.sha256, after: receipt.after.sha256 },
    }),
  ]);
  bus.emit('quarantine.changed', { ids: [entry.id] });
  return entry.id;
}
