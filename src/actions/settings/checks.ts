import { isAbsolute } from 'node:path';
import { validate } from 'node-cron';
import { isHostWithPort, isIpOrNetwork, whyNoServerUrl } from '../../domain/access/address.js';
import { whyNoCron } from '../../domain/settings/cron.js';

// The bounded grammar first: `validate` expands whatever it is given.
const isCron = (text: string): boolean => whyNoCron(text) === null && validate(text);
const notCron = (value: unknown): string | null =>
  isCron(String(value)) ? null : 'is not a cron expression such as 30 4 * * *';

/** Field -> why a new value of it is refused, or null. What is stored already stays readable, so this is no part of the schema. */
export const SETTINGS_CHECKS: Readonly<Record<string, (value: unknown) => string | null>> = {
  'plex.url': (value) => (value === '' ? null : whyNoServerUrl(String(value))),
  'plex.syncCron': notCron,
  'plex.fullSyncCron': notCron,
  // Empty: it does not happen by itself.
  'intel.analyzeCron': (value) => (value === '' ? null : notCron(value)),
  'paths.mappings': (value) =>
    (value as { to: string }[]).every(({ to }) => isAbsolute(to)) ? null : 'every local folder must begin with /',
  'security.allowedHosts': (value) =>
    (value as string[]).every(isHostWithPort) ? null : 'only names such as media.example, without http:// and path',
  'security.trustedProxies': (value) =>
    (value as string[]).every(isIpOrNetwork)
      ? null
      : 'only addresses such as 172.18.0.2, or networks such as 172.18.0.0/16',
};
