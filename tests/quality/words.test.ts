import { load } from 'cheerio';
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { routes } from '../../src/web/routes.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
const filesIn = (folder: string, end: string): string[] =>
  existsSync(resolve(root, folder))
    ? readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith(end))
        .map((file) => `${folder}/${file}`)
    : [];

/** Words that stand for nothing the owner knows, and what to say instead. */
const INSTEAD: readonly [RegExp, string][] = [
  [/\bfull look\b|\blooks? (?:for changes|again)\b|\blooked at again\b/i, 'sync, incremental sync, full sync'],
  [/\bnews\b/i, 'event, notification'],
  [/\bsuggest(?:s|ed|ions?)?\b|\bfindings?\b/i, 'recommendation'],
  [/\bshel(?:f|ves)\b/i, 'library'],
  [/\b(?:surplus|other|others|better|best|smaller|both|which|several|which of the) cop(?:y|ies)\b/i, 'version'],
  [/\bkept originals?\b|\bset(?:s|ting)? (?:it |them )?aside\b/i, 'quarantine, originals in quarantine'],
  [/\buntouched\b/i, 'unchanged, excluded from processing'],
  [/\bleft alone\b|\bleaves? (?:\S+ ){1,3}alone\b|\bleave it\b(?! empty)/i, 'skipped, excluded, not changed'],
  [/\b(?:brings?|brought) (?:\S+ )?back\b/i, 'restore'],
  [/\b(?:is|are|was|were) gone\b/i, 'deleted, removed, missing'],
  [/\byour yes\b|\bsays? yes\b/i, 'approve, approval'],
  [/\bmend(?:s|ed|ing)?\b|\bmakes? good\b/i, 'fix, resolve'],
  [/\bmachines? on which\b|\b(?:films?|files?) lies?\b|\bwhere (?:it|they) lies?\b/i, 'worker, remote storage'],
  [/\bfar (?:folder|source|machine|storage)s?\b/i, 'remote storage, SSH storage'],
  [
    /\bcarr(?:y|ies|ied|ying) (?:over|there|back|to|from|files?|films?)\b|\bcarried in\b/i,
    'upload, download, transfer',
  ],
  [/\bon its way (?:there|back|here)\b|\bget over (?:to|in)\b/i, 'upload, download, transfer'],
  [
    /\b(?:slow|bad|fast|measured?) line\b|\bline (?:to|is|was|that is) (?:lost|slow|a)\b|\blines? (?:broke|breaks?)\b|\bline lost\b/i,
    'connection, bandwidth',
  ],
  [/\bprov(?:e|es|ed|en|ing)\b|\bproofs?\b/i, 'verified, tested, checked'],
  [/\bst(?:an|oo)ds? back\b/i, 'paused while Plex is transcoding'],
  [/\byoungest file\b/i, 'minimum file age'],
  [/\bdoes not go now\b/i, 'not possible right now'],
  [/\bdeaf\b/i, 'the old address no longer works'],
  [/\bboth (?:machines )?see\b/i, 'shared folder'],
  [/\b(?:no|make|enough|much|of|the) room\b|\broom (?:for|there|on)\b/i, 'not enough free space, free space'],
];

/** Where one of these words is right, and why. */
const EXCEPTIONS: readonly { in: RegExp; word: RegExp; why: string }[] = [
  {
    in: /^(?:rules\/README|docs\/rules|CONTRIBUTING|src\/README)\.md$/,
    word: /^findings?$/i,
    why: '`Finding` is the type that the author of a rule returns',
  },
];

/** What a view says: its texts, what it calls its parts, and the words that its helpers and partials are handed. */
function saidByView(view: string): string[] {
  const handed = [
    ...view.matchAll(/\{\{plural \S+ "([^"]*)" "([^"]*)"\}\}/g),
    ...view.matchAll(/\b(?:label|words|afterHead|one|many|confirm|yes|sub)="([^"]*)"/g),
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

/** Every string of a source file that has a space in it: messages, texts of the API, lines of the log. */
function saidBySource(path: string): string[] {
  const said: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) said.push(node.text);
    else if (ts.isTemplateExpression(node))
      said.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' … '));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest));
  return said.filter((text) => text.includes(' '));
}

/** What a document says to its readers, without code. */
const saidByDocument = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** Shell scripts that run on a worker; nobody reads them as text. */
const SCRIPTS = /^src\/ssh\/\w+-scripts\.ts$/;

describe('the words of the house', () => {
  const texts = new Map<string, string[]>([
    ...filesIn('views', '.hbs').map((file): [string, string[]] => [file, saidByView(read(file))]),
    ...[...filesIn('src', '.ts'), ...filesIn('rules', '.ts'), ...filesIn('public/scripts', '.ts')]
      .filter((file) => !SCRIPTS.test(file))
      .map((file): [string, string[]] => [file, saidBySource(file)]),
    ...filesIn('presets', '.json').map((file): [string, string[]] => [file, [read(file)]]),
    ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'rules/README.md', 'src/README.md']
      .concat(filesIn('docs', '.md'), filesIn('.github', '.md'), filesIn('.github', '.yml'))
      .map((file): [string, string[]] => [file, [saidByDocument(read(file))]]),
    ['the API', routes.map(({ action }) => action.summary)],
  ]);
  const isException = (where: string, word: string): boolean =>
    EXCEPTIONS.some((exception) => exception.in.test(where) && exception.word.test(word));

  it('are the same on every page, in messages, in the API and in documents', () => {
    const wrong = [...texts].flatMap(([where, said]) =>
      said.flatMap((text) =>
        INSTEAD.flatMap(([pattern, instead]) =>
          Array.from(text.matchAll(new RegExp(pattern, 'gi')), ([word]) => word)
            .filter((word) => !isException(where, word))
            .map((word) => `${where}: "${word}" in "${text.slice(0, 60)}", say: ${instead}`),
        ),
      ),
    );
    expect(wrong).to.deep.equal([]);
  });
});
