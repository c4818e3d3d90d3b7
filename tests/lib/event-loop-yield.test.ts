import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { beAwaited, EventLoopYield } from '../../src/lib/event-loop-yield.js';

describe('EventLoopYield', () => {
  /** A long task of so many pieces; says in the list when it has done each. */
  async function work(pieces: number, done: string[]): Promise<void> {
    const loopYield = new EventLoopYield(0);
    for (let n = 0; n < pieces; n++) {
      done.push('piece');
      await loopYield.pause();
    }
  }
  /** Something that takes some rounds of the event loop. */
  async function page(rounds: number, done: string[]): Promise<void> {
    for (let n = 0; n < rounds; n++) await new Promise(setImmediate);
    done.push('page');
  }

  it('gives every task its turn', async () => {
    const done: string[] = [];
    await Promise.all([work(5, done), work(5, done), page(3, done)]);
    expect(done.filter((what) => what === 'piece')).to.have.length(10);
  });

  it('counts what all long tasks together hold of a round', async () => {
    const breathers = Array.from({ length: 3 }, () => new EventLoopYield(200));
    const work = (ms: number): void => {
      for (const end = performance.now() + ms; performance.now() < end;);
    };
    // As when three answers came from the disk: none of the tasks that go on has had a turn of its own.
    await new Promise(setImmediate);
    work(220);
    expect(breathers[0]?.isDue, 'what others did does not count').to.equal(false);
    work(220);
    expect(breathers.map(({ isDue }) => isDue)).to.deep.equal([true, true, true]);
    await breathers[0]?.pause();
    expect(breathers[0]?.isDue, 'its turn').to.equal(false);
    work(220);
    expect(breathers[0]?.isDue).to.equal(true);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(breathers[0]?.isDue, 'another round').to.equal(false);
  });

  it('gives way to what is waited for until that is over', async () => {
    const done: string[] = [];
    const over = beAwaited();
    const working = work(200, done);
    await page(3, done).finally(over);
    await working;
    expect(done.indexOf('page')).to.equal(1);
    expect(done).to.have.length(201);
  });

  it('comes to its end though something is waited for all the time', async () => {
    const done: string[] = [];
    const over = beAwaited();
    await work(4, done);
    over();
    expect(done).to.have.length(4);
  });

  it('gives way no longer to what was forgotten, and to nothing twice', async () => {
    const over = beAwaited();
    over();
    over();
    beAwaited();
    await sleep(300);
    const done: string[] = [];
    const working = work(50, done);
    await page(20, done);
    await working;
    expect(done.indexOf('page')).to.be.above(5);
  });
});
