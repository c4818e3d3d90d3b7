import { expect } from 'chai';
import { build } from 'esbuild';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '../..');
const styles = join(root, 'public/styles');
const scripts = join(root, 'public/scripts');
const styleFiles = readdirSync(styles);
const scriptFiles = readdirSync(scripts);
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const withoutComments = (css: string): string => css.replace(/\/\*[^]*?\*\//g, '');

const LAYERS = ['tokens', 'base', 'components', 'pages', 'utilities'];
/** What the pages of one area need is in files that bear its name; `setup` is where a new owner begins. */
const AREAS =
  'library collections recommendations rules presets queue jobs replace workers analytics access settings health setup';
const MOST_LINES = 300;
const MOST_LINES_A_FUNCTION = 60;

/** The blocks at the top of a stylesheet: what stands before the brace, and what is in it. */
function blocksOf(css: string): { head: string; body: string }[] {
  const blocks: { head: string; body: string }[] = [];
  let depth = 0;
  let start = 0;
  let open = 0;
  for (let at = 0; at < css.length; at++) {
    if (css[at] === ';' && depth === 0) start = at + 1;
    if (css[at] === '{' && depth++ === 0) open = at;
    if (css[at] === '}' && --depth === 0) {
      blocks.push({ head: css.slice(start, open).trim(), body: css.slice(open + 1, at).trim() });
      start = at + 1;
    }
  }
  return blocks;
}

describe('what browsers load', () => {
  const index = withoutComments(read(styles, 'index.css'));
  const imports = [...index.matchAll(/@import '\.\/([\w-]+\.css)' layer\((\w+)\);/g)].map(([, file = '', layer = '']) => ({ file, layer })); // prettier-ignore
  const built = read(root, 'public/built/app.css');

  it('is one stylesheet of every source, each in a layer', () => {
    expect(/@layer ([^;{]+);/.exec(index)?.[1]?.split(', ')).to.deep.equal(LAYERS);
    expect(imports.map(({ file }) => file)).to.have.members(styleFiles.filter((file) => file !== 'index.css'));
    for (const { file, layer } of imports) {
      expect(LAYERS, file).to.contain(layer);
      const isOfArea = AREAS.split(' ').includes(file.replace(/[-.].*/, ''));
      expect(isOfArea, `${file} lies in the layer pages`).to.equal(layer === 'pages');
    }
  });

  it('holds every class that a source names, and every selector in a layer', () => {
    for (const file of styleFiles) {
      const names = withoutComments(read(styles, file)).matchAll(/\.([a-z][\w-]*)(?=[^;{}]*\{)/g);
      for (const [, name = ''] of names)
        expect(built, `${file}: .${name}`).to.match(new RegExp(`\\.${name}(?![\\w-])`));
    }
    const outside = blocksOf(built).filter(({ head }) => !head.startsWith('@layer '));
    for (const { head, body } of outside)
      expect(`${head}{${body}}`).to.match(/^@media[^{]+\{@view-transition ?\{[^{}]*\}\}$/);
  });

  it('needs no `!important`: a later layer wins', () => {
    for (const file of styleFiles) expect(withoutComments(read(styles, file)), file).not.to.contain('!important');
  });

  it('is made of every script', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['public/scripts/main.ts', 'public/scripts/live.ts'],
      outdir: 'out',
      bundle: true,
      write: false,
      metafile: true,
    });
    const own = Object.keys(metafile.inputs).filter((path) => path.startsWith('public/'));
    const used = own.map((path) => basename(path));
    expect(used).to.have.members(scriptFiles.filter((file) => !file.endsWith('.d.ts')));
  });

  it('is read in pieces: 300 lines a file, 60 lines a function', () => {
    for (const [folder, files] of [
      [styles, styleFiles],
      [scripts, scriptFiles],
    ] as const)
      // prettier-ignore
      for (const file of files) expect(read(folder, file).split('\n').length - 1, file).to.be.at.most(MOST_LINES);
    for (const file of scriptFiles) {
      const source = ts.createSourceFile(file, read(scripts, file), ts.ScriptTarget.Latest, true);
      const lineOf = (at: number): number => source.getLineAndCharacterOfPosition(at).line;
      const visit = (node: ts.Node): void => {
        if (ts.isFunctionLike(node))
          expect(lineOf(node.end) - lineOf(node.getStart()) + 1, `${file}: ${node.getText().slice(0, 60)}`).to.be.at.most(MOST_LINES_A_FUNCTION); // prettier-ignore
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
  });
});
