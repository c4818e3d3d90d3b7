import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const src = resolve(import.meta.dirname, '../../src');
const STARTS = /\b(?:execa|execFile|spawn|fork)\(|\bnew Worker\(/g;

/** The text of a call, from its name to the bracket that closes it. */
function callAt(text: string, start: number): string {
  let depth = 0;
  for (let at = text.indexOf('(', start); at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return text.slice(start, at + 1);
  }
  return text.slice(start);
}

describe('programs and threads that are started', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const calls = files.flatMap((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    return Array.from(text.matchAll(STARTS), ({ index }) => ({ file, call: callAt(text, index) }));
  });

  it('are known', () => {
    expect(calls).to.have.length.above(8);
  });

  for (const { file, call } of calls) {
    it(`get an environment of their own in ${file}`, () => {
      expect(call).to.match(/\benv: (?:\{\}|bareEnvironment\()|\.\.\.guards\b/);
    });
  }
});
