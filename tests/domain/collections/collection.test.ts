import { expect } from 'chai';
import fc from 'fast-check';
import { differenceOf, newPlace, type CollectionPlace } from '../../../src/domain/collections/collection.js';

const place = (change: Partial<CollectionPlace> = {}): CollectionPlace => ({ ...newPlace('s', '1'), ...change });
const set = (...keys: string[]): Set<string> => new Set(keys);
const out = (ratingKey: string) => ({ ratingKey, title: `Title ${ratingKey}` });

describe('the difference between a collection and its filter', () => {
  it('puts in what matches, takes out what we put in and no longer does', () => {
    const change = differenceOf(place({ ours: ['1', '2'] }), set('2', '3'), set('1', '2', '9'));
    expect(change).to.deep.equal({ ours: ['1', '2'], missed: [], takenOut: [], add: ['3'], remove: ['1'], hold: null });
  });

  it('leaves out what somebody took out, until it is back', () => {
    const mine = place({ ours: ['1', '2'], takenOut: [out('3')] });
    expect(differenceOf(mine, set('1', '2', '3'), set('2'))).to.deep.include({
      missed: ['1'],
      takenOut: [out('3')],
      add: [],
    });
    expect(differenceOf(mine, set('1', '2', '3'), set('2', '3')).takenOut).to.deep.equal([]);
  });

  it('knows its own work again after it was cut off', () => {
    const cut = place({ ours: ['1', '2'], adding: ['3', '4'], removing: ['2'] });
    const change = differenceOf(cut, set('1', '3', '4'), set('1', '3'));
    expect(change.ours).to.deep.equal(['1', '3']);
    expect(change.missed, 'we took 2 out ourselves').to.deep.equal([]);
    expect(change.add).to.deep.equal(['4']);
  });

  it('never empties it', () => {
    expect(differenceOf(place({ ours: ['1'] }), set(), set('1', '9'))).to.deep.include({
      hold: 'nothing-matches',
      remove: [],
    });
    const withheld = place({ ours: ['1'], takenOut: [out('2')] });
    expect(differenceOf(withheld, set('2'), set('1'))).to.deep.include({ hold: 'would-be-empty', remove: [] });
  });

  it('does not put in what is not in Plex now, and does not take it out either', () => {
    const change = differenceOf(place({ ours: ['1'] }), set('1', '2'), set('1', '5'), set('1', '2'));
    expect(change).to.deep.include({ add: [], remove: [] });
  });

  const keys = fc.uniqueArray(fc.integer({ min: 1, max: 12 }).map(String), { maxLength: 12 });
  const worlds = fc.record({ ours: keys, adding: keys, removing: keys, outKeys: keys, wanted: keys, held: keys, absent: keys }); // prettier-ignore

  it('keeps its promises whatever happened before', () => {
    fc.assert(
      fc.property(worlds, ({ ours, adding, removing, outKeys, ...sets }) => {
        const [wanted, held, absent] = [set(...sets.wanted), set(...sets.held), set(...sets.absent)];
        const mine = { ours, adding, removing, takenOut: outKeys.map(out) };
        const change = differenceOf(mine, wanted, held, absent);
        const known = set(...ours, ...adding);
        for (const key of change.remove) {
          expect(held.has(key), 'takes out only what is in').to.equal(true);
          expect(known.has(key), 'takes out only what it put in').to.equal(true);
          expect(wanted.has(key), 'takes out only what no longer matches').to.equal(false);
        }
        const withheld = set(...change.missed, ...change.takenOut.map(({ ratingKey }) => ratingKey));
        for (const key of change.add) {
          expect(wanted.has(key) && !held.has(key) && !absent.has(key), 'puts in only what matches').to.equal(true);
          expect(withheld.has(key), 'puts nothing back that people took out').to.equal(false);
        }
        for (const key of change.ours) expect(held.has(key) && known.has(key)).to.equal(true);
        const after = set(...[...held, ...change.add].filter((key) => !change.remove.includes(key)));
        for (const key of wanted) expect(after.has(key) || withheld.has(key) || absent.has(key)).to.equal(true);
        if (held.size > 0) expect(after.size, 'is never left empty').to.be.above(0);
        if (wanted.size === 0) expect(change.add.length + change.remove.length).to.equal(0);
      }),
    );
  });

  it('has nothing left to do once it is done, even when it was cut off anywhere', () => {
    fc.assert(
      fc.property(worlds, fc.nat(12), fc.nat(12), ({ ours, adding, removing, outKeys, ...sets }, puts, takes) => {
        const [wanted, held] = [set(...sets.wanted), set(...sets.held)];
        const first = differenceOf({ ours, adding, removing, takenOut: outKeys.map(out) }, wanted, held);
        const noted = {
          ours: first.ours,
          adding: first.add,
          removing: first.remove,
          takenOut: [...first.takenOut, ...first.missed.map(out)],
        };
        // Plex did some of it, then the line was cut; nothing but the note from before is left.
        const isOut = set(...first.remove.slice(0, takes));
        const half = set(...[...held, ...first.add.slice(0, puts)].filter((key) => !isOut.has(key)));
        const second = differenceOf(noted, wanted, half);
        expect(second.missed, 'our own work is not mistaken for people').to.deep.equal([]);
        const done = set(...[...half, ...second.add].filter((key) => !second.remove.includes(key)));
        const settled = {
          ours: [...second.ours.filter((key) => !second.remove.includes(key)), ...second.add],
          adding: [],
          removing: [],
          takenOut: second.takenOut,
        };
        const third = differenceOf(settled, wanted, done);
        expect(third.add).to.deep.equal([]);
        expect(third.remove).to.deep.equal([]);
        expect(third.missed).to.deep.equal([]);
        for (const key of held) if (!ours.includes(key) && !adding.includes(key)) expect(done.has(key)).to.equal(true);
      }),
    );
  });
});
