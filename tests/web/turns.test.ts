import { expect } from 'chai';
import type { Request, Response } from 'express';
import { setImmediate as nextRound } from 'node:timers/promises';
import { oneByOne } from '../../src/web/turns.js';

describe('the line before the pages', () => {
  it('lets one request a round of the event loop go on, and none whose browser hung up', async () => {
    const wait = oneByOne();
    const went: string[] = [];
    const browsers = ['a', 'b', 'c', 'd'].map((name) => ({ name, response: { closed: false } }));
    for (const { name, response } of browsers)
      wait({} as Request, response as Response, () => {
        went.push(name);
      });
    expect(went, 'nobody goes on at once').to.deep.equal([]);
    const [, second] = browsers;
    if (second) second.response.closed = true;
    const rounds: string[] = [];
    for (let round = 0; round < 6; round++) {
      await nextRound();
      rounds.push(went.join(''));
    }
    expect(rounds.at(-1)).to.equal('acd');
    for (const [at, now] of rounds.entries()) expect(now.length - (rounds[at - 1] ?? '').length).to.be.at.most(1);
  });
});
