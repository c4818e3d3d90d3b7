import { load } from 'cheerio';
import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { routes } from '../../src/web/routes.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');

/** Words that stand for nothing the owner knows, and what to say instead. */
const INSTEAD: readonly [RegExp, string][] = [
  [/\bkept originals?\b|\bset(?:s|ting)? aside\b/i, 'quarantine, originals in quarantine'],
  [/\bsuggest(?:ed|ions?)\b|\bfindings?\b/i, 'recommendation'],
  [/\bnews\b/i, 'event'],
  [/\bmend(?:s|ed)?\b/i, 'fix'],
  [/\b(?:full look|looks? for changes|look again)\b/i, 'sync'],
  [/\bdeaf\b/i, 'the old address no longer works'],
  [/\b(?:leave it|left alone)\b/i, 'cancel; excluded, skipped, not changed'],
  [/\bdoes not go now\b/i, 'not possible right now'],
  [/\bno room\b/i, 'not enough free space'],
];

/** What a view says: its texts, what it calls its parts, and the words that its helpers and partials are handed. */
function saidBy(view: string): string[] {
  const handed = [
    ...view.matchAll(/\{\{plural \S+ "([^"]*)" "([^"]*)"\}\}/g),
    ...view.matchAll(/\b(?:label|words|afterHead|one|many|confirm|yes)="([^"]*)"/g),
    ...view.matchAll(/\(join "([^"]*)"/g),
  ].flatMap(([, ...words]) => words);
  const $ = load(view.replaceAll(/\{\{[^}]*\}\}/g, ' '));
  const named = ['aria-label', 'title', 'placeholder', 'data-confirm', 'data-yes'].flatMap((name) =>
    $(`[${name}]`)
      .toArray()
      .map((element) => $(element).attr(name) ?? ''),
  );
  return [$.root().text(), ...named, ...handed];
}

describe('the words of the house', () => {
  const texts = new Map<string, string[]>([
    ...readdirSync(resolve(root, 'views'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.hbs'))
      .map((file): [string, string[]] => [file, saidBy(read(`views/${file}`))]),
    ['README.md', [read('README.md')]],
    ['the API', routes.map(({ action }) => action.summary)],
  ]);

  it('are the same on every page, in the API and in the README', () => {
    const wrong = [...texts].flatMap(([where, said]) =>
      said.flatMap((text) =>
        INSTEAD.flatMap(([pattern, instead]) => {
          const found = pattern.exec(text);
          return found ? [`${where}: "${found[0]}", say: ${instead}`] : [];
        }),
      ),
    );
    expect(wrong).to.deep.equal([]);
  });
});
