import { expect } from 'chai';
import { AppError } from '../../../src/domain/errors.js';
import type { RemoteExecutor } from '../../../src/domain/jobs/executor.js';
import type { WorkerMetrics } from '../../../src/domain/workers/worker.js';
import { Watch } from '../../../src/engine/workers/watch.js';

describe('the watch over a worker', () => {
  it('counts its lease by what really passed, however far the clock of this server jumps', async () => {
    let [wallMs, steadyMs] = [Date.parse('2026-03-01T12:00:00Z'), 5000];
    let answer: () => Promise<WorkerMetrics> = () => Promise.resolve({} as WorkerMetrics);
    let looked: () => void = () => undefined;
    const tell = (): Promise<void> => {
      looked();
      return Promise.resolve();
    };
    const watch = new Watch({
      executor: { measure: () => answer() } as unknown as RemoteExecutor,
      ...{ everyMs: 3_600_000, now: () => new Date(wallMs), steadyMs: () => steadyMs },
      onMet: () => Promise.resolve(),
      onMeasured: () => void tell(),
      onChanged: () => undefined,
      onRefused: tell,
    });
    const look = async (): Promise<string> => {
      await new Promise<void>((resolve) => {
        looked = resolve;
        watch.wake();
      });
      await new Promise(setImmediate);
      return watch.state;
    };
    const first = new Promise<void>((resolve) => (looked = resolve));
    watch.start();
    await first;
    await new Promise(setImmediate);
    expect(watch.state).to.equal('online');

    answer = () => Promise.reject(new AppError('worker_unreachable', 'tower does not answer.'));
    wallMs += 400 * 86_400_000;
    steadyMs += 15_000;
    expect(await look(), 'one lost answer is no absence').to.equal('online');
    wallMs -= 800 * 86_400_000;
    steadyMs += 44_999;
    expect(await look()).to.equal('online');
    steadyMs += 1;
    expect(await look(), 'a minute is').to.equal('offline');
    await watch.stop();
  });
});
