import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from './domain/errors.js';
import type { PathMapping } from './domain/settings/paths.js';
import type { SettingsChange } from './domain/settings/settings.js';
import type { SecretName } from './store/secrets.js';
import { withoutEnd } from './lib/without-end.js';

const Url = z.url({ protocol: /^https?$/, error: 'must be an address such as http://192.168.1.10:32400' });

const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(9876),
  HOST: z.string().default('0.0.0.0'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  MEDIAFLOW_DATA_DIR: z.string().default('./data'),
  MEDIAFLOW_URL_BASE: z
    .string()
    .regex(/^(\/[\w.~-]+)*\/?$/, 'must look like /mediaflow')
    .default(''),
  MEDIAFLOW_PUBLIC_URL: Url.optional(),
  MEDIAFLOW_ADMIN_PASSWORD: z.string().min(8, 'needs at least 8 characters').optional(),
  MEDIAFLOW_API_KEY: z.string().min(20, 'needs at least 20 characters').optional(),
  MEDIAFLOW_SECRET_KEY: z.string().min(16, 'needs at least 16 characters').optional(),
  MEDIAFLOW_WEBHOOK_SECRET: z
    .string()
    .regex(/^[\w.~-]{8,}$/, 'needs at least 8 characters, letters and digits')
    .optional(),
  MEDIAFLOW_PLEX_URL: Url.optional(),
  MEDIAFLOW_PLEX_TOKEN: z.string().min(1).optional(),
  MEDIAFLOW_PLEX_TV_URL: Url.default('https://plex.tv'),
  MEDIAFLOW_RULES_DIR: z.string().optional(),
  MEDIAFLOW_PRESETS_DIR: z.string().optional(),
  MEDIAFLOW_FFMPEG: z.string().default('ffmpeg'),
  MEDIAFLOW_FFPROBE: z.string().default('ffprobe'),
  MEDIAFLOW_WORK_DIR: z.string().optional(),
  MEDIAFLOW_QUARANTINE_DIR: z.string().optional(),
  MEDIAFLOW_PATH_MAPPINGS: z.string().optional(),
  SSH_AUTH_SOCK: z.string().optional(),
});

export interface Config {
  port: number;
  host: string;
  logLevel: string;
  dataDir: string;
  /** Empty, or with a leading and without a trailing slash. */
  urlBase: string;
  publicUrl: string | null;
  /** Where accounts sign in; another one only to try things out. */
  plexTvUrl: string;
  rulesDir: string | null;
  presetsDir: string | null;
  ffmpeg: string;
  ffprobe: string;
  adminPassword: string | null;
  apiKey: string | null;
  secretKey: string | null;
  /** Where an SSH agent listens. */
  agentSocket: string | null;
  /** Settings that the environment holds. */
  settings: SettingsChange;
  /** `plex.url` -> variable. */
  lockedBy: Record<string, string>;
  /** Secrets that the environment holds as they are. */
  secrets: Partial<Record<SecretName, { value: string; variable: string }>>;
}

/**
 * Reads the configuration. Each variable may also come from a file, as `NAME_FILE` or `FILE__NAME`.
 * Throws `invalid` naming every variable that is wrong.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const values: Record<string, string> = {};
  for (const name of Object.keys(Environment.shape)) {
    const value = readValue(env, name);
    if (value !== null && value !== '') values[name] = value;
  }
  const parsed = Environment.safeParse(values);
  if (!parsed.success) {
    const fields = Object.fromEntries(parsed.error.issues.map(({ path, message }) => [String(path[0]), message]));
    const list = Object.entries(fields).map(([name, message]) => `${name} ${message}`);
    throw new AppError('invalid', `Please fix the environment: ${list.join('; ')}`, { fields });
  }
  return toConfig(parsed.data);
}

function toConfig(env: z.infer<typeof Environment>): Config {
  const absolute = (path: string | undefined): string | null => (path === undefined ? null : resolve(path));
  const settings: Required<Pick<SettingsChange, 'plex' | 'paths' | 'queue'>> = { plex: {}, paths: {}, queue: {} };
  const lockedBy: Record<string, string> = {};
  const secrets: Config['secrets'] = {};
  if (env.MEDIAFLOW_PLEX_URL !== undefined) {
    settings.plex.url = withoutEnd(env.MEDIAFLOW_PLEX_URL, '/');
    lockedBy['plex.url'] = 'MEDIAFLOW_PLEX_URL';
  }
  if (env.MEDIAFLOW_PATH_MAPPINGS !== undefined) {
    settings.paths.mappings = parseMappings(env.MEDIAFLOW_PATH_MAPPINGS);
    lockedBy['paths.mappings'] = 'MEDIAFLOW_PATH_MAPPINGS';
  }
  if (env.MEDIAFLOW_QUARANTINE_DIR !== undefined) {
    settings.paths.quarantineDir = resolve(env.MEDIAFLOW_QUARANTINE_DIR);
    lockedBy['paths.quarantineDir'] = 'MEDIAFLOW_QUARANTINE_DIR';
  }
  if (env.MEDIAFLOW_WORK_DIR !== undefined) {
    settings.queue.workDir = resolve(env.MEDIAFLOW_WORK_DIR);
    lockedBy['queue.workDir'] = 'MEDIAFLOW_WORK_DIR';
  }
  if (env.MEDIAFLOW_PLEX_TOKEN !== undefined)
    secrets.plexToken = { value: env.MEDIAFLOW_PLEX_TOKEN, variable: 'MEDIAFLOW_PLEX_TOKEN' };
  if (env.MEDIAFLOW_WEBHOOK_SECRET !== undefined) {
    secrets.webhookSecret = { value: env.MEDIAFLOW_WEBHOOK_SECRET, variable: 'MEDIAFLOW_WEBHOOK_SECRET' };
  }
  return {
    port: env.PORT,
    host: env.HOST,
    logLevel: env.LOG_LEVEL,
    dataDir: resolve(env.MEDIAFLOW_DATA_DIR),
    urlBase: withoutEnd(env.MEDIAFLOW_URL_BASE, '/'),
    publicUrl: env.MEDIAFLOW_PUBLIC_URL ?? null,
    plexTvUrl: withoutEnd(env.MEDIAFLOW_PLEX_TV_URL, '/'),
    rulesDir: absolute(env.MEDIAFLOW_RULES_DIR),
    presetsDir: absolute(env.MEDIAFLOW_PRESETS_DIR),
    ffmpeg: env.MEDIAFLOW_FFMPEG,
    ffprobe: env.MEDIAFLOW_FFPROBE,
    adminPassword: env.MEDIAFLOW_ADMIN_PASSWORD ?? null,
    apiKey: env.MEDIAFLOW_API_KEY ?? null,
    secretKey: env.MEDIAFLOW_SECRET_KEY ?? null,
    agentSocket: env.SSH_AUTH_SOCK ?? null,
    settings,
    lockedBy,
    secrets,
  };
}

/** `/share/Media=/data/media;/share/TV=/data/tv` */
function parseMappings(text: string): PathMapping[] {
  return text
    .split(';')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const at = part.indexOf('=');
      const [from, to] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      if (at < 1 || to === '' || !to.startsWith('/')) {
        const message = 'must look like /share/Media=/data/media;/share/TV=/data/tv';
        throw new AppError('invalid', `MEDIAFLOW_PATH_MAPPINGS ${message}`, {
          fields: { MEDIAFLOW_PATH_MAPPINGS: message },
        });
      }
      return { from, to };
    });
}

function readValue(env: Readonly<Record<string, string | undefined>>, name: string): string | null {
  const direct = env[name];
  if (direct !== undefined) return direct;
  for (const variable of [`${name}_FILE`, `FILE__${name}`]) {
    const path = env[variable];
    if (!path) continue;
    try {
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (cause) {
      throw new AppError('invalid', `${variable} names the file ${path}, which cannot be read`, {
        cause,
        fields: { [variable]: 'cannot be read' },
      });
    }
  }
  return null;
}
