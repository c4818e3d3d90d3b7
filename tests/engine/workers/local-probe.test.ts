import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { WorkerHealth } from '../../../src/domain/jobs/executor.js';
import { LocalProbe } from '../../../src/engine/workers/local-probe.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore, type Store } from '../../../src/store/store.js';

const HEALTHY: WorkerHealth = { ok: true, ffmpegVersion: '7.1', encoders: [] };

describe('the look at what this machine can do', () => {
  let answer: WorkerHealth;
  let looks: number;
  let told: string[];
  let looked: () => void;
  let look: LocalProbe;
  let letBegin: () => void;

  let dir: string;
  let store: Store;

  beforeEach(async () => {
    answer = HEALTHY;
    looks = 0;
    told = [];
    looked = () => undefined;
    const mayBegin = new Promise<void>((resolve) => {
      letBegin = resolve;
    });
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-local-'));
    store = await openStore({ dir, log: createLog('silent'), now: () => new Date('2026-01-02T03:04:05Z') });
    look = new LocalProbe({
      ...{ store, log: createLog('silent'), now: () => new Date('2026-01-02T03:04:05Z') },
      describe: () => ({ os: 'Linux', cpu: 'A processor', cores: 4, history: [] }),
      local: {
        check: () => {
          looks++;
          looked();
          return Promise.resolve(answer);
        },
      },
      mayBegin: async (signal) => {
        const stopped = new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            resolve();
          });
        });
        await Promise.race([mayBegin, stopped]);
      },
      tell: (id) => told.push(id),
    });
  });

  afterEach(async () => {
    await look.stop();
    await store.close();
    await rm(dir, { recursive: true });
  });

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  const isTold = async (): Promise<void> => {
    while (told.length === 0) await new Promise(setImmediate);
  };

  it('does not begin before it may, and then tells what it found', async () => {
    look.start();
    await settle();
    expect(looks).to.equal(0);
    expect(look.health).to.equal(null);

    const first = new Promise<void>((resolve) => (looked = resolve));
    letBegin();
    await first;
    await isTold();
    expect(look.health).to.deep.equal(HEALTHY);
    expect(told).to.deep.equal(['local']);
  });

  it('looks at once for whoever needs to know, and tells only what is new', async () => {
    look.start();
    expect(await look.now()).to.deep.equal(HEALTHY);
    await look.now();
    expect(looks).to.equal(2);
    expect(told).to.deep.equal(['local']);

    answer = { ok: false, reason: 'ffmpeg has gone.' };
    await look.now();
    expect(look.health).to.deep.equal(answer);
    expect(told).to.deep.equal(['local', 'local']);
  });

  it('does not look any more when it was stopped before it began', async () => {
    look.start();
    await settle();
    await look.stop();
    letBegin();
    await settle();
    expect(looks).to.equal(0);
  });

  it('keeps what it found with the row of this machine, and the speeds that were measured there', async () => {
    const speeds = [{ encoder: 'libx265', isHardware: false, fps: 24, at: '2025-12-01T00:00:00.000Z' }];
    await store.settings.change({ machine: { speeds } });
    await look.now();
    const row = store.workers.get('local').capabilities;
    expect(row).to.deep.include({ os: 'Linux', cores: 4, ffmpegVersion: '7.1', speeds });

    answer = { ok: false, reason: 'ffmpeg has gone.' };
    await look.now();
    expect(store.workers.get('local').capabilities).to.deep.include({ ffmpegVersion: null, encoders: [], speeds });
  });
});
