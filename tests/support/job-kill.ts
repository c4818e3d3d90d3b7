import { execa } from 'execa';
import { cp, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { remotePath } from '../../src/domain/settings/disk.js';
import type { Job } from '../../src/domain/jobs/job.js';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import type { Clips } from './clips.js';
import type { Sshd } from './sshd.js';
import { filesBelow, sha256Of, Stage } from './stage.js';
import { realOf } from './swap-scene.js';

const root = resolve(import.meta.dirname, '../..');
const READY_MS = 60_000;
const FILMS = 3;
const KILLS_PER_FILM = 4;
/** A swap that was put off because Plex was slow is tried again only minutes later. Below the limit of a test, which says nothing. */
const BRING_TO_END_MS = 480_000;

/** The program as it is started, in a folder of its own. */
export interface Built {
  folder: string;
  main: string;
  remove(): Promise<void>;
}

const spawnMediaFlow = ({ main }: Built, env: Record<string, string>) =>
  execa(process.execPath, [main], {
    cwd: root,
    env: { ...env, PATH: process.env['PATH'] ?? '' },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });

/** MediaFlow as a program of its own, so that it can be killed as a whole. */
export class Program {
  readonly #built: Built;
  readonly #stage: Stage;
  #child: ReturnType<typeof spawnMediaFlow> | null = null;

  constructor(built: Built, stage: Stage) {
    this.#built = built;
    this.#stage = stage;
  }

  /** Resolves when it says that it is ready. Throws with what it said when it ends before. */
  async start(): Promise<void> {
    const child = spawnMediaFlow(this.#built, this.#stage.env);
    this.#child = child;
    const said: string[] = [];
    const ready = new Promise<string>((found) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        said.push(line);
        if (said.length > 200) said.shift();
        if (!line.includes('MediaFlow is ready')) return;
        found((JSON.parse(line) as { url: string }).url);
      });
    });
    const ended = child.then(({ stderr }) => `ended: ${stderr}\n${said.join('\n')}`);
    const late = sleep(READY_MS).then(() => `not ready after a minute:\n${said.join('\n')}`);
    const url = await Promise.race([ready, ended, late]);
    if (!url.startsWith('http')) throw new Error(`MediaFlow did not start: ${url}`);
    this.#stage.reachedAt(url);
  }

  /** 0 while it does not run: then it has no processes of its own either. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child;
    this.#child = null;
  }

  /** Asks it to end; answers the exit code and the milliseconds it took. */
  async stop(): Promise<{ exitCode: number | undefined; tookMs: number }> {
    const startedMs = performance.now();
    this.#child?.kill('SIGTERM');
    const result = await this.#child;
    this.#child = null;
    return { exitCode: result?.exitCode, tookMs: performance.now() - startedMs };
  }
}

/** Copied: a build finds what it compiles, and where it puts it, from where it lies itself. */
const COMPILED = ['src', 'rules', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json'];
const LINKED = ['node_modules', 'presets', 'public', 'views'];

/**
 * Builds the program by the script that builds it for everybody, once for all runs. Types are checked and declared elsewhere, which takes
 * three quarters of the time; the program is the same without.
 */
export async function build(): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), 'mediaflow-built-'));
  for (const name of COMPILED) await cp(join(root, name), join(folder, name), { recursive: true });
  for (const name of LINKED) await symlink(join(root, name), join(folder, name));
  const compilerOptions = { noCheck: true, declaration: false };
  const config = { extends: './tsconfig.json', include: ['src', 'rules'], compilerOptions };
  await writeFile(join(folder, 'tsconfig.build.json'), JSON.stringify(config));
  await execa(process.execPath, [join(folder, 'scripts/build.js')], { cwd: folder });
  return {
    folder,
    main: join(folder, 'dist/src/main.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

interface KillOptions {
  random: () => number;
  /** Where films lie, when that is another machine. */
  nas?: Sshd;
}

interface Film {
  path: string;
  sha256: string;
}

/**
 * Kills MediaFlow at random moments while films go the whole way, restarts it each time, and looks at the disk: every
 * film must be its byte-exact original or a verified result with the original kept; at the end every job has ended
 * legally and nothing is left behind. Answers how often it was killed and what was wrong.
 */
export async function killJobs(
  built: Built,
  clips: Clips,
  options: KillOptions & { kills: number; say?: (line: string) => void },
): Promise<{ killed: number; wrong: string[] }> {
  const wrong: string[] = [];
  let killed = 0;
  for (let round = 1; killed < options.kills; round++) {
    const result = await killRound(built, clips, options, options.kills - killed);
    killed += result.killed;
    const found = result.wrong.map((text) => `round ${round}: ${text}`);
    for (const text of found) options.say?.(text);
    wrong.push(...found);
    options.say?.(`${killed} kills, ${wrong.length} violations`);
    // Nothing could even begin.
    if (result.killed === 0) break;
  }
  return { killed, wrong };
}

/** The films lie on another machine from now on. */
async function moveToNas(stage: Stage, nas: Sshd): Promise<void> {
  const { id } = await stage.api<{ id: string }>('POST', '/api/servers', {
    ...{ name: 'NAS', host: nas.host, port: nas.port, username: nas.username, hostKey: await nas.fingerprint() },
    ...{ auth: { kind: 'key', privateKey: nas.privateKey }, scratchDir: join(stage.dir, 'worker') },
  });
  await stage.api('POST', `/api/servers/${id}/pause`);
  const mappings = [{ from: '/share/Media', to: remotePath(id, stage.media) }];
  await stage.api('PUT', '/api/settings', { paths: { mappings } });
}

/** Three films on their way, in a fresh place. */
async function killRound(
  built: Built,
  clips: Clips,
  { random, nas }: KillOptions,
  most: number,
): Promise<{ killed: number; wrong: string[] }> {
  const stage = await Stage.set({ env: { LOG_LEVEL: 'info', ...(nas ? { MEDIAFLOW_PATH_MAPPINGS: '' } : {}) } });
  const program = new Program(built, stage);
  const wrong: string[] = [];
  let killed = 0;
  try {
    await program.start();
    await stage.setToWork();
    if (nas) await moveToNas(stage, nas);
    // A webhook that came while nobody listened is made up for by the schedule.
    await stage.api('PUT', '/api/settings', { plex: { syncCron: '*/3 * * * * *' } });
    const films: Film[] = [];
    for (let number = 1; number <= FILMS; number++) {
      films.push(await addFilm(stage, clips, number));
      await stage.plex.scan();
      for (let kill = 0; kill < KILLS_PER_FILM && killed < most; kill++) {
        await sleep(random() * 2500);
        await program.kill();
        killed++;
        wrong.push(...(await damageOf(stage, films, false)));
        await program.start();
      }
    }
    await bringToEnd(stage, films.length);
    const odd = (await stage.jobs()).filter(({ state }) => state !== 'done');
    wrong.push(...odd.map(({ id, state, error }) => `${id} ended as ${state}: ${error?.message ?? ''}`));
    await stage
      .until('nothing is left behind', async () => (await leftBehind(stage)).length === 0)
      .catch(() => undefined);
    wrong.push(...(await damageOf(stage, films, true)));
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  } finally {
    await program.kill();
    await stage.strike();
  }
  return { killed, wrong };
}

/** Every second one changes its extension. */
async function addFilm(stage: Stage, clips: Clips, number: number): Promise<Film> {
  const title = `Film ${number} (200${number})`;
  const isOld = number % 2 === 0;
  const clip = await clips.make(isOld ? 'kill.avi' : 'kill.mkv', [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
    ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', isOld ? 'libmp3lame' : 'aac'],
  ]);
  const path = await stage.add(`Films/${title}/${title}${isOld ? '.avi' : '.mkv'}`, clip);
  return { path, sha256: await sha256Of(path) };
}

/** What is wrong on the disk. `isOver`: after everything has ended, when nothing may be left behind. */
async function damageOf(stage: Stage, films: readonly Film[], isOver: boolean): Promise<string[]> {
  const wrong: string[] = [];
  const kept = await hashesIn(join(stage.media, '.mediaflow', 'quarantine'));
  for (const { path, sha256 } of films) {
    const standing = await standingAt(path);
    if (standing.length === 0) wrong.push(`nothing stands at ${path}`);
    const hasOriginal = standing.includes(sha256) || kept.has(sha256);
    if (!hasOriginal) wrong.push(`the original of ${path} has ended`);
  }
  if (!isOver) return wrong;
  const jobs = await stage.jobs();
  const { items } = await stage.api<{ items: QuarantineEntry[] }>('GET', '/api/transcode/quarantine');
  for (const film of films) wrong.push(...(await oddEnd(film, jobs, items)));
  return [...wrong, ...(await leftBehind(stage))];
}

async function leftBehind(stage: Stage): Promise<string[]> {
  const journals = await readdir(join(stage.env['MEDIAFLOW_DATA_DIR'] ?? '', 'swaps')).catch(() => []);
  return [
    ...(await stage.leftovers()).map((path) => `left behind: ${path}`),
    ...journals.map((name) => `the journal ${name} was not closed`),
  ];
}

/** A job that was interrupted three times is left to its owner, who retries it. */
async function bringToEnd(stage: Stage, count: number): Promise<void> {
  let jobs: Job[] = [];
  const look = async (): Promise<boolean> => {
    jobs = await stage.jobs();
    for (const { id, state, error } of jobs) {
      if (state === 'failed' && error?.code === 'interrupted')
        await stage.api('POST', `/api/transcode/jobs/${id}/retry`);
    }
    return jobs.length >= count && jobs.every(({ state, error }) => isEnded(state) && error?.code !== 'interrupted');
  };
  await stage.until('every job has ended', look, BRING_TO_END_MS).catch((error: unknown) => {
    const states = jobs.map(({ id, state, stage: at, waitsFor }) => `${id} ${state} ${at ?? ''} ${waitsFor ?? ''}`);
    throw new Error(`Of ${count} jobs some never ended: ${states.join('; ')}`, { cause: error });
  });
}

const isEnded = (state: Job['state']): boolean => ['done', 'failed', 'skipped', 'cancelled'].includes(state);

async function oddEnd(film: Film, jobs: readonly Job[], kept: readonly QuarantineEntry[]): Promise<string[]> {
  const job = jobs.find(({ sourcePath, state }) => realOf(sourcePath) === film.path && state === 'done');
  if (!job?.targetPath) return [`no job was done for ${film.path}`];
  const entry = kept.find(({ jobId }) => jobId === job.id);
  if (!entry) return [`${job.id} kept no original`];
  const wrong: string[] = [];
  if ((await sha256Of(realOf(entry.storedPath))) !== film.sha256) wrong.push(`${entry.storedPath} is not the original`);
  if ((await sha256Of(realOf(job.targetPath))) !== job.outputSha256)
    wrong.push(`${job.targetPath} is not the verified result`);
  if (realOf(job.targetPath) !== film.path && (await standingAt(film.path)).includes(film.sha256)) {
    wrong.push(`${film.path} still stands beside its replacement`);
  }
  return wrong;
}

/** Hashes of the film under its own name and under its new one. */
async function standingAt(path: string): Promise<string[]> {
  const hashes: string[] = [];
  for (const name of new Set([path, path.replace(/\.avi$/, '.mkv')])) {
    const isThere = await stat(name).then(
      (found) => found.isFile() && found.size > 0,
      () => false,
    );
    if (isThere) hashes.push(await sha256Of(name));
  }
  return hashes;
}

async function hashesIn(folder: string): Promise<Set<string>> {
  const hashes = new Set<string>();
  for (const path of await filesBelow(folder)) hashes.add(await sha256Of(path));
  return hashes;
}
