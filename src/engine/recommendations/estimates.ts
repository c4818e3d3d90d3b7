import { totalTime, workOf, type TimeEstimate, type Work } from '../../domain/recommendations/encode-time.js';
import type { Events } from '../../domain/events.js';
import { groupOf } from '../../domain/rules/facts.js';
import type { Outcome } from '../../domain/recommendations/outcomes.js';
import type { MediaFile } from '../../domain/library/media.js';
import { OpenFindings, type OpenSums } from '../../domain/recommendations/open-findings.js';
import type { Preset } from '../../domain/presets/preset.js';
import type { Presets } from '../../domain/presets/presets.js';
import { standsOpen } from '../../domain/recommendations/merge.js';
import type { Confidence, Recommendation } from '../../domain/recommendations/recommendation.js';
import type { Subject } from '../../domain/rules/rule.js';
import { estimateSaving, type Saving } from '../../domain/recommendations/savings.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import { itemIdOf } from '../../store/row-keys.js';
import type { Store } from '../../store/store.js';
import { HERE, type Learning } from './learning.js';

export interface EstimatesParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  presets: Presets;
  learning: Learning;
  /** The files of a group that could be queued now. */
  membersOf: (group: { codec: string; resolution: string }, ruleId: string) => Subject[];
}

/** What carrying out several recommendations would save and take. */
export interface BulkEstimate {
  savesBytes: number;
  lowBytes: number;
  highBytes: number;
  /** One after the other on this worker. */
  seconds: number;
  timeConfidence: Confidence;
  workerTitle: string;
  files: number;
}

/** Kbit/s that files of a resolution usually have; for how long a group runs whose files are not looked at one by one. */
const USUAL_KBPS: Record<string, number> = { '4k': 30_000, '1080': 10_000, '720': 5000, '576': 3000, sd: 1800 };

/** What files and recommendations would save and take; knows the sums of all that is open up to the last one. */
export class Estimates {
  readonly #parts: EstimatesParts;
  readonly #open = new OpenFindings();
  #counting: Promise<void> = Promise.resolve();
  #abort = new AbortController();
  #stopListening: () => void = () => undefined;

  constructor(parts: EstimatesParts) {
    this.#parts = parts;
  }

  /** Begins to count what is open, which nobody has to wait for. */
  start(): void {
    const { bus, store, log } = this.#parts;
    this.#abort = new AbortController();
    this.#stopListening = bus.on('recommendation.changed', ({ ids }) => {
      for (const id of ids) this.#follow(id, store.recommendations.find(id));
    });
    this.#counting = this.#countAll().catch((error: unknown) => {
      log.error({ err: error }, 'What is recommended could not be added up');
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#stopListening();
    await this.#counting;
  }

  /** Resolves when everything was counted. */
  async settled(): Promise<void> {
    await Promise.all([this.#counting, this.#parts.learning.settled()]);
  }

  /** What encoding this file with this preset would save. */
  saving(file: MediaFile, preset: Preset): Saving {
    return estimateSaving(file, preset, this.#parts.learning);
  }

  /** How long a worker takes for it. */
  seconds(file: MediaFile, preset: Preset, workerId = HERE): TimeEstimate {
    return this.#parts.learning.timeOf(workOf(file, preset), workerId);
  }

  /**
   * What these recommendations would save and take together; unknown ids are passed over. A file counts once, with the
   * largest saving, whether rules name it by itself or in a group.
   */
  async forRecommendations(ids: readonly string[], workerId = HERE): Promise<BulkEstimate> {
    const { store } = this.#parts;
    await this.settled();
    const best = new Map<string, Part>();
    const loopYield = new EventLoopYield();
    for (const id of new Set(ids)) {
      const row = store.recommendations.find(id);
      for (const part of row ? this.#partsOf(row) : []) {
        const other = best.get(part.key);
        if (!other || part.saves > other.saves) best.set(part.key, part);
        if (loopYield.isDue) await loopYield.pause();
      }
    }
    const all = [...best.values()];
    const sum = (of: (part: Part) => number): number => Math.round(all.reduce((total, part) => total + of(part), 0));
    const time = totalTime(all.flatMap(({ work }) => (work ? [this.#parts.learning.timeOf(work, workerId)] : [])));
    return {
      savesBytes: sum(({ saves }) => saves),
      lowBytes: sum(({ low }) => low),
      highBytes: sum(({ high }) => high),
      seconds: Math.round(time.seconds),
      timeConfidence: time.confidence,
      workerTitle: workerId === HERE ? 'this machine' : workerId,
      files: all.length,
    };
  }

  /** Everything that is open, added up, and what it takes on a worker. Resolves when all was counted. */
  async open(
    top: number,
    workerId = HERE,
  ): Promise<OpenSums & { seconds: number; timeConfidence: Confidence; top: Recommendation[] }> {
    await this.settled();
    const sums = this.#open.sums();
    const time = totalTime(sums.work.map((work) => this.#parts.learning.timeOf(work, workerId)));
    return { ...sums, seconds: Math.round(time.seconds), timeConfidence: time.confidence, top: this.#open.top(top) };
  }

  /** What each rule promised and what came of it. */
  async promises(): Promise<ReadonlyMap<string, Readonly<Outcome>>> {
    await this.#parts.learning.settled();
    return this.#parts.learning.promises.byRule();
  }

  async #countAll(): Promise<void> {
    const loopYield = new EventLoopYield();
    for (const row of this.#parts.store.recommendations.values()) {
      if (this.#abort.signal.aborted) return;
      this.#take(row.id, row);
      if (loopYield.isDue) await loopYield.pause();
    }
  }

  /** What is merged into a row goes with it. */
  #follow(id: string, row: Recommendation | null): void {
    this.#take(id, row);
    const ofItem = this.#parts.store.recommendations.by(itemIdOf);
    if (!row || ofItem.count(row.itemId) < 2) return;
    for (const other of ofItem.of(row.itemId)) if (other.mergedInto === id) this.#take(other.id, other);
  }

  #take(id: string, row: Recommendation | null): void {
    if (!row || !standsOpen(row, (leaderId) => this.#parts.store.recommendations.find(leaderId))) {
      this.#open.set(id, null);
      return;
    }
    const file = this.#fileOf(row);
    const group = row.group ? `${row.group.codec}/${row.group.resolution}` : file && groupOf(file);
    this.#open.set(id, { row, group, work: this.#workOf(row, file ?? groupFile(row)) });
  }

  /** What a row is about, file by file. */
  #partsOf(row: Recommendation): Part[] {
    if (row.group === null) {
      const { savesBytes: saves, savesLowBytes: low, savesHighBytes: high } = row;
      return [{ key: `${row.itemId}.${row.fileId}`, saves, low, high, work: this.#workOf(row, this.#fileOf(row)) }];
    }
    const members = this.#parts.membersOf(row.group, row.ruleId);
    const total = Math.max(
      1,
      members.reduce((sum, { file }) => sum + file.sizeBytes, 0),
    );
    return members.map(({ item, file }) => {
      const share = file.sizeBytes / total;
      return {
        key: `${item.id}.${file.id}`,
        saves: row.savesBytes * share,
        low: row.savesLowBytes * share,
        high: row.savesHighBytes * share,
        work: this.#workOf(row, file),
      };
    });
  }

  #workOf({ kind, presetId }: Recommendation, file: MediaFile | null): Work | null {
    if ((kind !== 'transcode' && kind !== 'remux') || file === null) return null;
    const preset = this.#parts.presets.list().find(({ id }) => id === presetId);
    return preset ? workOf(file, preset) : null;
  }

  #fileOf({ itemId, fileId }: Recommendation): MediaFile | null {
    return this.#parts.store.library.find(itemId)?.files.find(({ id }) => id === fileId) ?? null;
  }
}

/** One file in a sum. */
interface Part {
  key: string;
  saves: number;
  low: number;
  high: number;
  work: Work | null;
}

const PICTURES: Record<string, { width: number; height: number }> = {
  '4k': { width: 3840, height: 2160 },
  '1080': { width: 1920, height: 1080 },
  '720': { width: 1280, height: 720 },
  '576': { width: 1024, height: 576 },
  sd: { width: 720, height: 480 },
};

/** All files of a group as one of the length that so many bytes usually have. */
function groupFile({ group, fileSizeBytes: sizeBytes }: Recommendation): MediaFile | null {
  if (group === null) return null;
  const durationMs = Math.round((sizeBytes * 8) / (USUAL_KBPS[group.resolution] ?? 8000));
  const picture = PICTURES[group.resolution] ?? { width: 1920, height: 1080 };
  return {
    id: '',
    mediaId: '',
    path: '',
    localPath: null,
    sizeBytes,
    container: '',
    durationMs,
    bitrateKbps: null,
    video: { codec: group.codec, ...picture, bitrateKbps: null, bitDepth: null, hdr: 'sdr', fps: null },
    audio: [],
    subtitles: [],
    detailed: false,
    optimized: false,
    stackedParts: 1,
  };
}
