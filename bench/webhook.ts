import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextWord, runChild, startChild } from './child.js';
import { figure, median, type Figure } from './figure.js';

const COUNT = 100_000;
const WARM_UP = 30;
const WEBHOOKS = 300;
const TOKEN = 'bench-token';

/** The burst, and over how many connections it comes. */
const BURST = 5000;
const CONNECTIONS = 500;

interface Taken {
  each: number[];
  bare: number[];
}

/** From a webhook to the stored recommendation, and a burst of webhooks. */
export async function benchWebhook(): Promise<Figure[]> {
  return [...(await benchOne()), ...(await benchBurst())];
}

/** MediaFlow as a whole, to which a library is told of in one burst. */
async function benchBurst(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-burst-'));
  const plex = startChild('plex-child.ts', [String(BURST), TOKEN]);
  try {
    const { url, serverId, keys } = await nextWord<{ url: string; serverId: string; keys: string[] }>(plex);
    const args = [dir, url, TOKEN, serverId, String(CONNECTIONS), keys.join(',')];
    const burst = await runChild<Taken & { afterMs: number; lost: number; pending: number }>(
      'webhook-burst-child.ts',
      args,
    );
    const p99 = percentile(burst.each, 0.99);
    const yardstick = {
      yardstick: 'GET /ping, as many over as many connections (99 of 100)',
      yardstickValue: percentile(burst.bare, 0.99),
    };
    return [
      figure({
        id: 'webhook-burst-p99',
        what: `answer to one of ${BURST} webhooks over ${CONNECTIONS} connections, in a program that takes them all day (99 of 100; median ${median(burst.each).toFixed(1)} ms)`,
        ...{ value: p99, unit: 'ms', ...yardstick },
        ...{ goal: '<= 250 ms', holds: p99 <= 250 && burst.each.length === BURST },
      }),
      figure({
        id: 'webhook-burst-worked-off',
        what: `from the last answer until all of them are read and judged, 30 s of settling included (${burst.lost} lost, ${burst.pending} pending)`,
        ...{ value: burst.afterMs, unit: 'ms', ...yardstick },
        ...{ goal: '<= 60000 ms', holds: burst.afterMs <= 60_000 && burst.lost === 0 && burst.pending === 0 },
      }),
    ];
  } finally {
    plex.disconnect();
    await rm(dir, { recursive: true, force: true });
  }
}

/** MediaFlow as a whole with 100,000 items: from a webhook to the stored recommendation. */
async function benchOne(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-webhook-'));
  const plex = startChild('plex-child.ts', [String(WEBHOOKS * 20), TOKEN]);
  try {
    const { url, serverId, keys } = await nextWord<{ url: string; serverId: string; keys: string[] }>(plex);
    await runChild('library-child.ts', ['write', dir, String(COUNT)]);
    const chosen = await flagged(url, keys);
    const taken = await runChild<Taken>('webhook-child.ts', [dir, url, TOKEN, serverId, chosen.join(',')]);
    const each = taken.each.slice(WARM_UP);
    const value = percentile(each, 0.99);
    return [
      figure({
        id: 'webhook-p99',
        what: `webhook to stored recommendation with ${COUNT} items (99 of 100; median ${median(each).toFixed(1)} ms)`,
        value,
        unit: 'ms',
        yardstick: 'write and fsync 4 kB (99 of 100)',
        yardstickValue: percentile(taken.bare.slice(WARM_UP), 0.99),
        goal: '<= 50 ms',
        holds: value <= 50,
      }),
    ];
  } finally {
    plex.disconnect();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Items with an old codec: something is found about each of them. */
async function flagged(url: string, keys: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) {
    if (found.length === WEBHOOKS + WARM_UP) return found;
    const response = await fetch(`${url}/library/metadata/${key}`, {
      headers: { Accept: 'application/json', 'X-Plex-Token': TOKEN },
    });
    if (/"videoCodec":"(mpeg2video|mpeg4|vc1)"/.test(await response.text())) found.push(key);
  }
  return found;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}
