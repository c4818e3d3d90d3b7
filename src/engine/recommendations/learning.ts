import {
  EncodeSpeeds,
  speedSampleOf,
  totalTime,
  workOf,
  type TimeEstimate,
  type Work,
} from '../../domain/recommendations/encode-time.js';
import type { Events } from '../../domain/events.js';
import type { Job } from '../../domain/jobs/job.js';
import { Outcomes } from '../../domain/recommendations/outcomes.js';
import {
  LearnedSavings,
  savingSampleOf,
  type Learned,
  type LearnedRatio,
  type SavingSample,
} from '../../domain/recommendations/learned-savings.js';
import type { MediaFile } from '../../domain/library/media.js';
import type { SavedByJob } from '../../domain/replace/savings.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import { recipeHash } from '../../domain/presets/recipe.js';
import type { Preset } from '../../domain/presets/preset.js';
import type { Presets } from '../../domain/presets/presets.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

export interface LearningParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  presets: Presets;
  /** What jobs saved, as it is counted everywhere. */
  savings: { ofJob(jobId: string): SavedByJob; settled(): Promise<void> };
}

/** The worker that is meant when none is named. */
export const HERE = 'local';

/**
 * What finished jobs teach: how much files shrink, how long that takes, and whether rules keep what they promise. All jobs
 * are counted once at the start, in small turns; from then on every job is taken in when it ends.
 */
export class Learning implements Learned {
  readonly #parts: LearningParts;
  readonly #savings = new LearnedSavings();
  readonly #speeds: EncodeSpeeds;
  readonly #promises = new Outcomes();
  /** Jobs that taught already. What ended well never changes again, so each teaches once. */
  readonly #taught = new Set<string>();
  #counting: Promise<void> = Promise.resolve();
  #abort = new AbortController();
  #listening: (() => void)[] = [];

  constructor(parts: LearningParts) {
    this.#parts = parts;
    const { workers } = parts.store;
    this.#speeds = new EncodeSpeeds((id) => workers.find(id)?.capabilities?.speeds ?? []);
  }

  /** Begins to count, which nobody has to wait for. */
  start(): void {
    const { bus, store, log } = this.#parts;
    this.#abort = new AbortController();
    this.#listening = [
      bus.on('job.changed', (job) => {
        this.#take(job);
      }),
      bus.on('quarantine.changed', ({ ids }) => {
        for (const id of ids) {
          // Its original may have been restored.
          const job = store.jobs.find(store.quarantine.find(id)?.jobId ?? '');
          if (job) this.#noteOutcome(job);
        }
      }),
    ];
    this.#counting = this.#countAll().catch((error: unknown) => {
      log.error({ err: error }, 'What finished jobs teach could not be counted');
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (const off of this.#listening.splice(0)) off();
    await this.#counting;
  }

  /** Resolves when all jobs were counted. */
  async settled(): Promise<void> {
    await this.#counting;
  }

  ratioOf(kind: Omit<SavingSample, 'remains'>): LearnedRatio | null {
    return this.#savings.ratioOf(kind);
  }

  /** How long work takes on a worker. */
  timeOf(work: Work, workerId = HERE): TimeEstimate {
    return this.#speeds.estimate(work, workerId);
  }

  /** How long a worker takes for these files, one after the other. */
  timeFor(files: Iterable<MediaFile>, preset: Preset, workerId = HERE): ReturnType<typeof totalTime> {
    return totalTime(Array.from(files, (file) => this.timeOf(workOf(file, preset), workerId)));
  }

  /** What rules promised and what came of it. */
  get promises(): Pick<Outcomes, 'byRule'> {
    return this.#promises;
  }

  async #countAll(): Promise<void> {
    const { store, savings } = this.#parts;
    await savings.settled();
    const loopYield = new EventLoopYield();
    for (const job of store.jobs.values()) {
      if (this.#abort.signal.aborted) return;
      this.#take(job);
      if (loopYield.isDue) await loopYield.pause();
    }
  }

  #noteOutcome(job: Job): void {
    this.#promises.note(job, job.state === 'done' ? this.#parts.savings.ofJob(job.id) : null);
  }

  /** What was done, as far as that is known: jobs of older versions tell only its name. */
  #presetOf(job: Job): Preset | null {
    const { presets } = this.#parts;
    const isThere = presets.list().some(({ id }) => id === job.presetId);
    return job.preset ?? (isThere ? presetOfJob(job, presets) : null);
  }

  #take(job: Job): void {
    this.#noteOutcome(job);
    if (job.state !== 'done' || this.#taught.has(job.id)) return;
    this.#taught.add(job.id);
    const preset = this.#presetOf(job);
    // A job of an older version whose preset is gone still tells of its kind of film.
    const saving = savingSampleOf(job, preset ? recipeHash(preset) : job.presetId);
    if (saving) this.#savings.add(saving);
    const speed = speedSampleOf(job, preset);
    if (speed) this.#speeds.add(speed);
  }
}
