import { expect } from 'chai';
import fc from 'fast-check';
import { byRank, entryRank, LAST_RANK, movedRank, type MoveTo } from '../../../src/domain/queue/rank.js';

const AT = '2026-01-02T03:04:05.000Z';
const later = (ms: number): string => new Date(Date.parse(AT) + ms).toISOString();
const row = (id: string, rank: string) => ({ id, rank });
const ids = (rows: readonly { id: string }[]): string => rows.map(({ id }) => id).join('');

describe('the rank of a job', () => {
  it('lets the higher score in first, and equal ones in order of creation', () => {
    const rows = [
      row('d', entryRank(60, later(1))),
      row('e', entryRank(60, later(1), 1)),
      row('f', entryRank(59.5, AT)),
      row('c', entryRank(60, AT)),
      row('b', entryRank(61, later(9))),
      row('a', entryRank(100, later(9))),
      row('g', entryRank(0, AT)),
      row('h', entryRank(-5, AT)),
    ];
    expect(ids(rows.toSorted(byRank))).to.equal('abcdefgh');
  });

  it('takes any score and any time', () => {
    for (const score of [-1e9, -1000, 0, 1000, 1e9, Number.MAX_VALUE])
      for (const at of ['1970-01-01T00:00:00.000Z', '2080-12-31T23:59:59.999Z', 'no time at all'])
        expect(movedRank([row('a', entryRank(score, at)), row('b', LAST_RANK)], 'b', 'top')).to.be.a('string');
  });

  it('is new for the job that is moved, and stays for every other', () => {
    const rows = ['a', 'b', 'c', 'd'].map((id, at) => row(id, entryRank(60, later(at))));
    const after = (id: string, where: MoveTo): string =>
      ids(rows.map((one) => (one.id === id ? row(id, movedRank(rows, id, where)) : one)).sort(byRank));
    expect(after('c', 'top')).to.equal('cabd');
    expect(after('c', 'up')).to.equal('acbd');
    expect(after('b', 'down')).to.equal('acbd');
    expect(after('b', 'bottom')).to.equal('acdb');
    for (const [id, where] of [['a', 'top'], ['a', 'up'], ['d', 'down'], ['d', 'bottom']] as const)
      expect(movedRank(rows, id, where), `${id} ${where}`).to.equal(rows.find((one) => one.id === id)?.rank);
    expect(() => movedRank(rows, 'z', 'top')).to.throw(RangeError);
  }); // prettier-ignore

  it('keeps what the owner moved to an end there, whatever enters afterwards', () => {
    const rows = [row('a', entryRank(60, AT)), row('b', entryRank(50, AT))];
    const top = row('t', movedRank([...rows, row('t', entryRank(10, AT))].sort(byRank), 't', 'top'));
    const bottom = row('z', movedRank([row('z', entryRank(90, AT)), ...rows], 'z', 'bottom'));
    const all = [...rows, top, bottom, row('n', entryRank(1000, later(5))), row('o', entryRank(-1000, later(5)))];
    expect(ids(all.sort(byRank))).to.equal('tnaboz');
  });

  it('is the order of a plain list after any moves (random)', () => {
    const move = fc.tuple(fc.nat(11), fc.constantFrom<MoveTo[]>('top', 'up', 'down', 'bottom'));
    const random = fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 }), fc.array(move, { maxLength: 60 }), (scores, moves) => {
      let rows = scores.map((score, at) => row(String.fromCharCode(97 + at), entryRank(score, AT, at))).sort(byRank);
      let plain = rows.map(({ id }) => id);
      for (const [at, where] of moves) {
        const id = String.fromCharCode(97 + at);
        const from = plain.indexOf(id);
        const to = { top: 0, up: Math.max(0, from - 1), down: Math.min(11, from + 1), bottom: 11 }[where];
        plain = plain.toSpliced(from, 1).toSpliced(to, 0, id);
        rows = rows.map((one) => (one.id === id ? row(id, movedRank(rows, id, where)) : one)).sort(byRank);
        expect(ids(rows)).to.equal(plain.join(''));
      }
      for (const { rank } of rows) expect(rank.length).to.be.below(64);
    }); // prettier-ignore
    fc.assert(random, { numRuns: 300 });
  });
});
