import { entryRank } from '../../src/domain/queue/rank.js';
import type { Job } from '../../src/domain/jobs/job.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { MediaFile, VideoStream } from '../../src/domain/library/media.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import type { Receipt } from '../../src/domain/replace/receipt.js';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';

type FileChange = Partial<Omit<MediaFile, 'video'>> & { video?: Partial<VideoStream> | null };

const SERVER_ID = '0123456789abcdef0123456789abcdef01234567';
const AT = '2026-01-02T03:04:05.000Z';

/** A 1080p H.264 film file of 12 GB with one 5.1 track, unless told otherwise. */
export function aFile({ video, ...change }: FileChange = {}): MediaFile {
  const standard: VideoStream = {
    codec: 'h264',
    width: 1920,
    height: 1080,
    bitrateKbps: 14_000,
    bitDepth: 8,
    hdr: 'sdr',
    fps: 23.976,
  };
  return {
    id: '2001',
    mediaId: '1001',
    path: '/share/Media/Movies/A Film (1999)/A Film (1999).mkv',
    localPath: '/data/media/Movies/A Film (1999)/A Film (1999).mkv',
    sizeBytes: 12_000_000_000,
    container: 'mkv',
    durationMs: 6_600_000,
    bitrateKbps: 14_600,
    video: video === null ? null : { ...standard, ...video },
    audio: [{ codec: 'ac3', channels: 6, bitrateKbps: 640, language: 'eng', title: null, profile: null }],
    subtitles: [],
    detailed: true,
    optimized: false,
    stackedParts: 1,
    ...change,
  };
}

/** A film never played. `file` changes its single file; `files` replaces the list. */
export function anItem({ file, ...change }: Partial<LibraryItem> & { file?: FileChange } = {}): LibraryItem {
  return {
    id: '01234567-101',
    serverId: SERVER_ID,
    sectionId: '1',
    ratingKey: '101',
    guid: 'plex://movie/5d77702e6afb3d0020613fd1',
    type: 'movie',
    title: 'A Film',
    year: 1999,
    show: null,
    season: null,
    episode: null,
    edition: null,
    thumb: null,
    addedAt: AT,
    updatedAt: AT,
    plays: 0,
    viewOffsetMs: 0,
    lastPlayedAt: null,
    userRating: null,
    labels: [],
    collections: [],
    tags: [],
    files: [aFile(file)],
    state: 'present',
    ...change,
  };
}

/** An open recommendation of `codec-modernization` for `anItem()`. */
export const aRecommendation = (change: Partial<Recommendation> = {}): Recommendation => ({
  id: '01234567-101.2001.codec-modernization',
  itemId: '01234567-101',
  fileId: '2001',
  group: null,
  keep: null,
  mergedInto: null,
  ruleId: 'codec-modernization',
  kind: 'transcode',
  presetId: 'balanced',
  reason: '14 Mbit/s H.264 where 8.0 is enough',
  severity: 'medium',
  priority: 60,
  savesBytes: 6_000_000_000,
  savesLowBytes: 4_000_000_000,
  savesHighBytes: 7_000_000_000,
  confidence: 'medium',
  state: 'open',
  note: null,
  snoozedUntil: null,
  fileSizeBytes: 12_000_000_000,
  jobId: null,
  createdAt: AT,
  changedAt: AT,
  ...change,
});

/** A queued job for `anItem()`. */
export const aJob = (change: Partial<Job> = {}): Job => ({
  id: 'job-1',
  itemId: '01234567-101',
  fileId: '2001',
  title: 'A Film (1999)',
  ruleId: 'codec-modernization',
  recommendationId: '01234567-101.2001.codec-modernization',
  presetId: 'balanced',
  alsoPresetIds: [],
  preset: null,
  state: 'queued',
  stage: null,
  percent: 0,
  workerId: null,
  ...{
    whyWorker: null,
    weighed: null,
    transferMode: null,
    encoder: null,
    wishedWorkerId: null,
    workerTags: [],
    failedOn: [],
    prefersCpu: false,
    needsCard: false,
    leftOn: null,
    streamBroke: false,
  },
  score: 60,
  rank: entryRank(60, AT),
  sourcePath: '/data/media/Movies/A Film (1999)/A Film (1999).mkv',
  targetPath: null,
  outputPath: null,
  serverPath: '/share/Media/Movies/A Film (1999)/A Film (1999).mkv',
  sizeBeforeBytes: 12_000_000_000,
  sizeAfterBytes: null,
  outputSha256: null,
  outputVideoCodec: null,
  streamsBefore: [],
  streamsAfter: [],
  encodeMs: null,
  expectedSavesBytes: 6_000_000_000,
  fingerprint: null,
  attempt: 1,
  planNotes: [],
  commands: [],
  checks: [],
  waitsFor: null,
  quarantineId: null,
  error: null,
  approvedToReplace: false,
  serverBefore: null,
  nextTryAt: null,
  postponed: 0,
  clearedAt: null,
  createdAt: AT,
  startedAt: null,
  finishedAt: null,
  ...change,
});

/** What was written down when this job's file was replaced; sizes and names are the job's. */
export const aReceipt = (job: Job, change: Partial<Receipt> = {}): Receipt => ({
  id: `receipt-${job.id}`,
  jobId: job.id,
  itemId: job.itemId,
  title: job.title,
  ruleId: job.ruleId,
  presetId: job.presetId,
  workerId: job.workerId,
  at: job.finishedAt ?? job.createdAt,
  before: { path: job.sourcePath, sizeBytes: job.sizeBeforeBytes, sha256: 'a'.repeat(64), streams: [] },
  after: { path: job.sourcePath, sizeBytes: job.sizeAfterBytes ?? 0, sha256: 'b'.repeat(64), streams: [] },
  quarantineId: `kept-${job.id}`,
  checks: [],
  encodeMs: 0,
  plexBefore: null,
  plexAfter: null,
  plexShowsResult: true,
  differences: [],
  ...change,
});

/** The original that a receipt names, in quarantine. */
export const anOriginal = (receipt: Receipt, change: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
  id: receipt.quarantineId,
  kind: 'replaced',
  jobId: receipt.jobId,
  itemId: receipt.itemId,
  keepItemId: '',
  title: receipt.title,
  originalPath: receipt.before.path,
  storedPath: `/quarantine/${receipt.id}`,
  replacementPath: receipt.after.path,
  replacementSha256: receipt.after.sha256,
  sizeBytes: receipt.before.sizeBytes,
  replacementSizeBytes: receipt.after.sizeBytes,
  sha256: receipt.before.sha256,
  fingerprint: { dev: '1', ino: '1', sizeBytes: receipt.before.sizeBytes, mtimeNs: '0', nlink: 1 },
  state: 'kept',
  keptAt: receipt.at,
  purgeAt: receipt.at,
  endedAt: null,
  ...change,
});
