import { expect } from 'chai';
import { toBool, toBoolOrNull, toCount, toInt, toIso, toList, toNum, toObject, toStr } from '../../src/plex/coerce.js';

const table = (
  name: string,
  read: (value: unknown) => unknown,
  rows: readonly (readonly [unknown, unknown])[],
): void => {
  describe(name, () => {
    for (const [given, wanted] of rows)
      it(`${given === undefined ? 'undefined' : JSON.stringify(given)} is ${JSON.stringify(wanted)}`, () => {
        expect(read(given)).to.deep.equal(wanted);
      });
  });
};

describe('reading what Plex sends', () => {
  table('a number', toNum, [
    [1.78, 1.78],
    ['1.85', 1.85],
    ['23.975999999999999', 23.976],
    ['', null],
    [' ', null],
    ['24p', null],
    ['NaN', null],
    ['Infinity', null],
    [null, null],
    [undefined, null],
    [true, null],
    [[], null],
    [{}, null],
  ]);
  table('a whole number', toInt, [
    [22, 22],
    ['3', 3],
    [-1, -1],
    [-0.4, 0],
    ['1e3', 1000],
    [9_351_276_799, 9_351_276_799],
    ['1.9', 1],
    [1e300, null],
    ['x', null],
  ]);
  table('a count', toCount, [
    [-5, 0],
    [undefined, 0],
    ['7', 7],
  ]);
  table('a yes or no', toBool, [
    [true, true],
    [1, true],
    ['1', true],
    ['true', true],
    [false, false],
    [0, false],
    ['0', false],
    ['false', false],
    [undefined, false],
    ['yes', false],
    [2, false],
  ]);
  table('a yes, no or unknown', toBoolOrNull, [
    ['0', false],
    [0, false],
    ['1', true],
    [undefined, null],
    ['maybe', null],
  ]);
  table('text', toStr, [
    ['118', '118'],
    [118, '118'],
    ['', null],
    [null, null],
    [true, null],
    [{}, null],
  ]);
  table('a time', toIso, [
    [1_675_330_657, '2023-02-02T09:37:37.000Z'],
    ['1675330657', '2023-02-02T09:37:37.000Z'],
    [0, null],
    [-5, null],
    [1e15, null],
    ['soon', null],
  ]);
  table('a list', toList, [
    [undefined, []],
    [{ a: 1 }, [{ a: 1 }]],
    [[{ a: 1 }, 'no', null], [{ a: 1 }]],
    ['text', []],
  ]);
  table('an object', toObject, [
    [[{ a: 1 }], { a: 1 }],
    [{ a: 1 }, { a: 1 }],
    ['x', null],
    [[], null],
  ]);
});
