import { load } from 'cheerio';
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Assets } from '../../src/web/assets.js';
import type { PageFrame } from '../../src/web/render.js';
import { Views } from '../../src/web/render.js';
import { routes } from '../../src/web/routes.js';
import { aFile, aJob, anItem, aRecommendation } from '../support/builders.js';
import { sampleOf } from '../support/view-sample.js';

const root = resolve(import.meta.dirname, '../..');
const views = readdirSync(join(root, 'views'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.hbs'),
);
const sourceOf = (view: string): string => readFileSync(join(root, 'views', view), 'utf8');
const nameOf = (view: string): string => view.replace(/\.hbs$/, '');

const HOSTILE = '"><script>alert(1)</script>';
const progress = { percent: 12.5, fps: 30, speed: 1.5, etaSec: 60, outputBytes: 100 };
const job = {
  ...aJob({ id: 'job-9', title: HOSTILE, error: { code: 'encode_failed', message: HOSTILE }, state: 'failed' }),
  presetTitle: HOSTILE,
  ruleTitle: HOSTILE,
  reason: HOSTILE,
  progress,
};
const check = { name: HOSTILE, ok: true, detail: HOSTILE };
const file = aFile({ path: `/share/${HOSTILE}.mkv`, localPath: null });
const item = {
  ...anItem({ title: HOSTILE, files: [file], tags: [HOSTILE] }),
  displayTitle: HOSTILE,
  sizeBytes: 1,
  bitrateKbps: 1,
  resolution: '1080',
  next: { kind: 'job', id: 'job-9', state: 'running', percent: 3, savesBytes: 1, score: null },
};
const recommendation = {
  ...aRecommendation({ reason: HOSTILE, note: HOSTILE }),
  title: HOSTILE,
  ruleTitle: HOSTILE,
  presetTitle: HOSTILE,
  canBeQueued: true,
  remainsPercent: 40,
  maybePercent: 10,
  remainsBytes: 1,
  remainsLowBytes: 1,
  remainsHighBytes: 2,
  smallerPercent: 60,
  section: HOSTILE,
  seconds: 4000,
  file,
  becomes: { codec: 'hevc', width: 1920, height: 1080, hdr: 'sdr', audio: { codec: HOSTILE, channels: 6 } },
  risks: [{ id: 'ten-bit', label: HOSTILE, help: HOSTILE, icon: 'warn', tone: 'warn' }],
  parts: [{ name: HOSTILE, points: 3, most: 40 }],
  basisText: HOSTILE,
  groupQuery: null,
  stays: null,
};
const figures = {
  ...{
    count: 3,
    sizeBytes: 9e9,
    jobs: 2,
    copies: 1,
    savesBytes: 4e9,
    lowBytes: 3e9,
    highBytes: 5e9,
    confidence: 'low',
  },
  ...{ seconds: 600, timeConfidence: 'low', workerTitle: HOSTILE, leftOutCount: 1 },
  presets: [{ id: 'x', title: HOSTILE, count: 2 }],
  leftOut: [{ reason: 'excluded', words: HOSTILE, count: 1 }],
};
const side = {
  codec: HOSTILE,
  width: 1,
  height: 1,
  bitDepth: 8,
  channels: 2,
  language: HOSTILE,
  title: HOSTILE,
  flags: [HOSTILE],
};
const streamChanges = [
  { kind: 'video', action: 'encode', before: side, after: side, note: HOSTILE },
  { kind: 'audio', action: 'drop', before: side, after: null, note: HOSTILE },
];
const surplus = {
  ...recommendation,
  id: 'r-surplus',
  keep: { itemId: 'x', fileId: 'y' },
  stays: { itemId: 'x', title: HOSTILE, path: `/a/${HOSTILE}`, section: HOSTILE, file },
};
const batch = {
  ...recommendation,
  id: 'r-batch',
  itemId: '',
  group: { codec: HOSTILE, resolution: '1080', files: 3 },
  groupQuery: 'codec=h264',
  file: null,
};
const review = {
  total: 3,
  state: 'open',
  counts: {},
  filter: { q: HOSTILE, show: HOSTILE, season: 1, about: [HOSTILE] },
  query: `q=${HOSTILE}`,
  view: 'cards',
  sort: 'saving',
  group: 'rule',
  savesBytes: 9,
  seconds: 7000,
  workerTitle: HOSTILE,
  otherView: { view: 'table', query: 'view=table' },
  groupings: [{ title: HOSTILE, query: HOSTILE, isChosen: true }],
  facets: { ruleId: [{ value: HOSTILE, label: HOSTILE, count: 1, isChosen: true }] },
  chips: [{ label: HOSTILE, query: HOSTILE }],
  summary: [{ ruleId: HOSTILE, title: HOSTILE, findings: 1, savesBytes: 1, jobs: 1, promisedBytes: 1, achievedBytes: 1 }],
  presets: [{ id: 'p', title: HOSTILE }],
  groups: [
    { title: HOSTILE, query: HOSTILE, selector: `3 q=${HOSTILE}`, count: 3, approvable: 3, more: 2, savesBytes: 5, items: [recommendation, surplus, batch] },
  ],
  next: '?page=2',
}; // prettier-ignore
const quarantined = {
  id: 'q-1',
  title: HOSTILE,
  originalPath: `/a/${HOSTILE}`,
  storedPath: HOSTILE,
  state: 'kept',
  sizeBytes: 1,
  purgeAt: '2026-01-01',
};
const field = { name: 'x', label: HOSTILE, help: HOSTILE, kind: 'text', value: HOSTILE, choices: [], checked: false };
const problem = { id: 'p', severity: 'error', summary: HOSTILE, fix: HOSTILE, link: '/health' };
const preset = {
  id: 'p',
  title: HOSTILE,
  description: HOSTILE,
  container: 'mkv',
  video: { codec: 'hevc' },
  audio: { codec: 'copy' },
  subtitles: 'keep',
};
const strip = {
  id: 's',
  tone: 'warn',
  icon: 'info',
  title: HOSTILE,
  text: HOSTILE,
  link: { href: '/queue', label: HOSTILE },
  act: { to: '/transcode/queue/resume', label: HOSTILE },
};
const nav = { library: 1, recommendations: 1, running: 1, waiting: 1, quarantine: 1, problems: 1 };
const shell = { nav, strips: [strip], active: [job], paused: false, version: '1.2.3', demo: true };
const tag = { id: HOSTILE, name: HOSTILE, color: 'rose', category: HOSTILE, items: 2, sizeBytes: 1 };
const page: PageFrame = {
  title: HOSTILE,
  section: '/queue',
  csrfToken: 'token-1',
  theme: 'dark',
  urlBase: '',
  notice: HOSTILE,
  since: HOSTILE,
  shell: null,
};
const run = { startedAt: '2026-01-01T00:00:00Z', error: HOSTILE, added: 1, changed: 1, removed: 1 };
const pin = { id: '1', state: 'waiting', authUrl: 'https://app.plex.tv/auth#?code=1', message: HOSTILE };
const way = { url: HOSTILE, kind: 'local', works: true, reason: null };
const server = { serverId: HOSTILE, name: HOSTILE, version: HOSTILE, isOwned: true, isCurrent: true, best: way };
const ways = [way, { ...way, kind: 'relay' }, { ...way, works: false, reason: HOSTILE }];
const shared = { ...server, isOwned: false, sharedBy: HOSTILE, best: null };
const servers = [
  { ...server, connections: ways },
  { ...server, best: { ...way, kind: 'relay' }, connections: ways },
  { ...shared, connections: [] },
];
/** The faces of connecting Plex. */
const CONNECTS = [
  { pin: null, isSignedIn: false, found: null, trouble: null },
  { pin, isSignedIn: false, found: null, trouble: null },
  { pin: { ...pin, state: 'denied' }, isSignedIn: true, found: null, trouble: HOSTILE },
  { pin: null, isSignedIn: true, found: { account: { name: HOSTILE, hasPlexPass: true }, items: servers } },
  { pin: null, isSignedIn: true, found: { account: { name: HOSTILE }, items: [] } },
];
const tab = {
  tab: 'safety',
  locked: {},
  error: { message: HOSTILE, fields: {} },
  fields: [
    field,
    { ...field, name: 'y', kind: 'checkbox', locked: 'PORT' },
    { ...field, name: 'z', kind: 'select', choices: [HOSTILE], error: HOSTILE },
    { ...field, name: 'mappings', kind: 'pairs', pairs: [{ from: HOSTILE, to: HOSTILE }] },
  ],
};
const rule = {
  id: 'r',
  title: HOSTILE,
  docs: { what: HOSTILE, why: HOSTILE, whenNotToUse: HOSTILE },
  mode: 'recommend',
  origin: 'user',
  problem: HOSTILE,
  findings: 1,
  file: HOSTILE,
  fields: [
    field,
    { ...field, name: 'y', kind: 'checkbox' },
    { ...field, name: 'z', kind: 'select', choices: [HOSTILE] },
    { ...field, name: 's', kind: 'number', value: '3', slider: { min: 1, max: 9, step: 1 } },
  ],
};
const oneTried = {
  id: 'r',
  title: HOSTILE,
  matches: 1,
  looked: 2,
  savesBytes: 5,
  samples: [{ itemId: 'x', title: HOSTILE, reason: HOSTILE, savesBytes: 5, seconds: 60 }],
  about: { id: 'x', title: HOSTILE },
  whyNot: HOSTILE,
  others: [],
  unknownWords: null,
};
const board = {
  now: [{ ...job, state: 'running' }],
  ready: [{ ...job, checks: [check] }],
  waiting: [job],
  held: [job],
};

const titles = [
  item,
  { ...item, show: HOSTILE, season: 1, next: { kind: 'recommendation', savesBytes: 1, score: 2 } },
  { ...item, next: null, status: { state: 'suggested', recommendationId: HOSTILE, reason: HOSTILE } },
  { ...item, next: null, status: { state: 'excluded', reason: HOSTILE } },
];
const choice = [{ value: HOSTILE, label: HOSTILE, count: 1, isChosen: true }];
const browser = {
  total: 9,
  excluded: 2,
  all: 9,
  items: titles,
  presets: [preset],
  filter: { q: HOSTILE, show: HOSTILE, season: 1, sort: 'title', addedAfter: HOSTILE, minSizeBytes: 7 },
  query: `q=${HOSTILE}&sort=title`,
  chips: [{ name: 'codec', value: HOSTILE, query: HOSTILE }],
  saved: [{ id: HOSTILE, name: HOSTILE, query: HOSTILE, isDefault: false, isCurrent: true }],
  columns: [{ id: 'size', isShown: true }],
  shown: { video: true, hdr: true, audio: true, container: true, bitrate: true, size: true, plays: true, tags: true },
  facets: { codec: choice, sectionId: choice, hdr: choice, tag: choice, ruleId: choice, type: choice },
  view: 'table',
  next: '?page=2',
};

const textEdit = { value: HOSTILE, clear: true, lock: 'lock' };
const tagEdit = { mode: 'remove', tags: [HOSTILE], lock: 'unlock' };
const changes = [
  { field: 'summary', before: '', after: HOSTILE, isLocked: false, willBeLocked: true },
  { field: 'studio', before: HOSTILE, after: HOSTILE, isLocked: true, willBeLocked: false },
  { field: 'genres', before: [HOSTILE, 'Drama'], after: ['Drama', `${HOSTILE}2`], isLocked: true, willBeLocked: true },
  { field: 'labels', before: [], after: [], isLocked: false, willBeLocked: true },
];
const anEdit = {
  id: HOSTILE,
  state: 'draft',
  total: 3,
  only: null,
  percent: 10,
  editedFields: ['summary', 'genres'],
  counts: { waiting: 1, done: 1, unchanged: 0, not_taken: 1, failed: 1 },
  edit: { title: textEdit, titleSort: textEdit, summary: textEdit, genres: tagEdit, labels: tagEdit },
  createdAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:00Z',
};
const edited = (['waiting', 'done', 'unchanged', 'not_taken', 'failed'] as const).map((state) => ({
  itemId: HOSTILE,
  title: HOSTILE,
  state,
  changes,
  open: changes,
  reason: state === 'failed' ? HOSTILE : null,
}));

const sync = { at: '2026-01-01', added: 1, removed: 2, note: HOSTILE, error: null };
const collectionPlaces = (['new', 'there', 'taken', 'deleted', 'off'] as const).map((state) => ({
  sectionId: HOSTILE,
  section: HOSTILE,
  type: 'movie',
  state,
  title: HOSTILE,
  isRenamed: true,
  adopted: true,
  held: 2,
  byHand: 1,
  takenOut: [{ ratingKey: '1', title: HOSTILE }],
  takenOutTotal: 60,
  plexUrl: 'https://app.plex.tv/desktop/',
  lastSync: state === 'new' ? { ...sync, error: HOSTILE } : sync,
}));
const collectionPreview = [
  { section: HOSTILE, state: 'there', held: 1, matches: 1, added: 9, removed: 9, byHand: 1, keptOut: 1, samples: { added: [HOSTILE], removed: [HOSTILE] }, note: HOSTILE },
  { section: HOSTILE, state: 'new', error: HOSTILE },
]; // prettier-ignore
const collection = {
  id: HOSTILE,
  name: HOSTILE,
  title: HOSTILE,
  filterId: 'x',
  filterName: HOSTILE,
  shownQuery: `q=${HOSTILE}`,
  chips: ['q', 'codec', 'tag'].map((name) => ({ name, value: HOSTILE })),
  filters: [{ id: HOSTILE, name: HOSTILE, isChosen: true }],
  held: 2,
  keepInStep: true,
  nextAt: '2026-01-01',
  places: collectionPlaces,
};

const encoders = ['libx265', 'hevc_nvenc', 'h264_vaapi'].map((name, at) => ({ name, works: at === 0, tenBit: true, error: HOSTILE, device: null })); // prettier-ignore
const atWork = { cpuPercent: 5, gpuPercent: null, memoryUsedBytes: 1, memoryBytes: 2, scratchFreeBytes: 3, temperatureC: 40, at: '2026-01-01' }; // prettier-ignore
const machine = {
  id: HOSTILE,
  name: HOSTILE,
  displayTitle: HOSTILE,
  kind: 'ssh',
  state: 'online',
  reason: HOSTILE,
  host: HOSTILE,
  port: 2222,
  username: HOSTILE,
  authKind: 'key',
  hostKey: `SHA256:${HOSTILE}`,
  seenHostKey: null,
  scratchDir: HOSTILE,
  slots: 1,
  running: 1,
  tags: [HOSTILE],
  pathMappings: [{ here: HOSTILE, there: HOSTILE, provedAt: null, problem: HOSTILE }],
  hours: [{ days: [1], from: HOSTILE, to: HOSTILE }],
  hoursText: HOSTILE,
  maxMbps: 3,
  capabilities: { os: HOSTILE, cpu: HOSTILE, cores: 1, memoryBytes: 1, ffmpegVersion: HOSTILE, gpus: [{ name: HOSTILE, driver: HOSTILE, memoryBytes: 1 }], encoders, at: '2026-01-01' },
  line: { upMbps: 1, downMbps: 2, latencyMs: 3, at: '2026-01-01' },
  metrics: atWork,
  history: [atWork, { ...atWork, cpuPercent: null }, atWork],
  jobs: [job],
  mishaps: [{ id: HOSTILE, title: HOSTILE, why: HOSTILE, at: '2026-01-01' }],
  record: { jobs: 1, freedBytes: 1, failed: 1, timesRealTime: 2 },
  printCommand: HOSTILE,
  publicKey: HOSTILE,
  authorize: HOSTILE,
}; // prettier-ignore
const machines = [
  { ...machine, kind: 'local', host: null, capabilities: null, metrics: null, history: [] },
  ...['checking', 'online', 'offline', 'paused', 'draining', 'disabled'].map((state) => ({ ...machine, state })),
  { ...machine, state: 'unconfirmed', seenHostKey: HOSTILE },
  { ...machine, state: 'unconfirmed', seenHostKey: HOSTILE, hostKey: null },
];
const workerChecks = [true, false, null].map((ok) => ({ id: 'ffmpeg', title: HOSTILE, ok, detail: HOSTILE, fix: ok ? null : { text: HOSTILE, commands: [HOSTILE] } })); // prettier-ignore
const refusedWorker = { error: { message: HOSTILE, fields: { host: HOSTILE, 'auth.privateKey': HOSTILE } }, typed: { auth: { kind: 'key', privateKey: 'KEY-CANARY' }, tags: HOSTILE } }; // prettier-ignore

/** Page -> data; several where a page has several faces. What lies in `shared/` or in a folder `parts/` is drawn by the pages that include it. */
const section = { id: HOSTILE, type: 'movie', title: HOSTILE, locations: [HOSTILE], frozen: HOSTILE };

const SAMPLES: Record<string, object[]> = {
  'shared/layout': [{ body: 'body' }, { body: 'body', page: { ...page, shell } }],
  'health/dashboard': [
    {
      library: { items: 1, lastSync: run },
      saved: { files: 1, history: [1, 2] },
      day: {},
      recommendations: { open: 1 },
      ready: 1,
      failed: 1,
      causes: [HOSTILE],
      recent: [job],
      problems: [problem],
      serverName: HOSTILE,
      arrivals: [{ id: '1', title: HOSTILE, sub: HOSTILE, savesBytes: 1 }],
    },
    { library: {}, saved: {}, day: {}, recommendations: {}, causes: [], recent: [], problems: [], arrivals: [] },
  ],
  'library/list': [
    browser,
    { ...browser, view: 'grid', shown: {}, saved: [], chips: [], growsByItself: true },
    { ...browser, total: 0, items: [], facets: {} },
    { ...browser, total: 0, all: 0, items: [], filter: {}, chips: [] },
  ],
  'library/item': [
    {
      ...item,
      decisions: [{ ruleId: 'r', ruleTitle: HOSTILE, finding: { kind: 'transcode', reason: HOSTILE } }],
      recommendations: [recommendation],
      jobs: [job],
      kept: [quarantined],
      presets: [preset],
      excluded: { id: HOSTILE, title: HOSTILE, note: HOSTILE, at: '2026-01-01' },
    },
  ],
  'library/excluded': [
    {
      total: 1,
      batches: [{ at: '2026-01-01', count: 2, reason: HOSTILE }],
      items: [{ id: HOSTILE, title: HOSTILE, reason: HOSTILE, at: '2026-01-01', isInLibrary: true }],
    },
    { total: 0, items: [] },
  ],
  'library/exclude': [
    { itemIds: [HOSTILE], all: '', items: 2, open: 1, waiting: 1, leftOut: figures.leftOut, leftOutCount: 1 },
    { itemIds: [], all: HOSTILE, expected: 2, items: 0 },
  ],
  'library/edits': [
    { total: 1, items: [anEdit, { ...anEdit, state: 'done', only: HOSTILE, editedFields: [] }] },
    { items: [] },
  ],
  'library/edit': [
    { ...anEdit, error: { message: HOSTILE, fields: { 'edit.summary.value': HOSTILE, 'edit.genres.tags': HOSTILE } } },
    { ...anEdit, only: HOSTILE },
    { ...anEdit, state: 'done' },
  ],
  'library/edit-preview': [
    {
      ...anEdit,
      looked: 2,
      changing: 1,
      unchanged: 1,
      gone: 1,
      byField: [{ field: 'genres', titles: 1 }],
      hasEpisodes: true,
      rows: [
        { itemId: HOSTILE, title: HOSTILE, changes },
        { itemId: 'x', title: HOSTILE, isGone: true, changes: [] },
      ],
      error: { message: HOSTILE, fields: {} },
    },
    { ...anEdit, only: HOSTILE, total: 1, looked: 1, changing: 0, unchanged: 1, gone: 0, byField: [], rows: [] },
  ],
  'library/edit-result': (['draft', 'running', 'done', 'stopped', 'interrupted'] as const).map((state) => ({
    ...anEdit,
    state,
    shown: state === 'done' ? 'failed' : '',
    titles: { total: 9, items: state === 'done' ? [] : edited, next: '?page=2', previous: null },
  })),
  'library/queue': [
    {
      ...figures,
      itemIds: [HOSTILE],
      all: HOSTILE,
      expected: 3,
      presetId: 'x',
      defaultPreset: HOSTILE,
      choices: [preset],
    },
    { ...figures, jobs: 0, leftOut: [], itemIds: [], all: '', choices: [] },
  ],
  'recommendations/decide': (['approve', 'snooze', 'dismiss', 'reopen'] as const).map((decision) => ({
    ...{ ...figures, decision, ids: [HOSTILE], groups: [HOSTILE], all: HOSTILE, changes: 2, days: 30, reason: HOSTILE },
    choices: [preset],
  })),
  'library/parts/bulk-titles': [figures],
  'recommendations/parts/bulk-review': [figures],
  'library/plan': [
    {
      expected: { sizeBytes: 9, expectedBytes: 5, savesBytes: 4, savesPercent: 40, confidence: HOSTILE, seconds: 600 },
      streamChanges,
      id: 'x',
      displayTitle: HOSTILE,
      preset,
      presets: [preset],
      planNotes: [HOSTILE],
      commands: [HOSTILE],
      skipped: null,
    },
    { id: 'x', displayTitle: HOSTILE, preset, presets: [], planNotes: [], commands: [], skipped: HOSTILE },
  ],
  'recommendations/list': [
    review,
    { ...review, view: 'table' },
    {
      ...review,
      state: 'dismissed',
      groups: [{ ...review.groups[0], items: [{ ...recommendation, state: 'dismissed' }] }],
    },
    { ...review, state: 'snoozed', groups: [], chips: [], total: 0 },
    { ...review, groups: [], chips: [], total: 0, titles: 3, rulesOn: 0 },
  ],
  'recommendations/runs': [
    {
      total: 3,
      sections: [
        { id: '1', title: HOSTILE },
        { id: '2', title: HOSTILE },
      ],
      items: [
        { ...run, mode: 'full', sectionTitle: HOSTILE, durationMs: 1200, savesBytes: 1e9, error: HOSTILE },
        { ...run, mode: 'full', ruleTitles: [HOSTILE, HOSTILE], durationMs: null },
        { ...run, mode: 'items', trigger: 'webhook', runs: 12, durationMs: 90 },
      ],
      kept: {
        byRule: [
          { ruleId: HOSTILE, title: HOSTILE, jobs: 2, promisedBytes: 1e9, achievedBytes: 9e8, ratio: 0.9, failed: 1 },
          { ruleId: HOSTILE, title: HOSTILE, jobs: 0, promisedBytes: 0, achievedBytes: 0, ratio: null },
        ],
      },
    },
    { total: 0, sections: [], items: [], kept: { byRule: [] } },
  ],
  'queue/page': [
    {
      ...board,
      pending: 1,
      causes: [{ cause: HOSTILE, title: HOSTILE, fix: HOSTILE, count: 9, jobs: [job] }],
      ended: [job],
      totals: { ready: 9, waiting: 9, held: 9, failed: 9 },
    },
    { paused: true, now: [], ready: [], waiting: [], held: [], causes: [], ended: [], totals: {} },
  ],
  'queue/list': [
    { total: 1, state: 'failed', cause: { cause: HOSTILE, title: HOSTILE, fix: HOSTILE, count: 1 }, items: [job] },
    ...['queued', 'verified', 'blocked'].map((state) => ({ total: 1, state, items: [{ ...job, state, error: null }] })),
    { total: 0, state: 'done', cause: null, items: [] },
  ],
  'queue/question': ['retry', 'cancel', 'exclude', 'clear'].map((action) => ({
    ...figures,
    ...{ action, ids: [HOSTILE], filter: { cause: HOSTILE }, cause: HOSTILE, items: 2, selected: 3 },
  })),
  'jobs/job': (['queued', 'running', 'verified', 'failed', 'done'] as const).map((state) => ({
    ...job,
    state,
    waitsFor: HOSTILE,
    checks: [check, { ...check, ok: false }],
    passedChecks: [check],
    failedChecks: [{ ...check, ok: false }],
    planNotes: [HOSTILE],
    commands: [HOSTILE],
    streamsBefore: [HOSTILE],
    streamChanges: state === 'done' ? streamChanges : [],
    logLines: [HOSTILE],
    hasItem: true,
    kept: quarantined,
    receipt: { before: {}, after: {}, differences: [HOSTILE] },
  })),
  'replace/quarantine': [
    { total: 1, state: 'kept', items: [quarantined] },
    { total: 0, state: 'lost', items: [] },
  ],
  'replace/original': [quarantined],
  'rules/list': [{ items: [rule] }, { items: [] }],
  'rules/rule': [
    rule,
    {
      ...rule,
      problem: null,
      failures: 2,
      lastFailure: { message: HOSTILE, at: '2026-01-01' },
      mode: 'automatic',
      tags: [{ id: HOSTILE, name: HOSTILE, only: true, except: false }],
      about: { id: 'x', title: HOSTILE },
      tried: oneTried,
    },
  ],
  'rules/try': [
    { ...oneTried, about: null },
    oneTried,
    { ...oneTried, matches: 0, others: [{ id: HOSTILE, title: HOSTILE }] },
    { ...oneTried, unknownWords: HOSTILE },
  ],
  'analytics/page': [
    {
      items: 1,
      files: 1,
      sizeBytes: 1,
      unread: 1,
      modernPercent: null,
      months: [{ short: HOSTILE, name: HOSTILE, items: 1, sizeBytes: 1, heightPercent: 5, query: `?q=${HOSTILE}` }],
      charts: ['codec', 'resolution', 'hdr', 'audioCodec', 'container', 'sectionId'].map((dimension) => ({
        dimension,
        bars: [
          { value: HOSTILE, title: null, items: 1, sizeBytes: 1, percent: 1, lengthPercent: 9, query: `?q=${HOSTILE}` },
        ],
        others: 2,
      })),
    },
    { items: 0 },
  ],
  'library/tags': [
    {
      total: 1,
      items: [tag],
      categories: [HOSTILE],
      colors: ['blue'],
      error: { message: HOSTILE, fields: { name: HOSTILE } },
    },
    { total: 0, items: [], categories: [], colors: ['blue'] },
  ],
  'library/tag': [{ ...tag, colors: ['blue', 'rose'], titles: [{ id: 'x', title: HOSTILE }] }],
  'library/item-tags': [
    { id: 'x', displayTitle: HOSTILE, tags: [tag], others: [tag] },
    { id: 'x', displayTitle: HOSTILE, tags: [], others: [] },
  ],
  'collections/list': [
    {
      items: [
        collection,
        { ...collection, isSyncing: true },
        { ...collection, error: HOSTILE },
        { ...collection, places: [], filterName: null },
      ],
    },
    { items: [] },
  ],
  'collections/new': [
    { ...collection, query: 'codec=av1', preview: collectionPreview },
    { ...collection, query: '', preview: [], error: { message: HOSTILE, fields: { name: HOSTILE } } },
    { filters: [], query: '', preview: null },
  ],
  'collections/collection': [
    { ...collection, preview: collectionPreview, isSyncing: true, error: HOSTILE },
    { ...collection, error: { message: HOSTILE, fields: {} } },
    { ...collection, filterName: null, chips: [], keepInStep: false, places: [], refusal: { message: HOSTILE } },
  ],
  'workers/list': [{ items: machines, queuePaused: true, printCommand: HOSTILE }, { items: [machines[0] ?? {}] }],
  'workers/new': [{ ...machine, ...refusedWorker, publicKey: null }, machine],
  'workers/key': [{ authorize: HOSTILE, publicKey: HOSTILE }],
  'workers/worker': [...machines, { ...machine, ...refusedWorker }],
  'workers/setup': [...machines, { ...machine, lastSeenAt: null }],
  'workers/checks': [
    { ...machine, checks: workerChecks, next: 'encode' },
    { ...machine, checks: workerChecks, ok: true },
    { ...machine, checks: workerChecks, page: { ...page, shell } },
  ],
  'workers/found': [
    {
      id: HOSTILE,
      name: HOSTILE,
      suggestions: [
        { here: HOSTILE, there: HOSTILE, agreed: 1, of: 3, isProved: false },
        { here: HOSTILE, there: HOSTILE, agreed: 2, of: 2, isProved: true },
      ],
      lookedFor: 3,
      lookAlikes: 0,
      isComplete: true,
    },
    {
      id: HOSTILE,
      name: HOSTILE,
      suggestions: [],
      lookedFor: 3,
      lookAlikes: 2,
      isComplete: false,
      page: { shell: true },
    },
  ],
  'workers/used': [
    { id: HOSTILE, name: HOSTILE, path: { here: HOSTILE, there: HOSTILE, provedAt: null, problem: HOSTILE } },
    {
      id: HOSTILE,
      name: HOSTILE,
      path: { here: HOSTILE, there: HOSTILE, provedAt: HOSTILE, problem: null },
      page: { shell: true },
    },
  ],
  'workers/compare': [{ items: machines }],
  'presets/list': [{ items: [preset], broken: [{ file: HOSTILE, message: HOSTILE }] }],
  'access/sign-in': [{ error: { message: HOSTILE }, next: HOSTILE }],
  'settings/setup': ['token', 'admin', 'plex', 'paths', 'worker', 'safety', 'ready'].map((step) => ({
    step,
    connect: CONNECTS[3],
    error: { message: HOSTILE, fields: { url: HOSTILE, password: HOSTILE } },
    typed: { url: HOSTILE },
    mappings: [
      { from: HOSTILE, to: HOSTILE, proof: { message: HOSTILE, folder: HOSTILE }, seen: { matched: 3, of: 6 } },
    ],
    worker: { ffmpegVersion: HOSTILE, encoders: [{ title: HOSTILE, error: HOSTILE }], trouble: HOSTILE },
    webhookUrl: HOSTILE,
  })),
  'settings/events': [
    {
      tab: 'events',
      error: { message: HOSTILE },
      items: ['ok', 'warning', 'unknown'].map((state) => ({
        state,
        title: HOSTILE,
        text: HOSTILE,
        fix: HOSTILE,
        link: '/settings/plex',
        canAdd: state === 'warning',
      })),
    },
  ],
  'settings/page': [
    tab,
    { ...tab, tab: 'paths', servers: [{ id: HOSTILE, name: HOSTILE }] },
    { ...tab, tab: 'security', hasApiKey: true },
    ...CONNECTS.map((connect) => ({
      ...tab,
      tab: 'plex',
      connect,
      connection: { isConnected: true, name: HOSTILE, url: HOSTILE },
      sections: [{ ...section, enabled: true }],
      others: [
        { serverId: HOSTILE, name: HOSTILE, url: HOSTILE, trouble: HOSTILE, webhookUrl: HOSTILE, sections: [section] },
      ],
      sync: { state: 'idle', lastRun: run },
      webhook: { url: HOSTILE, counts: { accepted: 1 } },
    })),
  ],
  'settings/api-key': [{ apiKey: HOSTILE }],
  'settings/check': [{ name: HOSTILE, version: HOSTILE, platform: HOSTILE }],
  'settings/folder-check': [{ folder: HOSTILE, message: HOSTILE }],
  'health/page': [
    {
      problems: [problem],
      plex: { isConnected: true, name: HOSTILE },
      queue: { reasons: [HOSTILE] },
      webhooks: { counts: {} },
    },
  ],
  'settings/api-docs': [{ lines: [{ method: 'GET', path: HOSTILE, summary: HOSTILE, input: HOSTILE }] }],
  'shared/error': [
    { status: 404, heading: HOSTILE, error: { message: HOSTILE, fields: { x: HOSTILE } }, back: '/queue' },
  ],
  'shared/shell': [shell],
};

/** Lists answer the number of a page under this name. */
const isFrame = (data: object): data is { page: PageFrame } => 'page' in data && typeof data.page === 'object';

describe('views', () => {
  let open: Views;
  before(async () => {
    open = await Views.open(join(root, 'views'), '', await Assets.open(join(root, 'public'), ''));
  });
  const draw = (name: string, data: object): string => open.fragment(name, data, isFrame(data) ? data.page : page);

  it('have sample data here, and every page is somebody’s', () => {
    const used = new Set(routes.map(({ view }) => view));
    const pages = views.map(nameOf).filter((name) => !/(^shared|\/parts)\//.test(name));
    const within = ['plex', 'library', 'others', 'security', 'sign-in', 'servers'].map((name) => `settings/${name}`);
    for (const name of pages)
      if (!within.includes(name) && !used.has(name)) expect(SAMPLES, name).to.have.property(name);
    expect(pages.filter((name) => !used.has(name) && ![...within, 'settings/api-docs'].includes(name))).to.deep.equal(
      [],
    );
  });

  // What an action answers is drawn with every field in it, beside what is written above by hand.
  const all = new Map<string, object[]>(Object.entries(SAMPLES));
  for (const { view, action } of routes)
    if (view !== null) all.set(view, [...(all.get(view) ?? []), sampleOf(action.output, HOSTILE) as object]);

  for (const [name, samples] of all) {
    it(`${name} holds nothing the content security policy forbids, and lets nothing hostile through`, () => {
      for (const data of samples) {
        const html = draw(name, data);
        expect(html).not.to.contain('<script>alert').and.not.to.contain('KEY-CANARY');
        expect(html).not.to.contain('[object Object]');
        const $ = load(html);
        expect($('style, [style], script:not([src])').length).to.equal(0);
        const forbidden = $('*')
          .toArray()
          .flatMap((node) => ('attribs' in node ? Object.entries(node.attribs) : []))
          .filter(
            ([attribute, value]) =>
              /^(on|hx-on|hx-vars)/.test(attribute) || (attribute === 'hx-trigger' && value.includes('[')),
          );
        expect(forbidden).to.deep.equal([]);
        $('form[method="post"]').each((_, form) => {
          expect($(form).find('input[name="_csrf"]').val(), $(form).attr('action')).to.equal('token-1');
          // An address that leads nowhere of ours was made harmless.
          expect($(form).attr('action')).to.match(/^(?:\/|#$)/);
        });
        $('input:not([type="hidden"]), select').each((_, input) => {
          const id = $(input).attr('id') ?? '';
          const hasLabel = $(`label[for="${id}"]`).length > 0 || $(input).closest('label').length > 0;
          expect(hasLabel || $(input).attr('aria-label') !== undefined, `${id} has a label`).to.equal(true);
        });
        $('button').each((_, button) => {
          const text = $(button).text().trim() || ($(button).attr('aria-label') ?? '');
          expect(text, $.html(button)).not.to.equal('');
        });
        const icons = readFileSync(join(root, 'public/icons.svg'), 'utf8');
        $('use').each((_, use) => {
          const id = ($(use).attr('href') ?? '').split('#')[1] ?? '';
          expect(icons, id).to.contain(`id="${id}"`);
        });
      }
    });
  }

  it('never write anything unescaped and quote every attribute', () => {
    for (const view of views) {
      expect(sourceOf(view), view).not.to.contain('{{{');
      expect(sourceOf(view), view).not.to.match(/\s[a-z-]+=\{\{(?![#/>])/);
    }
  });

  it('load one stylesheet and at most three scripts a page, and nothing that does not exist', () => {
    for (const data of SAMPLES['shared/layout'] ?? []) {
      const $ = load(draw('shared/layout', data));
      const linked = $('link[href], script[src]').toArray().map((node) => $(node).attr('href') ?? $(node).attr('src') ?? ''); // prettier-ignore
      expect($('link[rel="stylesheet"]').length).to.equal(1);
      expect($('script[src]').length).to.be.within(1, 3);
      for (const address of linked) {
        const [, path = 'nothing'] = /^\/assets\/[0-9a-f]+(\/.+)$/.exec(address) ?? [];
        expect(existsSync(join(root, 'public/built', path)), address).to.equal(true);
      }
    }
    for (const view of views)
      if (view !== join('shared', 'layout.hbs')) expect(sourceOf(view), view).not.to.match(/<(?:link|script)\b/);
  });
});
