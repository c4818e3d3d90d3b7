import { expect } from 'chai';
import type { Request, Response } from 'express';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Attempts, inTurn } from '../../src/web/attempts.js';

describe('attempts at a password', () => {
  it('cost their sender ever more time, with what is under way, and are forgiven', async () => {
    const pauses: number[] = [];
    let nowMs = 0;
    const attempts = new Attempts({ pause: (ms) => Promise.resolve(pauses.push(ms)), steadyMs: () => nowMs });
    for (let n = 0; n < 12; n++) (await attempts.turn('a'))(false);
    expect(pauses).to.deep.equal([1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    (await attempts.turn('b'))(false);
    expect(pauses).to.have.length(7);
    nowMs += 15 * 60_000 + 1;
    (await attempts.turn('a'))(false);
    expect(pauses).to.have.length(7);
    await Promise.all(Array.from({ length: 30 }, () => attempts.turn('c')));
    expect(pauses).to.have.length(7 + 25);
    expect(await attempts.turn('c').catch((error: unknown) => (error as { code?: unknown }).code)).to.equal(
      'rate_limited',
    );
  });

  it('of those who hang up while they wait hold no place for ever', async () => {
    const attempts = new Attempts({ pause: () => Promise.resolve() });
    const handle = inTurn(attempts, () => 'a');
    const passed: number[] = [];
    for (let n = 0; n < 40; n++) {
      await handle({} as Request, { closed: true } as Response, () => void passed.push(n));
      await nextTurn();
    }
    expect(passed).to.deep.equal([]);
    expect(await attempts.turn('a')).to.be.a('function');
  });
});
