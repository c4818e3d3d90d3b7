import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp, type App, type AppOptions } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import type { Job } from '../../src/domain/jobs/job.js';
import { createLog } from '../../src/lib/log.js';

/** Far longer than anything here takes; a test that waits this long has failed. */
const PATIENCE_MS = 120_000;

/** Quick to encode and certain to be smaller than the clips: the tests are about the way, not the picture. */
const QUICK_PRESET = {
  id: 'quick',
  title: 'Quick',
  description: 'For tests.',
  container: 'keep',
  video: { codec: 'hevc', quality: 34, speed: 'ultrafast' },
  audio: { codec: 'copy' },
};

export interface StageOptions {
  format?: 'json' | 'xml';
  /** Whether Plex posts to the webhook; default true. */
  webhook?: boolean;
  /** More variables. */
  env?: Record<string, string>;
  /** Media folder; default a fresh one. */
  media?: string;
}

/** A simulated Plex over real folders, and everything MediaFlow needs to be started beside it, in this process or as a program. */
export class Stage {
  readonly dir: string;
  readonly media: string;
  readonly plex: SimulatedPlex;
  readonly env: Record<string, string>;
  readonly #webhook: boolean;
  readonly logged: string[] = [];
  app: App | null = null;
  /** Where the API is reached; set by `startApp`, or by whoever starts the program. */
  url = '';

  private constructor(dir: string, media: string, plex: SimulatedPlex, options: StageOptions) {
    this.dir = dir;
    this.media = media;
    this.plex = plex;
    this.#webhook = options.webhook ?? true;
    this.env = {
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      MEDIAFLOW_DATA_DIR: join(dir, 'data'),
      MEDIAFLOW_API_KEY: 'an-api-key-for-the-tests',
      MEDIAFLOW_ADMIN_PASSWORD: 'correct horse battery',
      MEDIAFLOW_WEBHOOK_SECRET: 'hook-secret-for-tests',
      MEDIAFLOW_PLEX_URL: plex.url,
      MEDIAFLOW_PLEX_TOKEN: plex.token,
      MEDIAFLOW_PATH_MAPPINGS: `/share/Media=${media}`,
      MEDIAFLOW_PRESETS_DIR: join(dir, 'presets'),
      ...options.env,
    };
  }

  static async set(options: StageOptions = {}): Promise<Stage> {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-stage-'));
    const media = options.media ?? join(dir, 'media');
    for (const section of ['Films', 'Shows']) await mkdir(join(media, section), { recursive: true });
    await mkdir(join(dir, 'presets'));
    await writeFile(join(dir, 'presets', 'quick.json'), JSON.stringify(QUICK_PRESET));
    const place = (name: string): { serverPath: string; localPath: string }[] => [
      { serverPath: `/share/Media/${name}`, localPath: join(media, name) },
    ];
    const plex = new SimulatedPlex({
      ...(options.format ? { format: options.format } : {}),
      sections: [
        { id: '1', title: 'Films', type: 'movie', locations: place('Films') },
        { id: '2', title: 'Shows', type: 'show', locations: place('Shows') },
      ],
    });
    await plex.start();
    return new Stage(dir, media, plex, options);
  }

  /** Starts MediaFlow in this process. */
  async startApp(options: Pick<AppOptions, 'workers'> = {}): Promise<App> {
    const log = createLog('info', { write: (line: string) => void this.logged.push(line) });
    this.app = createApp(readConfig(this.env), { log, ...options });
    await this.app.start();
    this.reachedAt(this.app.url);
    return this.app;
  }

  async stopApp(): Promise<void> {
    await this.app?.stop();
    this.app = null;
  }

  /** Where MediaFlow listens now; Plex posts there. */
  reachedAt(url: string): void {
    this.url = url;
    this.plex.webhookUrl = this.#webhook ? `${url}/hooks/plex/${this.env['MEDIAFLOW_WEBHOOK_SECRET'] ?? ''}` : null;
  }

  /** Real work, at once and without asking: files are replaced as soon as they are verified. */
  async setToWork(change: { replace?: 'review' | 'automatic'; mode?: string; preset?: string } = {}): Promise<void> {
    await this.api('PUT', '/api/settings', {
      safety: { dryRun: false, replace: change.replace ?? 'automatic' },
      plex: { settleSec: 0, verifyTimeoutSec: 90 },
    });
    await this.api('PUT', '/api/rules/codec-modernization', {
      mode: change.mode ?? 'automatic',
      options: { preset: change.preset ?? 'quick' },
    });
  }

  /** Throws with the answer when it is not a 2xx. */
  async api<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const { status, json } = await this.ask(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(json)}`);
    return json as T;
  }

  /** Status and body, whatever they are. */
  async ask(method: string, path: string, body?: object): Promise<{ status: number; json: unknown }> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        'X-Api-Key': this.env['MEDIAFLOW_API_KEY'] ?? '',
        'Content-Type': 'application/json',
        // It is asked many times a second, and both sides are this very process.
        'Accept-Encoding': 'identity',
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : text };
  }

  async jobs(): Promise<Job[]> {
    return (await this.api<{ items: Job[] }>('GET', '/api/transcode/jobs?pageSize=200')).items;
  }

  /** Puts a file below the media folder; Plex does not know of it yet. Answers its path. */
  async add(name: string, from: string): Promise<string> {
    const path = join(this.media, name);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(from, path);
    return path;
  }

  /** Waits until `look` answers something true. Throws with the last answer's description when it never does. */
  async until<T>(
    what: string,
    look: () => T | Promise<T>,
    patienceMs = PATIENCE_MS,
  ): Promise<Exclude<T, false | null | undefined>> {
    const endsAt = performance.now() + patienceMs;
    for (;;) {
      const seen = await look();
      if (seen) return seen as Exclude<T, false | null | undefined>;
      if (performance.now() > endsAt)
        throw new Error(`Waited in vain until ${what}\n${this.logged.slice(-30).join('')}`);
      await sleep(100);
    }
  }

  /** Waits for a job in one of the states. */
  async jobThat(is: (job: Job) => boolean, what = 'there is such a job'): Promise<Job> {
    return this.until(what, async () => (await this.jobs()).find(is) ?? null);
  }

  /** Every file below a folder but MediaFlow's hidden one, with its hash, size, mode and times. */
  async snapshot(folder = this.media): Promise<Record<string, string>> {
    const files: Record<string, string> = {};
    for (const path of await filesBelow(folder)) files[relative(folder, path)] = await sha256Of(path);
    return files;
  }

  /** What work left behind: staged files anywhere, and job folders. */
  async leftovers(): Promise<string[]> {
    const all = await filesBelow(this.media);
    return all.filter((path) => path.endsWith('.part') || path.includes('/.mediaflow/work/'));
  }

  async strike(): Promise<void> {
    await this.stopApp();
    await this.plex.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/**
 * Absolute paths of all files below a folder, hidden ones included. A folder that goes away meanwhile holds none: listed all at once,
 * it would take everything else with it.
 */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? await filesBelow(path) : [path];
    }),
  );
  return found.flat();
}

export const sha256Of = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
