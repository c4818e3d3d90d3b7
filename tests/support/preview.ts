import { entryRank, movedRank, type MoveTo } from '../../src/domain/queue/rank.js';
import { inQueue } from '../../src/store/row-keys.js';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Context } from '../../src/actions/action.js';
import { openPresets } from '../../src/catalog/presets.js';
import { AppError, conflict, invalid, notFound } from '../../src/domain/errors.js';
import { moveJob, type Check, type Job, type JobState } from '../../src/domain/jobs/job.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { Hdr } from '../../src/domain/library/media.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import type { Receipt } from '../../src/domain/replace/receipt.js';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import type { Decision, Rule, RuleInfo } from '../../src/domain/rules/rule.js';
import type { Progress } from '../../src/domain/jobs/executor.js';
import { Coverage } from '../../src/engine/recommendations/coverage.js';
import { Enqueue } from '../../src/engine/queue/enqueue.js';
import type { StreamChange, StreamSide } from '../../src/domain/jobs/stream-changes.js';
import { refusalMessage, refusedFields } from '../../src/lib/plain-refusals.js';
import { aFile, aJob, anItem, aRecommendation } from './builders.js';
import { decisionsOf, specialFindings, withSurplusCopy } from './preview-review.js';
import { EPISODES, FILMS } from './preview-titles.js';
import { NEXT_CHOICE, pastOf, previewFleet, WEIGHED, type PlayedWorkers } from './played-workers.js';
import { localHealth, startWeb, type WebTest } from './web.js';

const root = resolve(import.meta.dirname, '../..');
const DAY_MS = 86_400_000;
const before = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
const sha = (text: string): string =>
  Array.from({ length: 64 }, (_, at) => ((text.charCodeAt(at % text.length) * (at + 7)) % 16).toString(16)).join('');

function films(): LibraryItem[] {
  return FILMS.map(([title, year, codec, width, height, mbps, hdr, audio, channels, minutes, plays], at) => {
    const extension = /mpeg4|msmpeg4/.test(codec)
      ? 'avi'
      : codec === 'wmv3'
        ? 'wmv'
        : codec === 'mpeg2video' && width < 1000
          ? 'mpg'
          : 'mkv';
    const label = height > 1500 || width > 3000 ? 'Remux-2160p' : width > 1900 ? 'Bluray-1080p' : 'DVD';
    const name = `${title} (${year})/${title} (${year}) ${label}.${extension}`;
    return anItem({
      id: `01234567-${100 + at}`,
      ratingKey: String(100 + at),
      thumb: at % 5 === 4 ? null : `/library/metadata/${100 + at}/thumb/1`,
      tags: at % 7 === 3 ? ['keep', 'film-club'] : at % 3 === 0 ? ['film-club'] : [],
      sectionId: '1',
      title,
      year,
      plays,
      addedAt: before(at < 4 ? 0.2 + at * 0.2 : at * 9),
      lastPlayedAt: plays > 0 ? before(20 + at * 11) : null,
      files: [
        aFile({
          id: String(2000 + at),
          path: `/share/Media/Films/${name}`,
          localPath: at === 15 ? null : `/data/media/Films/${name}`,
          container: extension,
          sizeBytes: Math.round(((mbps + 0.8) * 1e6 * minutes * 60) / 8),
          durationMs: minutes * 60_000,
          bitrateKbps: Math.round((mbps + 0.8) * 1000),
          video: { codec, width, height, bitrateKbps: mbps * 1000, hdr: hdr as Hdr, bitDepth: hdr === 'sdr' ? 8 : 10 },
          audio: [
            {
              codec: audio,
              channels,
              bitrateKbps: 1509,
              language: 'eng',
              title: channels > 6 ? 'Surround' : null,
              profile: null,
            },
            { codec: 'ac3', channels: 2, bitrateKbps: 192, language: 'eng', title: 'Commentary', profile: null },
          ],
          subtitles: [
            { codec: 'hdmv_pgs_subtitle', language: 'eng', title: null, forced: false, external: false },
            { codec: 'subrip', language: 'deu', title: null, forced: true, external: true },
          ],
        }),
      ],
    });
  });
}

function episodes(): LibraryItem[] {
  return EPISODES.map(([show, season, episode, title, codec, mbps, minutes, plays], at) => {
    const two = (n: number): string => String(n).padStart(2, '0');
    const name = `${show}/Season ${two(season)}/${show} - S${two(season)}E${two(episode)} - ${title} WEBDL-1080p.mkv`;
    return anItem({
      id: `01234567-${500 + at}`,
      ratingKey: String(500 + at),
      sectionId: '2',
      type: 'episode',
      title,
      year: 2024,
      show,
      season,
      episode,
      plays,
      addedAt: before(show === 'Northline' ? (11 - episode) * 0.9 : 30 + at),
      lastPlayedAt: plays > 0 ? before(3 + at) : null,
      files: [
        aFile({
          id: String(2500 + at),
          path: `/share/TV/${name}`,
          localPath: `/data/tv/${name}`,
          sizeBytes: Math.round((mbps * 1e6 * minutes * 60) / 8),
          durationMs: minutes * 60_000,
          bitrateKbps: Math.round(mbps * 1000),
          video: { codec, width: 1920, height: 1080, bitrateKbps: mbps * 950 },
          audio: [{ codec: 'eac3', channels: 6, bitrateKbps: 640, language: 'eng', title: null, profile: null }],
        }),
      ],
    });
  });
}

const ruleIn = async (file: string): Promise<Rule> =>
  ((await import(pathToFileURL(resolve(root, 'rules', file)).href)) as { default: Rule }).default;

async function readRules(): Promise<RuleInfo[]> {
  const files = readdirSync(resolve(root, 'rules')).filter((file) => file.endsWith('.ts'));
  const rules = await Promise.all(
    files.map(async (file): Promise<RuleInfo> => {
      const rule = await ruleIn(file);
      return {
        id: file.replace('.ts', ''),
        title: rule.title,
        docs: rule.docs,
        optionsSchema: z.toJSONSchema(rule.options, { io: 'input' }) as RuleInfo['optionsSchema'],
        defaults: rule.options.parse({}) as RuleInfo['defaults'],
        perGroup: false,
        origin: 'built-in',
        file: `rules/${file}`,
        problem: null,
        lastRunMs: 41,
        failures: 0,
        lastFailure: null,
      };
    }),
  );
  const own: RuleInfo = {
    id: 'grain-lover',
    title: 'Leave grain alone',
    docs: {
      what: 'Looks for films from before 1990.',
      why: 'Film grain suffers first when a film gets smaller.',
      whenNotToUse: 'When space matters more than grain.',
    },
    optionsSchema: {},
    defaults: {},
    perGroup: false,
    origin: 'user',
    file: '/config/rules/grain-lover.ts',
    problem: "SyntaxError in line 12: Unexpected token '}'. Correct the file; it is read again at once.",
    lastRunMs: null,
    failures: 0,
    lastFailure: null,
  };
  return [...rules, own];
}

const MBPS_ENOUGH = 10;
const reasonOf = ({ files: [file] }: LibraryItem): string => {
  const mbps = ((file?.video?.bitrateKbps ?? 0) / 1000).toFixed(1);
  if (file?.video?.codec === 'h264')
    return `${mbps} Mbit/s of H.264 where about ${MBPS_ENOUGH}.0 are enough at this resolution`;
  return `${file?.video?.codec ?? 'This'} is an old codec; HEVC needs about a third of the space`;
};

function findings(items: readonly LibraryItem[]): Recommendation[] {
  const rows: Recommendation[] = [];
  for (const item of items) {
    const [file] = item.files;
    if (!file?.video || file.localPath === null || ['hevc', 'av1'].includes(file.video.codec)) continue;
    if (item.show !== null && (item.episode ?? 0) % 2 === 0) continue;
    const at = rows.length;
    const share = file.video.codec === 'h264' ? 0.55 : 0.66;
    const isOldContainer = file.container !== 'mkv';
    const ruleId = isOldContainer ? 'container-modernize' : 'codec-modernization';
    rows.push(
      aRecommendation({
        id: `${item.id}.${file.id}.${ruleId}`,
        itemId: item.id,
        fileId: file.id,
        ruleId,
        kind: isOldContainer ? 'remux' : 'transcode',
        presetId: isOldContainer ? 'remux' : 'balanced',
        reason: isOldContainer
          ? `.${file.container} cannot hold chapters and modern subtitles; Matroska can`
          : reasonOf(item),
        severity: at % 3 === 0 ? 'high' : 'medium',
        priority: Math.max(20, 94 - at * 3),
        savesBytes: isOldContainer ? 0 : Math.round(file.sizeBytes * share),
        savesLowBytes: isOldContainer ? 0 : Math.round(file.sizeBytes * (share - 0.12)),
        savesHighBytes: isOldContainer ? 0 : Math.round(file.sizeBytes * (share + 0.07)),
        confidence: at % 4 === 3 ? 'low' : at % 2 ? 'medium' : 'high',
        fileSizeBytes: file.sizeBytes,
        state: at === 9 ? 'dismissed' : at === 11 ? 'snoozed' : 'open',
        note: at === 9 ? 'Keeps its grain' : null,
        snoozedUntil: at === 11 ? before(-23) : null,
        createdAt: before(at < 5 ? 0.3 : at),
        changedAt: before(at < 5 ? 0.3 : at),
      }),
    );
  }
  return rows;
}

const CHECKS: Check[] = [
  { name: 'duration', ok: true, detail: '2 h 18 min 04 s on both sides, 12 ms apart' },
  { name: 'streams', ok: true, detail: '1 video, 2 audio and 2 subtitle tracks, as planned' },
  { name: 'decode', ok: true, detail: 'Every one of 198,813 frames decodes without an error' },
  { name: 'colour', ok: true, detail: 'HDR10 metadata is the same' },
  { name: 'size', ok: true, detail: '58 % smaller, at least 10 % asked for' },
];
const COMMAND =
  "ffmpeg -hide_banner -nostdin -i 'file:/data/media/Films/Hollow Sun (2022)/Hollow Sun (2022) Remux-2160p.mkv' -map 0 -c copy -c:v:0 libx265 -preset medium -crf 22 -pix_fmt yuv420p10le -x265-params log-level=error -f matroska 'file:/data/media/.mediaflow/work/job-run/output.mkv'";
const NOTES = [
  'Video: HEVC 2160p 10 bit, quality 22',
  'HDR10 metadata is kept',
  'TrueHD 7.1 and commentary: copied',
  '2 subtitles: copied',
  'Container stays Matroska',
];
const side = (codec: string, change: Partial<StreamSide> = {}): StreamSide => ({
  ...{
    codec,
    width: null,
    height: null,
    bitDepth: null,
    channels: null,
    language: null,
    title: null,
    bitrateKbps: null,
  },
  ...{ flags: [], ...change },
});
const COMMENTARY = { channels: 2, language: 'eng', title: 'Commentary', bitrateKbps: 192 };
const STREAM_CHANGES: StreamChange[] = [
  { kind: 'video', action: 'encode', note: null, before: side('h264', { width: 1920, height: 804, bitDepth: 8, bitrateKbps: 24_100 }), after: side('hevc', { width: 1920, height: 804, bitDepth: 10 }) },
  { kind: 'audio', action: 'encode', note: '7.1 becomes 5.1', before: side('truehd', { channels: 8, language: 'eng', title: 'Surround', flags: ['default'] }), after: side('eac3', { channels: 6, language: 'eng', title: 'Surround', bitrateKbps: 640, flags: ['default'] }) },
  { kind: 'data', action: 'drop', note: 'Matroska holds no data streams', before: side('bin_data'), after: null },
  { kind: 'audio', action: 'copy', note: null, before: side('ac3', COMMENTARY), after: side('ac3', COMMENTARY) },
  { kind: 'subtitle', action: 'copy', note: null, before: side('hdmv_pgs_subtitle', { language: 'eng' }), after: side('hdmv_pgs_subtitle', { language: 'eng' }) },
]; // prettier-ignore
const LOG = Array.from(
  { length: 40 },
  (_, at) =>
    `frame=${at * 480} fps=61.2 q=26.0 size=${at * 41_000}kB time=00:${String(at).padStart(2, '0')}:20.1 speed=2.5x`,
);

function jobOf(item: LibraryItem, id: string, state: JobState, change: Partial<Job> = {}): Job {
  const [file] = item.files;
  const sizeBytes = file?.sizeBytes ?? 0;
  return aJob({
    id,
    itemId: item.id,
    fileId: file?.id ?? '',
    title: item.show === null ? `${item.title} (${item.year ?? ''})` : `${item.show} · S0${item.season ?? 0}E${String(item.episode).padStart(2, '0')} ${item.title}`,
    recommendationId: `${item.id}.${file?.id ?? ''}.codec-modernization`,
    state,
    sourcePath: file?.localPath ?? '/data/media/unknown.mkv',
    serverPath: file?.path ?? '',
    targetPath: file?.localPath ?? null,
    sizeBeforeBytes: sizeBytes,
    expectedSavesBytes: Math.round(sizeBytes * 0.55),
    createdAt: before(0.4),
    ...change,
  });
} // prettier-ignore

function jobs(items: readonly LibraryItem[]): Job[] {
  const find = (title: string): LibraryItem => items.find((item) => item.title === title) ?? anItem();
  const smaller = (title: string, share: number): Partial<Job> => ({ sizeAfterBytes: Math.round((find(title).files[0]?.sizeBytes ?? 0) * share) });
  const planned = { planNotes: NOTES, commands: [COMMAND] };
  const streams = { streamsBefore: ['Video: H.264 1920 × 804, 24 fps', 'Audio: DTS 5.1 English', 'Audio: AC3 stereo English, Commentary', 'Subtitles: PGS English'], streamsAfter: ['Video: HEVC 1920 × 804, 24 fps, 10 bit', 'Audio: DTS 5.1 English (copied)', 'Audio: AC3 stereo English, Commentary (copied)', 'Subtitles: PGS English (copied)'] };
  const verified = { ...planned, ...streams, streamChanges: STREAM_CHANGES, checks: CHECKS, startedAt: before(0.3), encodeMs: 2_820_000 };
  const done = { ...verified, quarantineId: null, workerId: 'w-attic' };
  return [
    jobOf(find('Hollow Sun'), 'job-run', 'running', { workerId: 'w-attic', transferMode: 'transfer', whyWorker: 'attic-gpu: done in about 12 min; This machine would need 1 h 40 min', weighed: WEIGHED, stage: 'encode', percent: 62, startedAt: before(0.02), presetId: 'storage-saver', ...planned }),
    jobOf(find('The Salt Meridian'), 'job-ready', 'verified', { ...verified, ...smaller('The Salt Meridian', 0.36) }),
    jobOf(find('The Graft'), 'job-ready-2', 'verified', { ...verified, ...smaller('The Graft', 0.37) }),
    ...['Ninety Winters', 'The Long Night Shift', 'Thaw', 'Meltwater', 'Lantern Street', 'The Tin Astronaut', 'A Quiet Ledger'].map((title, at) =>
      jobOf(find(title), `job-wait-${at}`, 'queued', { score: 80 - at, rank: entryRank(80 - at, before(1)), waitsFor: at === 1 ? 'Plex: waits until the file has settled' : null })),
    jobOf(find('Copper & Rain'), 'job-held', 'blocked', { waitsFor: 'Hard-linked to another name: replacing would free nothing' }),
    jobOf(find('Whiteout'), 'job-held-2', 'blocked', { waitsFor: 'The share /data/tv went away at 21:02. Looked for every 30 s' }),
    ...['Bilge', 'The Pilot', 'Fog Signal'].map((title, at) =>
      jobOf(find(title), `job-space-${at}`, 'failed', { workerId: 'w-loft', error: { code: 'no_space', message: 'Not enough room in /data/tv: 6.1 GB are needed, 1.2 GB are free. Free some space, then retry.' }, startedAt: before(0.6), finishedAt: before(0.5 + at * 0.01), attempt: 2 })),
    jobOf(find('Kestrel'), 'job-broken', 'failed', { error: { code: 'verify_failed', message: 'The result lost a subtitle: MP4 cannot hold PGS. Choose a preset with Matroska.' }, startedAt: before(1.2), finishedAt: before(1.1), checks: [...CHECKS.slice(0, 1), { name: 'streams', ok: false, detail: '2 subtitle tracks expected, 1 found' }], ...planned }),
    jobOf(find('Blue Hour'), 'job-done-0', 'done', { ...done, ...smaller('Blue Hour', 0.35), finishedAt: before(0.1), quarantineId: 'q-0' }),
    jobOf(find('Sleepers'), 'job-done-1', 'done', { ...done, streamChanges: [], ...smaller('Sleepers', 0.36), finishedAt: before(0.5), quarantineId: 'q-1' }),
    jobOf(find("The Cartographer's Daughter"), 'job-done-2', 'done', { ...done, ...smaller("The Cartographer's Daughter", 0.38), finishedAt: before(2), quarantineId: 'q-2' }),
    jobOf(find('Ten Thousand Umbrellas'), 'job-same', 'skipped', { error: { code: 'not_smaller', message: 'The result would save 3 %, less than the 10 % you ask for' }, finishedAt: before(0.8), ...planned }),
    jobOf(find('Vermilion Coast'), 'job-dry', 'skipped', { error: { code: 'dry_run', message: 'Dry run: planned, nothing was written' }, finishedAt: before(1.4), ...planned }),
    jobOf(find('Any Port'), 'job-gone', 'cancelled', { finishedAt: before(3) }),
  ];
} // prettier-ignore

function receiptsOf(done: readonly Job[]): Receipt[] {
  const receipt = (job: Job, id: string, at: string): Receipt => ({
    id,
    jobId: job.id,
    itemId: job.itemId,
    title: job.title,
    ruleId: job.ruleId,
    presetId: job.presetId,
    workerId: 'local',
    at,
    before: { path: job.sourcePath, sizeBytes: job.sizeBeforeBytes, sha256: sha(`${id}b`), streams: job.streamsBefore },
    after: {
      path: job.sourcePath,
      sizeBytes: job.sizeAfterBytes ?? 0,
      sha256: sha(`${id}a`),
      streams: job.streamsAfter,
    },
    quarantineId: job.quarantineId ?? '',
    checks: job.checks,
    encodeMs: 2_820_000,
    plexBefore: null,
    plexAfter: null,
    plexShowsResult: true,
    differences: [],
  });
  const real = done.map((job, at) => receipt(job, `receipt-${at}`, job.finishedAt ?? before(1)));
  const [sample] = done;
  const older = sample
    ? Array.from({ length: 38 }, (_, at) => receipt({ ...sample, id: `job-old-${at}`, presetId: at % 3 ? 'balanced' : 'storage-saver', sizeBeforeBytes: 8e9 + (at % 7) * 3e9, sizeAfterBytes: 3.1e9 + (at % 5) * 1e9 }, `receipt-old-${at}`, before(1.1 + at * 0.9)))
    : []; // prettier-ignore
  return [...real, ...older];
}

function keptOf(done: readonly Job[]): QuarantineEntry[] {
  const entry = (job: Job, at: number, change: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
    id: `q-${at}`,
    kind: 'replaced',
    keepItemId: '',
    jobId: job.id,
    itemId: job.itemId,
    title: job.title,
    originalPath: job.sourcePath,
    storedPath: `/data/media/.mediaflow/quarantine/q-${at}/${job.sourcePath.split('/').at(-1) ?? ''}`,
    replacementPath: job.sourcePath,
    replacementSha256: sha(`r${at}`),
    sizeBytes: job.sizeBeforeBytes,
    replacementSizeBytes: job.sizeAfterBytes ?? 0,
    sha256: sha(`o${at}`),
    fingerprint: { dev: '1', ino: '2', sizeBytes: job.sizeBeforeBytes, mtimeNs: '3', nlink: 1 },
    state: 'kept',
    keptAt: job.finishedAt ?? before(1),
    purgeAt: before(-28 + at * 4),
    endedAt: null,
    ...change,
  });
  const [sample] = done;
  const surplus = {
    kind: 'surplus',
    jobId: '',
    keepItemId: '01234567-103',
    sha256: '',
    replacementSha256: '',
  } as const;
  const copyOf = (job: Job): QuarantineEntry =>
    entry(job, 5, {
      ...surplus,
      replacementPath: job.sourcePath.replace('.mkv', ' Remux.mkv'),
      replacementSizeBytes: 41e9,
    });
  return [
    ...done.map((job, at) => entry(job, at)),
    ...(sample ? [copyOf({ ...sample, title: 'Nine Doors to Monday (2013)' })] : []),
    ...(sample
      ? [entry({ ...sample, title: 'Paper Harbour (2011)' }, 7, { state: 'restored', endedAt: before(6) })]
      : []),
  ];
}

/** A friend's server beside the first one, with one library switched off. */
async function addServerBeside(store: Context['store']): Promise<void> {
  const id = 'abcdef0123456789abcdef0123456789abcdef01';
  const address = 'https://10-0-0-7.abcdef.plex.direct:32400';
  await store.otherServers.put({ id, name: 'Den', url: address, isOwned: false, addedAt: before(9) });
  await store.secrets.set(`webhookSecret:${id}`, 'a-secret-of-its-own');
  const section = { serverId: id, frozen: null, syncedAt: null, locations: ['/volume1/video'], type: 'movie' as const };
  await store.sections.putMany([
    { ...section, id: 'abcdef01-1', title: 'Old films', enabled: true, itemCount: 412 },
    { ...section, id: 'abcdef01-4', title: 'Home videos', enabled: false, itemCount: 0 },
  ]);
}

/** Fills the store and stands in for the engine as far as the pages can see it. */
async function prepare(context: Context, asked: string[], played: PlayedWorkers): Promise<Partial<Context>> {
  const { store, bus } = context;
  const items = withSurplusCopy([...films(), ...episodes()]);
  const { membersOf, ...decisions } = decisionsOf(context);
  const allJobs = jobs(items);
  const done = allJobs.filter(({ state }) => state === 'done');
  const ruleInfos = await readRules();
  const presets = await openPresets({ builtInDir: resolve(root, 'presets'), userDir: null });
  const section = { serverId: items[0]?.serverId ?? '', enabled: true, frozen: null, syncedAt: before(0.003) };
  await store.sections.put({
    ...section,
    id: '1',
    title: 'Films',
    type: 'movie',
    locations: ['/share/Media/Films'],
    itemCount: FILMS.length,
  });
  await store.sections.put({
    ...section,
    id: '2',
    title: 'TV',
    type: 'show',
    locations: ['/share/TV'],
    itemCount: EPISODES.length,
  });
  await addServerBeside(store);
  const tag = { createdAt: before(30) };
  await store.tags.putMany([
    { ...tag, id: 'keep', name: 'Never touch', color: 'rose', category: 'Care' },
    { ...tag, id: 'film-club', name: 'Film club', color: 'amber', category: 'People' },
    { ...tag, id: 'children', name: 'For the children', color: 'teal', category: 'People' },
    { ...tag, id: 'lent', name: 'Lent to somebody with a very long name', color: 'slate', category: '' },
  ]);
  for (const item of items) void store.library.put(item);
  for (const job of allJobs) void store.jobs.put(job);
  for (const row of [...findings(items), ...specialFindings(items)]) void store.recommendations.put(row);
  for (const row of receiptsOf(done)) void store.receipts.put(row);
  for (const row of keptOf(done)) void store.quarantine.put(row);
  await store.rules.put({ id: 'storage-optimization', mode: 'off', options: {} });
  const run = {
    mode: 'full',
    trigger: 'owner',
    sectionId: null,
    startedAt: before(0.003),
    finishedAt: before(0.0028),
    items: items.length,
    added: 3,
    changed: 1,
    removed: 0,
    error: null,
  } as const;
  const lastSync = { ...run, id: 'run-sync', kind: 'sync', findings: 0 } as const;
  await store.runs.put({ ...run, id: 'run-analysis', kind: 'analysis', findings: 21 });
  await store.secrets.set('plexToken', 'preview-token');
  await store.settings.change({
    plex: { url: 'http://192.168.1.10:32400', serverId: section.serverId, serverName: 'tower' },
    paths: { mappings: [{ from: '/share/Media', to: '/data/media' }, { from: '/share/TV', to: '/data/tv' }] },
    safety: { dryRun: false },
    setup: { finishedAt: before(40) },
  }); // prettier-ignore
  const counts = {
    accepted: 214,
    repeated: 61,
    ignored: 1204,
    malformed: 0,
    wrong_server: 0,
    wrong_secret: 2,
    too_large: 0,
  };
  await store.webhookCounts.put({
    ...store.webhookCounts.value,
    ...counts,
    lastAt: before(0.01),
    lastEvent: 'library.new',
  });

  const enqueue = new Enqueue({ ...context, presets });
  new Coverage({ ...context, rules: { list: () => ruleInfos } }).start();
  let paused = false;
  const changed = async (job: Job): Promise<Job> => {
    await store.jobs.put(job);
    bus.emit('job.changed', job);
    bus.emit('queue.changed', {});
    return job;
  };
  const at = (): string => new Date().toISOString();
  const progress: Progress = { percent: 62.4, fps: 61.2, speed: 2.5, etaSec: 1284, outputBytes: 15_100_000_000 };
  const count = (...states: JobState[]): number => store.jobs.where(({ state }) => states.includes(state)).length;
  const move = (id: string, where: MoveTo): Promise<Job> =>
    changed({ ...store.jobs.get(id), rank: movedRank(store.jobs.sorted(inQueue), id, where) });
  const end = async (id: string, state: 'restored' | 'purged'): Promise<QuarantineEntry> => {
    const entry = store.quarantine.get(id);
    if (entry.state !== 'kept') throw conflict(`This original was already ${entry.state}.`);
    asked.push(`${state} ${id}`);
    const row = await store.quarantine.patch(id, { state, endedAt: at() });
    bus.emit('quarantine.changed', { ids: [id] });
    return row;
  };
  const last = { cpuPercent: 22, gpuPercent: null, memoryUsedBytes: 11e9, memoryBytes: 32e9, scratchFreeBytes: 1.2e12, temperatureC: null, at: at() }; // prettier-ignore
  const past = pastOf({ worker: { name: 'here' }, state: 'online', history: [last] });
  played.here = { os: 'Linux 6.12.41 x64', cpu: 'Intel Core i5-12400', cores: 12, history: [...past, last] };
  return {
    presets,
    fleet: await previewFleet(context, played, localHealth),
    rules: {
      list: () => ruleInfos,
      get: (id) => {
        const found = ruleInfos.find((rule) => rule.id === id);
        if (!found) throw notFound('rule', id);
        return found;
      },
      parseOptions: async (id, options) => {
        const { options: schema } = await ruleIn(`${id}.ts`);
        const parsed = schema.safeParse(options);
        if (parsed.success) return parsed.data as Record<string, z.core.util.JSONType>;
        const fields = refusedFields(schema, parsed.error);
        throw invalid(refusalMessage(fields), fields);
      },
      evaluate: () => Promise.resolve([]),
      evaluateMany: () => {
        throw new AppError('unavailable', 'The preview does not analyze');
      },
    },
    ...decisions,
    analyzer: {
      isLooking: false,
      membersOf,
      items: () => Promise.resolve({ ...run, id: 'run-3', kind: 'analysis', mode: 'items', findings: 0 }),
      library: () => Promise.resolve({ ...run, id: 'run-2', kind: 'analysis', findings: 21 }),
      decide: (itemId) => {
        const item = store.library.get(itemId);
        return Promise.resolve(
          ruleInfos.filter(({ problem }) => problem === null).map((rule): Decision => {
            const row = store.recommendations.where((one) => one.itemId === itemId && one.ruleId === rule.id)[0];
            return { itemId, fileId: item.files[0]?.id ?? '', ruleId: rule.id, finding: row ? { kind: row.kind, preset: row.presetId, reason: row.reason, severity: row.severity } : null, whyNot: `${item.files[0]?.video?.codec ?? 'This'} needs nothing here.` };
          }),
        ); // prettier-ignore
      },
      try: ({ ruleId, options = {}, itemId }) => {
        const least = Number(options['mbpsAt1080p'] ?? 0);
        const rows = store.recommendations.where((row) => row.ruleId === ruleId && row.group === null && (itemId === undefined || row.itemId === itemId))
          .filter((row) => (store.library.get(row.itemId).files[0]?.video?.bitrateKbps ?? 0) / 1000 > least);
        const samples = rows.slice(0, 5).map((row) => ({ itemId: row.itemId, fileId: row.fileId, title: store.library.get(row.itemId).title, reason: row.reason, presetId: row.presetId, savesBytes: row.savesBytes }));
        return Promise.resolve({ matches: rows.length, looked: itemId === undefined ? store.library.size : 1, savesBytes: rows.reduce((sum, row) => sum + row.savesBytes, 0), samples });
      }, // prettier-ignore
    },
    enqueue,
    queue: {
      watched: (files) => Promise.resolve(new Set(files.slice(0, 1))),
      state: () => ({
        paused,
        running: count('running', 'replacing'),
        pending: count('queued'),
        blocked: count('blocked'),
        reasons: [],
      }),
      next: () => Promise.resolve({ job: store.jobs.get('job-wait-0'), choice: NEXT_CHOICE }),
      cancel: (id) => changed(moveJob(store.jobs.get(id), 'cancelled', at())),
      retry: (id) => changed(moveJob(store.jobs.get(id), 'queued', at())),
      replace: (id) => changed(moveJob(store.jobs.get(id), 'replacing', at())),
      move,
      pause: () => {
        paused = true;
        bus.emit('queue.changed', {});
        return Promise.resolve();
      },
      resume: () => {
        paused = false;
        bus.emit('queue.changed', {});
        return Promise.resolve();
      },
      progress: (id) => (store.jobs.find(id)?.state === 'running' ? progress : null),
      log: (id) => Promise.resolve(id === 'job-run' || id.startsWith('job-done') ? LOG.join('\n') : ''),
      simulate: ({ itemId }) => {
        const [file] = store.library.get(itemId).files;
        const isModern = file?.video?.codec === 'av1';
        const plan = isModern ? { planNotes: [], commands: [], streamChanges: [] } : { planNotes: NOTES, commands: [COMMAND], streamChanges: STREAM_CHANGES };
        return Promise.resolve({ ...plan, fileId: file?.id ?? '', skipped: isModern ? 'It is efficient already: another encode would only lose quality.' : null });
      }, // prettier-ignore
      restore: (id) => end(id, 'restored'),
      purge: (id) => end(id, 'purged'),
    },
    sync: { ...context.sync, status: () => ({ state: 'idle', done: 0, total: 0, lastRun: lastSync }) },
    problems: () =>
      Promise.resolve([
        { id: 'space', severity: 'warning', summary: '/data/tv is almost full', fix: '1.2 GB of 18 TB are free. Jobs that need more wait until there is room.', link: '/settings/paths' },
      ]), // prettier-ignore
  };
}

/** A server with a believable library, to look at. */
export const startPreview = (options: Parameters<typeof startWeb>[0] = {}): Promise<WebTest> =>
  startWeb({ prepare, ...options });

if (process.argv[1] === import.meta.filename) {
  const web = await startPreview({ port: Number(process.env['PREVIEW_PORT'] ?? 0) });
  console.log(web.url);
}
