import { expect } from 'chai';
import type { WorkerHealth } from '../../../src/domain/jobs/executor.js';
import { LocalProbe } from '../../../src/engine/workers/local-probe.js';
import { createLog } from '../../../src/lib/log.js';

const HEALTHY: WorkerHealth = { ok: true, ffmpegVersion: '7.1', encoders: [] };

describe('the look at what this machine can do', () => {
  let answer: WorkerHealth;
  let looks: number;
  let told: string[];
  let looked: () => void;
  let look: LocalProbe;
  let letBegin: () => void;

  beforeEach(() => {
    answer = HEALTHY;
    looks = 0;
    told = [];
    looked = () => undefined;
    const mayBegin = new Promise<void>((resolve) => {
      letBegin = resolve;
    });
    look = new LocalProbe({
      log: createLog('silent'),
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

  afterEach(() => look.stop());

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };

  it('does not begin before it may, and then tells what it found', async () => {
    look.start();
    await settle();
    expect(looks).to.equal(0);
    expect(look.health).to.equal(null);

    const first = new Promise<void>((resolve) => (looked = resolve));
    letBegin();
    await first;
    await settle();
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
});
