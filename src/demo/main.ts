import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp, type App } from '../app.js';
import { readConfig } from '../config.js';
import { createLog } from '../lib/log.js';
import { endInOrder } from '../lib/process-end.js';
import { formatBytes } from '../lib/units.js';
import { makeClip } from './clips.js';
import { addPoster, newcomer, sections, SERVER_ROOT, library, undecided, type DemoClip } from './library.js';
import { SimulatedPlex } from './plex/simulated-plex.js';
import { checkEnding, sha256Of, watchStory, type Ending } from './story.js';

const FFMPEG = process.env['MEDIAFLOW_FFMPEG'] ?? 'ffmpeg';
const FFPROBE = process.env['MEDIAFLOW_FFPROBE'] ?? 'ffprobe';
const USUAL_PORT = 9876;
const STOP_LIMIT_MS = 9500;
/** Far longer than new titles take on a slow machine. */
const PATIENCE_MS = 60_000;
/** Nothing new for so long: every rule has spoken. */
const QUIET_MS = 2000;
const isOnce = process.argv.includes('--once');
const print = (line = ''): void => {
  console.log(line);
};

const folder = await mkdtemp(join(tmpdir(), 'mediaflow-demo-'));
const media = join(folder, 'media');
const password = randomBytes(9).toString('base64url');
const apiKey = randomBytes(24).toString('base64url');
let plex: SimulatedPlex | null = null;
let app: App | null = null;

const log = createLog(process.env['LOG_LEVEL'] ?? 'warn');
const { isEnding, end } = endInOrder({ stop: cleanUp, log, limitMs: STOP_LIMIT_MS });
try {
  const { ending, waiting } = await play();
  print();
  print(summaryOf(ending, waiting));
  if (isOnce) end(0);
  else invite();
} catch (error) {
  // What it was told to stop in the middle of has failed, of course.
  if (!isEnding()) {
    console.error(`\nThe demo did not end well: ${error instanceof Error ? error.message : String(error)}`);
    end(1);
  }
}

async function play(): Promise<{ ending: Ending; waiting: number }> {
  print('MediaFlow demo: a simulated Plex, generated clips, and the real MediaFlow.');
  print('Making a small library with ffmpeg ...');
  await Promise.all(library(media).map(putOnShelf));
  plex = new SimulatedPlex({ name: 'Demo Plex', ffprobe: FFPROBE, sections: sections(media) });
  await plex.start();
  await plex.scan();

  app = createApp(await config(plex), { log, isDemo: true });
  await app.start();
  await api('PUT', '/api/settings', {
    safety: { dryRun: false, replace: 'automatic' },
    plex: { settleSec: 1 },
  });
  await api('PUT', '/api/rules/codec-modernization', { mode: 'automatic', options: {} });
  await firstSync(app);
  plex.webhookUrl = `${app.url}/hooks/plex/${app.context.access.webhookSecret}`;
  print(`MediaFlow:  ${app.url}`);
  print(`Password:   ${password}`);
  print();

  const clip = newcomer(media);
  const ending = watchStory(app, 'Harbour 9', print);
  ending.catch(() => undefined);
  print(`Adding a film in an old codec: ${clip.path.slice(media.length + 1)}`);
  await putOnShelf(clip);
  const original = { sha256: await sha256Of(clip.path) };
  await plex.scan();
  const ended = await ending;
  const wrong = await checkEnding(ended, original, plex);
  if (wrong.length > 0) throw new Error(wrong.join('; '));
  print();
  print('Adding more titles, for you to decide ...');
  return { ending: ended, waiting: await leaveSomethingToDo(app, plex) };
}

async function putOnShelf(clip: DemoClip): Promise<void> {
  await addPoster(clip);
  await makeClip(FFMPEG, clip);
}

/** Whoever looks around decides from now on: the rule recommends, and new titles come in for it. */
async function leaveSomethingToDo({ context }: App, simulated: SimulatedPlex): Promise<number> {
  await api('PUT', '/api/rules/codec-modernization', { mode: 'recommend', options: {} });
  const open = (): number => context.store.recommendations.where(({ state }) => state === 'open').length;
  const before = open();
  const clips = undecided(media);
  await Promise.all(clips.map(putOnShelf));
  await simulated.scan();
  const givesUpAt = performance.now() + PATIENCE_MS;
  while (open() < before + clips.length) {
    if (performance.now() > givesUpAt)
      throw new Error(`Of ${clips.length} new titles ${open() - before} were recommended`);
    await sleep(100);
  }
  // More than one rule may speak about a title.
  for (let known = -1; known !== open();) {
    known = open();
    await sleep(QUIET_MS);
  }
  return open();
}

/** MediaFlow reads the library by itself at its first start. */
async function firstSync({ context }: App): Promise<void> {
  const isDone = (): boolean => context.sync.status().state === 'idle' && context.store.sections.size > 0;
  while (!isDone()) await sleep(100);
}

/** The same variables that a container would be given. */
async function config(simulated: SimulatedPlex) {
  return readConfig({
    PORT: String(isOnce ? 0 : await freePort()),
    HOST: '127.0.0.1',
    MEDIAFLOW_DATA_DIR: join(folder, 'data'),
    MEDIAFLOW_ADMIN_PASSWORD: password,
    MEDIAFLOW_API_KEY: apiKey,
    MEDIAFLOW_PLEX_URL: simulated.url,
    MEDIAFLOW_PLEX_TOKEN: simulated.token,
    MEDIAFLOW_PATH_MAPPINGS: `${SERVER_ROOT}=${media}`,
    MEDIAFLOW_FFMPEG: FFMPEG,
    MEDIAFLOW_FFPROBE: FFPROBE,
  });
}

async function api(method: string, path: string, body: object | null): Promise<unknown> {
  const response = await fetch(`${app?.url ?? ''}${path}`, {
    method,
    headers: { 'X-Api-Key': apiKey, 'Content-Type': 'application/json' },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

/** The usual port, or any when something listens there already. */
async function freePort(): Promise<number> {
  const wanted = Number(process.env['PORT'] ?? USUAL_PORT);
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(0);
    });
    probe.listen(wanted, '127.0.0.1', () => {
      probe.close(() => {
        resolve(wanted);
      });
    });
  });
}

function summaryOf({ job, receipt, kept }: Ending, waiting: number): string {
  const saved = receipt.before.sizeBytes - receipt.after.sizeBytes;
  const percent = Math.round((100 * saved) / receipt.before.sizeBytes);
  return [
    `Film         ${job.title}`,
    `Before       ${receipt.before.path.slice(media.length + 1)}, ${formatBytes(receipt.before.sizeBytes)}`,
    `After        ${receipt.after.path.slice(media.length + 1)}, ${formatBytes(receipt.after.sizeBytes)} (${percent} % smaller)`,
    `Streams      ${receipt.after.streams.join(' | ')}`,
    `Checks       ${receipt.checks.filter(({ ok }) => ok).length} of ${receipt.checks.length} passed`,
    `Original     kept byte-exact until ${kept.purgeAt.slice(0, 10)}`,
    `Plex         same entry, shows the new file, views and dates unchanged`,
    `Waiting      ${waiting} recommendations for you to decide`,
  ].join('\n');
}

function invite(): void {
  print();
  print(`Look around at ${app?.url ?? ''} (password ${password}).`);
  print(
    'Recommendations: approve one and watch it go the same way. Quarantine: the old file, restored with one click.',
  );
  print('Ctrl-C ends the demo and removes its files.');
}

async function cleanUp(): Promise<void> {
  try {
    await app?.stop();
    await plex?.stop();
  } finally {
    // A clip that is just being made may still appear in it.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
