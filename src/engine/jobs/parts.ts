import type { Events } from '../../domain/events.js';
import type { Servers } from '../../domain/plex/media-server.js';
import type { Presets } from '../../domain/presets/presets.js';
import type { MediaFile } from '../../domain/library/media.js';
import type { Preset } from '../../domain/presets/preset.js';
import type { SpaceLedger } from '../../files/space.js';
import type { Swapper } from '../../files/swap.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import type { Fleet } from '../workers/fleet.js';
import type { Measurements } from '../workers/measurements.js';
import type { RemoteSources } from './remote-sources.js';

/** What the queue asks of the workers. */
type QueueFleet = Pick<Fleet, 'list' | 'executorOf' | 'praise' | 'blame'> & {
  measurements: Pick<Measurements, 'encoders'>;
};

/** What the queue works with; handed in by the composition root. */
export interface QueueParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  newId: (prefix: string) => string;
  /** Throws `plex_not_configured`. */
  server: Servers;
  presets: Presets;
  /** Who can encode: this machine, and workers. */
  fleet: QueueFleet;
  /** Seconds that encoding a file takes on a worker, under its name from `speedKey`. */
  secondsOf: (file: MediaFile, preset: Preset, speedKey: string) => number;
  swapper: Swapper;
  space: SpaceLedger;
  /** Absolute paths of the programs. */
  tools: { ffmpeg: string; ffprobe: string };
  /** Films on other machines. */
  remoteSources: RemoteSources;
  /** Where they lie on this machine while they are worked on. */
  fetchDir: string;
  /** Folder for job logs. */
  logsDir: string;
  /** Reads these items of one server again, now. */
  readNow: (ratingKeys: string[], serverId: string) => Promise<void>;
}
