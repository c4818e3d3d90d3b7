import type { JobWish } from '../engine/queue/enqueue.js';
import type { BatchEdit } from '../domain/library/batch-edit.js';
import type { CollectionPlan, LibraryCollection, PlacePreview } from '../domain/collections/collection.js';
import type { TimeEstimate } from '../domain/recommendations/encode-time.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Job } from '../domain/jobs/job.js';
import type { Outcome } from '../domain/recommendations/outcomes.js';
import type { FacetCounts, LibraryFilter, LibrarySort } from '../domain/library/filter.js';
import type { LibraryItem } from '../domain/library/library.js';
import type { ItemSituation } from '../engine/library/search.js';
import type { MediaFile } from '../domain/library/media.js';
import type { OpenSums } from '../domain/recommendations/open-findings.js';
import type { Preset } from '../domain/presets/preset.js';
import type { Saved, SavedBy } from '../domain/replace/savings.js';
import type { QuarantineEntry } from '../domain/replace/quarantine.js';
import type { LibraryStatistics } from '../domain/library/statistics.js';
import type { Confidence, Recommendation } from '../domain/recommendations/recommendation.js';
import type { Decision, RuleTrial, Subject } from '../domain/rules/rule.js';
import type { Run } from '../domain/recommendations/run.js';
import type { StreamChange } from '../domain/jobs/stream-changes.js';
import type { Saving } from '../domain/recommendations/savings.js';
import type { PlexWebhook, WebhookOutcome } from '../domain/plex/webhook.js';
import type { Progress } from '../domain/jobs/executor.js';
import type {
  Capabilities,
  EncoderSpeed,
  Line,
  SshWorker,
  Worker,
  WorkerChange,
  WorkerDraft,
  WorkerKey,
  WorkerMetrics,
  WorkerPath,
} from '../domain/workers/worker.js';
import type { WorkerChoice } from '../domain/workers/choice.js';
import type { SeenWorker } from '../engine/workers/fleet.js';
import type { ProvisionRun } from '../engine/workers/provision.js';
import type { FoundShared } from '../engine/workers/shared-search.js';

/** What actions ask of the part that takes in news from the media server. */
export interface IntakeRequests {
  /** Returns at once; the work follows. */
  receive(event: PlexWebhook): Promise<WebhookOutcome>;
  /** Counts what the door refused. */
  count(outcome: WebhookOutcome, event: string): Promise<void>;
  /** Reads these items of one server (the first without an id) again now, without waiting for them to settle. */
  readNow(ratingKeys: string[], serverId?: string): Promise<void>;
}

/** What actions ask of the library sync. */
export interface SyncRequests {
  /** Throws `conflict` while one is running. */
  run(request: { mode: 'full' | 'changed'; sectionId?: string; trigger: Run['trigger'] }): {
    runId: string;
    done: Promise<Run>;
  };
  status(): { state: 'idle' | 'running'; done: number; total: number; lastRun: Run | null };
}

/** What actions ask of the connection over which the media server tells news by itself. */
export interface NotificationRequests {
  /** Of one server; without an id, of the first. */
  status(serverId?: string): {
    /** `off`: no server is set up, or it has not said yet who it is. */
    state: 'off' | 'connecting' | 'connected';
    /** ISO time since when the state is what it is. */
    since: string;
    /** ISO time when the library had caught up with what was missed before the connection; null until then. */
    caughtUpAt: string | null;
    /** ISO time of the last event, of any kind. */
    lastEventAt: string | null;
    /** Why the last connection ended or did not come about; null once it stands again. `at` is ISO time. */
    lastError: { code: ErrorCode; message: string; at: string } | null;
  };
}

/** What actions ask of the analysis. */
export interface AnalyzerRequests {
  /** Whether the rules look at the whole library now. */
  readonly isLooking: boolean;
  items(itemIds: string[], trigger: Run['trigger']): Promise<Run>;
  /** Everything, or one library of Plex. Throws `conflict` while one is running, `not_found`. */
  library(trigger: Run['trigger'], sectionId?: string | null): Promise<Run>;
  /** What every rule says about one item, "no" included; changes nothing. */
  decide(itemId: string): Promise<Decision[]>;
  /** The files of a group that a rule may have queued now. */
  membersOf(group: { codec: string; resolution: string }, ruleId: string): Subject[];
  /** One rule with these options against one item or the library; changes nothing. */
  try(request: { ruleId: string; options?: Record<string, unknown>; itemId?: string }): Promise<RuleTrial>;
}

/** What encoding would save and take. */
export interface EstimateRequests {
  /** With the range, and why: learned from finished jobs, or what is commonly published. */
  saving(file: MediaFile, preset: Preset): Saving;
  /** Without a worker: on this machine. Verifying comes on top. */
  seconds(file: MediaFile, preset: Preset, workerId?: string): TimeEstimate;
  /** Together; a file counts once, with the largest saving, however many of them name it. Unknown ids are passed over. */
  forRecommendations(
    ids: readonly string[],
    workerId?: string,
  ): Promise<{
    savesBytes: number;
    lowBytes: number;
    highBytes: number;
    seconds: number;
    timeConfidence: Confidence;
    workerTitle: string;
    files: number;
  }>;
  /** Everything that is open, with the `top` most worthwhile. */
  open(
    top: number,
    workerId?: string,
  ): Promise<OpenSums & { seconds: number; timeConfidence: Confidence; top: Recommendation[] }>;
  /** What each rule promised and what came of it. */
  promises(): Promise<ReadonlyMap<string, Readonly<Outcome>>>;
}

/** The only maker of jobs. */
export interface EnqueueRequests {
  /** Throws `invalid`, `not_found`, `path_unmapped`, `too_many_attempts`, or `conflict` when one is already open for the file. */
  job(wish: JobWish): Promise<Job>;
  /** The job that `job` would queue, or what it would throw; nothing is stored. `busy`: what `busyPaths` gave. */
  check(wish: JobWish, busy?: ReadonlyMap<string, Job>): Job;
  /** The unfinished job of each file, by where the file lies. */
  busyPaths(): Map<string, Job>;
  /** The unfinished job of one file; null when there is none. */
  openJobAt(sourcePath: string): Job | null;
}

/** Queueing all files of a group that a recommendation is about. */
export interface GroupRequests {
  /** Throws `conflict` when it was decided before, or with the reason when not one file could be queued. */
  queue(
    row: Recommendation,
    presetId: string | null,
    members: readonly Subject[],
  ): Promise<{ items: Job[]; refused: { message: string; count: number }[] }>;
}

/** Setting surplus copies aside. */
export interface CopyRequests {
  /** Moves the file of a recommendation to quarantine, once the copy that stays was looked at. Throws why not, and then nothing was moved. */
  setAside(row: Recommendation): Promise<QuarantineEntry>;
}

/** Finding titles. */
export interface SearchRequests {
  /** One page of ids, sorted; `page` counts from 1. Total and bytes are of everything that matches. */
  find(request: {
    filter: LibraryFilter;
    sort: LibrarySort;
    page: number;
    pageSize: number;
    facets?: boolean;
  }): Promise<{
    ids: string[];
    total: number;
    sizeBytes: number;
    facets: FacetCounts | null;
    /** Of the items on the page some of whose files do not match, the ids of those that do. */
    matched: ReadonlyMap<string, readonly string[]>;
  }>;
  /** Where an item stands, or only these files of it. */
  situation(item: LibraryItem, fileIds?: readonly string[]): ItemSituation;
  /** Ids of everything that matches, sorted. */
  all(filter: LibraryFilter, sort?: LibrarySort): Promise<string[]>;
}

/** What actions ask of the part that keeps collections in Plex. */
export interface CollectionRequests {
  /** Throws `invalid` for a filter that is gone, cannot be read, or lets everything through. */
  filterOf(plan: Pick<CollectionPlan, 'filterId' | 'query'>): LibraryFilter;
  /** Asks Plex and changes nothing; when Plex fails, the preview says so. Throws `invalid`. */
  preview(plan: CollectionPlan): Promise<PlacePreview[]>;
  /** What went wrong stands in the row. Throws `not_found`, `conflict`. */
  sync(id: string): Promise<LibraryCollection>;
  /** All that follow by themselves; returns at once. */
  syncSoon(): void;
  isSyncing(id: string): boolean;
  makeAgain(id: string, sectionId: string): Promise<LibraryCollection>;
  forget(id: string, sectionId: string): Promise<LibraryCollection>;
  adopt(id: string, sectionId: string): Promise<LibraryCollection>;
  putBack(id: string, sectionId: string): Promise<LibraryCollection>;
  remove(id: string, inPlex: boolean): Promise<LibraryCollection>;
}

/** What replacements freed and still do: receipts minus restores. */
export interface SavingsRequests {
  total(): Saved;
  /** Of one preset, rule or worker. */
  of(kind: SavedBy, key: string): Saved;
  /** Replaced from a moment on and before another, milliseconds since 1970; of one preset, rule or worker when it is named. */
  between(fromMs: number, untilMs: number, within?: { kind: SavedBy; key: string }): Saved;
}

/** The library in numbers. */
export interface StatisticsRequests {
  /** Counted anew after a change, which takes a moment. */
  library(): Promise<LibraryStatistics>;
}

/** What actions ask of the workers. */
export interface WorkerRequests {
  list(): SeenWorker[];
  /** Throws `not_found`. */
  get(id: string): SeenWorker;
  /** A worker that is reached over SSH. Throws `not_found`, and `conflict` for this machine. */
  remote(id: string): SshWorker;
  /** Throws `worker_unreachable`, or `conflict` for one that is there already. */
  add(draft: WorkerDraft, key: WorkerKey): Promise<Worker>;
  /** Throws `invalid` for another host key than the one that was seen. */
  confirm(id: string, hostKey: string): Promise<Worker>;
  change(id: string, change: WorkerChange, key?: WorkerKey): Promise<void>;
  /** Throws `conflict` while it encodes. */
  remove(id: string): Promise<Worker>;
  /** Each throws what keeps the worker from answering. */
  measurements: {
    /** How busy it is right now. */
    load(id: string): Promise<WorkerMetrics>;
    /** What it is and can encode. */
    probe(id: string): Promise<Capabilities>;
    /** How fast files get there and back. */
    line(id: string): Promise<Line>;
    /** How quick each encoder is. Throws `conflict` while it encodes. */
    speeds(id: string): Promise<EncoderSpeed[]>;
    /** Proves every shared folder now; what does not work stands in the answer. */
    paths(id: string): Promise<readonly WorkerPath[]>;
  };
  /** Trusts a disabled worker again. */
  enable(id: string): Promise<void>;
  /** Looks for the folders of the library there. Throws like `probe`, and `conflict` when there is nothing to look for. */
  shared: { find(id: string): Promise<FoundShared> };
  /** Installs ffmpeg there. `begin` returns at once; it throws `worker_unavailable`, or `conflict` while that goes on. */
  provisions: { begin(id: string): ProvisionRun; of(id: string): ProvisionRun | null };
}

/** What actions ask of the queue. */
export interface QueueRequests {
  /** `reasons` answers "why is nothing running"; empty when something runs or nothing waits. */
  state(): { paused: boolean; running: number; pending: number; blocked: number; reasons: string[] };
  /** The job that is next, and how each worker would do it now; null where there is none or no choice, or it takes too long to tell. */
  next(limitMs: number): Promise<{ job: Job; choice: WorkerChoice } | null>;
  cancel(jobId: string): Promise<Job>;
  retry(jobId: string, onCpu?: boolean): Promise<Job>;
  /** The owner approves the swap; resolves when the job is `replacing`, the work goes on. */
  replace(jobId: string): Promise<Job>;
  move(jobId: string, where: 'top' | 'up' | 'down' | 'bottom'): Promise<Job>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Which of these files somebody is watching, as far as the servers say so in time. */
  watched<T extends { serverId: string; ratingKey: string; fileId: string; serverPath: string; localPath: string }>(
    files: readonly T[],
    limitMs: number,
  ): Promise<Set<T>>;
  /** The latest live figures, or null when it does not encode. */
  progress(jobId: string): Progress | null;
  log(jobId: string): Promise<string>;
  /** What a job would do, and to which file; reads it and touches nothing. */
  simulate(request: { itemId: string; presetId: string; alsoPresetIds?: readonly string[]; fileId?: string }): Promise<{
    fileId: string;
    planNotes: string[];
    commands: string[];
    streamChanges: StreamChange[];
    skipped: string | null;
  }>;
  restore(quarantineId: string): Promise<QuarantineEntry>;
  purge(quarantineId: string): Promise<QuarantineEntry>;
}

/** What actions ask of the part that edits metadata on the media servers. */
export interface EditRequests {
  /** An edit as it stands at this moment. Throws `not_found`. */
  find(id: string): BatchEdit;
  /** Returns at once; the work follows. Throws `conflict` for another number of titles, and while an edit is running. */
  begin(id: string, expected: number): Promise<BatchEdit>;
  /** Throws `conflict` when it is not running. */
  halt(id: string): Promise<BatchEdit>;
}
