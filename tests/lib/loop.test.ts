import { expect } from 'chai';
import { Gate } from '../../src/lib/gate.js';
import { Loop } from '../../src/lib/loop.js';

describe('Loop', () => {
  it('runs once more when woken during a run, and never twice at once', async () => {
    let runs = 0;
    let inside = 0;
    let most = 0;
    let release: () => void = () => undefined;
    const loop = new Loop(
      async () => {
        runs++;
        most = Math.max(most, ++inside);
        await new Promise<void>((resolve) => (release = resolve));
        inside--;
      },
      { everyMs: 3_600_000, onError: () => undefined },
    );
    loop.start();
    await new Promise(setImmediate);
    loop.wake();
    loop.wake();
    release();
    while (runs < 2) await new Promise(setImmediate);
    release();
    await loop.stop();
    expect([runs, most]).to.deep.equal([2, 1]);
  });
});

describe('Gate', () => {
  it('lets only so many in at a time, and an aborted one leaves the line', async () => {
    const gate = new Gate(1);
    let release: () => void = () => undefined;
    const first = gate.run(() => new Promise<void>((resolve) => (release = resolve)));
    const abort = new AbortController();
    const second = gate.run(() => Promise.resolve('ran'), abort.signal).catch((error: unknown) => error);
    const third = gate.run(() => Promise.resolve('third'));
    abort.abort(new Error('given up'));
    expect(await second).to.have.property('message', 'given up');
    release();
    await first;
    expect(await third).to.equal('third');
  });
});
