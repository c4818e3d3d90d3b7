import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { App } from '../app.js';
import type { Job } from '../domain/jobs/job.js';
import type { QuarantineEntry } from '../domain/replace/quarantine.js';
import type { Receipt } from '../domain/replace/receipt.js';
import { formatBytes } from '../lib/units.js';
import type { SimulatedPlex } from './plex/simulated-plex.js';

/** Far longer than the story takes on a slow machine. */
const PATIENCE_MS = 240_000;

export interface Ending {
  job: Job;
  receipt: Receipt;
  kept: QuarantineEntry;
}

/**
 * Watches one film go the whole way and prints each step as it happens. Resolves when its job has ended; throws when it
 * did not end well or when nothing happens any more.
 */
export function watchStory(app: App, title: string, print: (line: string) => void): Promise<Ending> {
  const { bus, store } = app.context;
  const startedMs = performance.now();
  const told = new Set<string>();
  const tell = (step: string, text: string): void => {
    if (told.has(step)) return;
    told.add(step);
    print(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${step.padEnd(15)} ${text}`);
  };
  return new Promise((resolve, reject) => {
    const unsubscribe: (() => void)[] = [];
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      for (const forget of unsubscribe) forget();
      finish();
    };
    const timer = setTimeout(() => {
      end(() => {
        reject(new Error(`Nothing more happened. The last step was: ${[...told].at(-1) ?? 'none'}`));
      });
    }, PATIENCE_MS);
    unsubscribe.push(
      bus.on('webhook.received', ({ event, outcome }) => {
        if (event === 'library.new' && outcome === 'accepted') tell('webhook', 'Plex says: something new was added');
      }),
      bus.on('recommendation.changed', ({ ids }) => {
        for (const id of ids) {
          const found = store.recommendations.find(id);
          if (found && store.library.find(found.itemId)?.title === title) tell('recommendation', found.reason);
        }
      }),
      bus.on('job.progressed', ({ percent }) => {
        if (percent >= 50) tell('half way', `${Math.round(percent)} % encoded`);
      }),
      bus.on('job.changed', (job) => {
        if (!job.title.startsWith(title)) return;
        if (job.state === 'queued') tell('queued', `${job.title} with the preset ${job.presetId}`);
        if (job.stage === 'encode') tell('transcode', job.planNotes[0] ?? 'started');
        if (job.state === 'verified') tell('verified', `${job.checks.length} checks passed`);
        if (job.state === 'replacing') tell('replacing', 'the original goes to quarantine');
        if (['failed', 'cancelled', 'skipped'].includes(job.state)) {
          end(() => {
            reject(new Error(`The job ${job.state}: ${job.error?.message ?? 'no reason given'}`));
          });
        }
        if (job.state !== 'done') return;
        const [receipt, kept] = endingOf(app, job);
        if (!receipt || !kept) return;
        tell('replaced', `${formatBytes(receipt.before.sizeBytes)} -> ${formatBytes(receipt.after.sizeBytes)}`);
        tell(
          'Plex refreshed',
          receipt.plexShowsResult ? 'it shows the new size and codec' : receipt.differences.join('; '),
        );
        end(() => {
          resolve({ job, receipt, kept });
        });
      }),
    );
  });
}

const endingOf = ({ context: { store } }: App, { id, quarantineId }: Job) =>
  [store.receipts.where(({ jobId }) => jobId === id)[0], store.quarantine.find(quarantineId ?? '')] as const;

/** Looks at the disk and at Plex, not at what MediaFlow says of itself. Answers what is not as it should be. */
export async function checkEnding(
  { receipt, kept }: Ending,
  original: { sha256: string },
  plex: SimulatedPlex,
): Promise<string[]> {
  const wrong: string[] = [];
  const expect = (isRight: boolean, text: string): void => {
    if (!isRight) wrong.push(text);
  };
  expect((await sha256Of(kept.storedPath)) === original.sha256, 'the original in quarantine is not byte-exact');
  expect((await sha256Of(receipt.after.path)) === receipt.after.sha256, 'the new file is not the verified one');
  expect(receipt.after.sizeBytes < receipt.before.sizeBytes, 'the new file is not smaller');
  expect(receipt.plexShowsResult, 'Plex does not show the new file');
  const shown = plex.items().filter(({ ratingKey }) => ratingKey === receipt.plexBefore?.ratingKey);
  expect(shown.length === 1 && shown[0]?.files.length === 1, 'Plex lists the film twice, or not at all');
  expect(receipt.differences.length === 0, `Plex lost something: ${receipt.differences.join('; ')}`);
  return wrong;
}

export const sha256Of = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
