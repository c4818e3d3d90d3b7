import { expect } from 'chai';
import { plainText, textOf } from '../../../src/domain/library/filter.js';
import { aFile, anItem } from '../../support/builders.js';

/** Spelled out, as slow as it is plain. */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();
const endOf = (path: string): string => path.split(/[\\/]/).slice(-2).join('/');

describe('Text that is searched', () => {
  const LETTERS = [
    '',
    'Amélie',
    'AMÉLIE',
    'É',
    'İ',
    'ß',
    'ª²¼',
    'ﬁ',
    '·',
    '\u0301',
    '\u00a0',
    '한국',
    'A·B',
    'x\u007f',
    '\u0080',
  ];

  it('is the same whether or not it has letters that need a second look', () => {
    for (const one of LETTERS)
      for (const other of LETTERS) {
        const text = `${one} Q${other}`;
        expect(plainText(text), text).to.equal(plain(text));
      }
  });

  it('names the end of each path, whatever system wrote it', () => {
    const parts = ['', '/', '\\', 'a', 'Films', 'B.mkv'];
    let looked = 0;
    for (const one of parts)
      for (const two of parts)
        for (const three of parts)
          for (const four of parts)
            for (const five of parts) {
              const path = one + two + three + four + five;
              const item = anItem({ title: 'T', year: null, files: [aFile({ path }), aFile({ path: '/z/y/x.mkv' })] });
              expect(textOf(item, []), path).to.equal(plain(`T\n${endOf(path)}\ny/x.mkv`));
              looked++;
            }
    expect(looked).to.equal(parts.length ** 5);
  });
});
