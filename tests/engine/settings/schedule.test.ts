import { expect } from 'chai';
import type { Events } from '../../../src/domain/events.js';
import { Schedule } from '../../../src/engine/settings/schedule.js';
import { Bus } from '../../../src/lib/bus.js';
import { createLog } from '../../../src/lib/log.js';

describe('schedule', () => {
  const bus = new Bus<Events>((error) => {
    throw error;
  });
  const logged: string[] = [];
  let schedule: Schedule | null = null;
  afterEach(async () => {
    await schedule?.stop();
    logged.length = 0;
  });
  const start = (tasks: ConstructorParameters<typeof Schedule>[0]['tasks']): Schedule => {
    schedule = new Schedule({
      bus,
      log: createLog('warn', { write: (line: string) => void logged.push(line) }),
      tasks,
    });
    schedule.start();
    return schedule;
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 1000 && !isSo(); tries++) await new Promise((done) => setTimeout(done, 10));
    expect(isSo()).to.equal(true);
  };

  it('runs a task at its time, and never twice at once', async () => {
    let [running, most, runs] = [0, 0, 0];
    start([
      {
        name: 'tick',
        cron: () => '* * * * * *',
        run: async () => {
          runs++;
          most = Math.max(most, ++running);
          await new Promise((done) => setTimeout(done, 1200));
          running--;
        },
      },
    ]);
    await until(() => runs >= 2);
    expect(most).to.equal(1);
  });

  it('follows the settings', () => {
    let expression = '0 4 * * *';
    const { next } = { next: () => schedule?.next()[0]?.at };
    start([{ name: 'nightly', cron: () => expression, run: () => Promise.resolve() }]);
    expect(next()?.getHours()).to.equal(4);
    expression = '30 5 * * *';
    bus.emit('settings.changed', {});
    expect([next()?.getHours(), next()?.getMinutes()]).to.deep.equal([5, 30]);
  });

  it('leaves a task without an expression off, which is no problem', () => {
    let expression = '';
    start([{ name: 'analysis', cron: () => expression, run: () => Promise.resolve() }]);
    expect(schedule?.next()).to.deep.equal([{ name: 'analysis', at: null }]);
    expect(schedule?.problems()).to.deep.equal([]);
    expect(logged).to.deep.equal([]);
    expression = '0 5 * * 0';
    bus.emit('settings.changed', {});
    expect(schedule?.next()[0]?.at?.getDay()).to.equal(0);
    expression = '';
    bus.emit('settings.changed', {});
    expect(schedule?.next()[0]?.at).to.equal(null);
  });

  it('keeps a task with a wrong expression off, says so, and takes it up again when it is mended', () => {
    let expression = 'every full moon';
    const mine = start([
      { name: 'odd', cron: () => expression, run: () => Promise.resolve() },
      { name: 'fine', cron: () => '*/15 * * * *', run: () => Promise.resolve() },
    ]);
    expect(mine.problems().map(({ name, cron }) => [name, cron])).to.deep.equal([['odd', 'every full moon']]);
    expect(mine.problems()[0]?.message).to.match(/no cron expression/);
    expect(logged).to.have.length(1);
    bus.emit('settings.changed', {});
    expect(logged).to.have.length(1);
    expect(mine.next().map(({ at }) => at !== null)).to.deep.equal([false, true]);
    expression = '0 1 * * *';
    bus.emit('settings.changed', {});
    expect(mine.problems()).to.deep.equal([]);
  });

  it('goes on after a failed run', async () => {
    let runs = 0;
    start([
      {
        name: 'clumsy',
        cron: () => '* * * * * *',
        run: () => {
          runs++;
          return Promise.reject(new Error('stumbled'));
        },
      },
    ]);
    await until(() => runs >= 2);
    expect(logged.some((line) => line.includes('stumbled'))).to.equal(true);
  });

  it('stops', async () => {
    const mine = start([{ name: 'tick', cron: () => '* * * * * *', run: () => Promise.resolve() }]);
    expect(mine.next()).to.have.length(1);
    await mine.stop();
    bus.emit('settings.changed', {});
    expect(mine.next()).to.deep.equal([]);
  });
});
