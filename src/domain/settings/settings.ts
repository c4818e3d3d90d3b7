import { z } from 'zod';
import { HardwareFallback } from '../presets/encoder-choice.js';
import { LibraryColumn, USUAL_COLUMNS } from '../library/columns.js';
import type { PathMapping } from './paths.js';
import { USUAL_PRESET_ID } from '../presets/choice.js';
import { EncoderSpeed, Slots } from '../workers/worker.js';

const Cron = z.string().trim().min(9).max(100);

/** `serverId` only where it counts for one server alone. */
const Mapping = z
  .object({ from: z.string().trim().min(1), to: z.string().trim().min(1), serverId: z.string().optional() })
  .transform(({ serverId = '', ...folders }): PathMapping => (serverId === '' ? folders : { ...folders, serverId }));

/** Everything the owner can set, with defaults. Labels and help of the forms are the `meta` here. */
export const Settings = z.object({
  safety: z
    .object({
      dryRun: z.boolean().default(true).meta({
        title: 'Dry run',
        description: 'Plan everything, touch nothing. Turn off when you trust what you see.',
      }),
      replace: z.enum(['review', 'automatic']).default('review').meta({
        title: 'Replacing a file',
        description: 'Review: a verified result waits for your approval. Automatic: it replaces the original at once.',
      }),
      minSavingPercent: z.number().min(0).max(95).default(10).meta({
        title: 'Minimum saving in percent',
        description: 'A result that saves less is thrown away and the original stays.',
      }),
      quarantineDays: z.int().min(1).max(365).default(30).meta({
        title: 'Keep originals for days',
        description: 'Replaced originals stay in quarantine this long and can be restored.',
      }),
      skipHardLinks: z.boolean().default(true).meta({
        title: 'Skip files with hard links',
        description: 'A file with a second name (a seeding torrent) would cost space instead of saving it.',
      }),
      verifyDecode: z.boolean().default(true).meta({
        title: 'Decode the whole result',
        description: 'Plays every frame of the result before it may replace anything.',
      }),
    })
    .prefault({}),
  plex: z
    .object({
      url: z
        .string()
        .trim()
        .default('')
        .meta({ title: 'Address of Plex', description: 'Such as http://192.168.1.10:32400' }),
      serverId: z.string().default(''),
      serverName: z.string().default(''),
      syncCron: Cron.default('*/15 * * * *').meta({
        title: 'Incremental sync',
        description: 'Cron expression: minute hour day month weekday.',
      }),
      fullSyncCron: Cron.default('30 4 * * *').meta({
        title: 'Full sync',
        description: 'Cron expression; also finds what was deleted.',
      }),
      settleSec: z.number().min(0).max(3600).default(30).meta({
        title: 'Settle for seconds',
        description: 'Wait this long after the last event about a file before reading it.',
      }),
      verifyTimeoutSec: z
        .number()
        .min(1)
        .max(3600)
        .default(180)
        .meta({ title: 'Wait for Plex', description: 'How many seconds Plex may take to show a replaced file.' }),
    })
    .prefault({}),
  queue: z
    .object({
      paused: z.boolean().default(false),
      defaultPresetId: z.string().trim().max(60).default(USUAL_PRESET_ID).meta({
        title: 'Default preset',
        description: 'Taken where no recommendation proposes one, and you choose none.',
      }),
      concurrency: Slots.default(1).meta({
        title: 'Jobs at a time',
        description: 'On this machine. 0: it encodes nothing, and leaves that to other workers.',
      }),
      workDir: z.string().trim().default('').meta({
        title: 'Work folder',
        description: 'Empty: a hidden folder beside your media, so that the swap is a rename.',
      }),
      yieldToViewers: z.boolean().default(true).meta({
        title: 'Pause while Plex is transcoding',
        description: 'Starts no job while Plex transcodes for somebody.',
      }),
      hardwareFallback: HardwareFallback.default('cpu').meta({
        title: 'When a graphics card fails',
        description: 'What becomes of the job.',
        labels: {
          cpu: 'Encode it on the processor',
          'other-worker': 'Try the card of another worker',
          fail: 'Let it fail',
        },
      }),
      minAgeSec: z.int().min(0).max(86_400).default(0).meta({
        title: 'Minimum file age in seconds',
        description: 'A file that changed more recently is not processed yet.',
      }),
    })
    .prefault({}),
  intel: z
    .object({
      autoAnalyzeOnSync: z.boolean().default(true).meta({ title: 'Analyze after every sync' }),
      analyzeCron: z.string().trim().max(100).default('').meta({
        title: 'Analyze the whole library',
        description:
          'Cron expression such as 0 5 * * 0 for Sundays at five. Empty: only after a full sync, when a rule changes, and when you ask.',
      }),
    })
    .prefault({}),
  paths: z
    .object({
      mappings: z.array(Mapping).default([]).meta({
        title: 'Path mappings',
        description:
          'The folder as Plex sees it, and as this machine sees it. For remote storage on a worker write /ssh:, the name of the worker, then its folder there. Such files are downloaded, encoded and uploaded again.',
      }),
      quarantineDir: z.string().trim().default('').meta({
        title: 'Quarantine folder',
        description: 'Empty: a hidden folder beside your media. Originals from remote storage stay there.',
      }),
    })
    .prefault({}),
  security: z
    .object({
      sessionDays: z.int().min(1).max(365).default(30).meta({ title: 'Stay signed in for days' }),
      allowedHosts: z.array(z.string().trim().min(1)).default([]).meta({
        title: 'Host names',
        description: 'Names under which MediaFlow is reached, beside addresses and localhost.',
      }),
      trustedProxies: z.array(z.string().trim().min(1)).default([]).meta({
        title: 'Trusted proxies',
        description: 'Addresses of your reverse proxy. Only they may say who a visitor is.',
      }),
    })
    .prefault({}),
  library: z
    .object({
      columns: z.array(LibraryColumn).default(USUAL_COLUMNS).meta({ title: 'Columns of the library' }),
      view: z.enum(['table', 'grid']).default('table').meta({ title: 'Library as' }),
    })
    .prefault({}),
  review: z
    .object({ view: z.enum(['cards', 'table']).default('cards').meta({ title: 'Recommendations as' }) })
    .prefault({}),
  /** How quick this machine was when it was measured; nobody types it in. */
  machine: z.object({ speeds: z.array(EncoderSpeed).default([]) }).prefault({}),
  setup: z
    .object({
      finishedAt: z.string().nullable().default(null),
      /** How far the setup was gone through; null for whoever came to a connection in another way. */
      reached: z.enum(['paths', 'worker', 'safety', 'ready']).nullable().default(null),
    })
    .prefault({}),
});
export type Settings = z.infer<typeof Settings>;

/** A change: any part of the settings, known keys only. */
export type SettingsChange = { [Group in keyof Settings]?: Partial<Settings[Group]> };

/** Lays one set of values over another, group by group. Arrays are replaced, not merged. */
export function mergeSettings(settings: Settings, change: SettingsChange): Settings {
  const merged: Record<string, object> = { ...settings };
  for (const [group, values] of Object.entries(change)) merged[group] = { ...merged[group], ...values };
  return Settings.parse(merged);
}
