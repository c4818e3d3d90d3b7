import { expect } from 'chai';
import { Attempts } from '../../src/web/attempts.js';

describe('attempts at a password', () => {
  it('cost their sender ever more time, with what is under way, and are forgiven', async () => {
    const pauses: number[] = [];
    let nowMs = 0;
    const attempts = new Attempts({ pause: (ms) => Promise.resolve(pauses.push(ms)), nowMs: () => nowMs });
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
});
