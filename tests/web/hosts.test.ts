import { expect } from 'chai';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ownPath } from '../../src/web/hosts.js';

const web = resolve(import.meta.dirname, '../../src/web');

describe('a way to another page', () => {
  it('never leads to another site, however it is written', () => {
    const piece = fc.constantFrom(
      ...[
        '/',
        '//',
        '\\',
        '.',
        '..',
        '%2e',
        '%2E%2e',
        '%2f',
        '%5c',
        '\t',
        '\n',
        '\r',
        '\0',
        ' ',
        '@',
        ':',
        '?',
        '#',
        ';',
      ],
      ...['evil.example', 'http:', 'https:', 'javascript:', 'x', 'ü', '%', '%zz', '[::1]', '\u2028', '／', '。'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const path = ownPath(`/${pieces.join('')}`);
        if (path === null) return;
        for (const base of ['http://mediaflow.test', 'https://nas.local:9876/library/x']) {
          const target = new URL(path, base);
          expect(target.origin).to.equal(new URL(base).origin);
          expect(ownPath(target.pathname + target.search)).to.equal(path);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('is taken in one place only', () => {
    const others = readdirSync(web).filter((file) => file !== 'redirect.ts');
    const found = others.filter((file) =>
      /\.redirect\(|HX-Redirect|HX-Location|['"]Location['"]/.test(readFileSync(join(web, file), 'utf8')),
    );
    expect(found).to.deep.equal([]);
  });
});
