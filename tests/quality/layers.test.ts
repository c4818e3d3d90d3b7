import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

const BASE = ['src/domain', 'src/lib'];
const ENGINE = [...BASE, 'src/store', 'src/ffmpeg', 'src/files'];
/** Areas of the engine, the lowest first: nobody calls up, and of those below each names whom it needs. */
const ENGINE_AREAS: Record<string, readonly string[]> = {
  access: [],
  workers: [],
  collections: [],
  recommendations: [],
  library: ['recommendations'],
  plex: ['library'],
  jobs: ['workers'],
  replace: ['jobs'],
  queue: ['workers', 'jobs', 'replace'],
  settings: [],
  health: ['settings'],
};

/** Folder -> what it may import beside itself. Longest match wins. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'src/lib': [],
  'src/domain': ['src/lib'],
  rules: BASE,
  'src/store': BASE,
  'src/catalog': BASE,
  'src/plex': BASE,
  'src/ffmpeg': BASE,
  'src/files': BASE,
  'src/ssh': BASE,
  'src/workers': [...BASE, 'src/ffmpeg', 'src/ssh'],
  ...Object.fromEntries(
    Object.entries(ENGINE_AREAS).map(([area, below]) => [
      `src/engine/${area}`,
      [...ENGINE, ...below.map((name) => `src/engine/${name}`)],
    ]),
  ),
  'src/actions': [...BASE, 'src/store', ...Object.keys(ENGINE_AREAS).map((area) => `src/engine/${area}`)],
  'src/web': [...BASE, 'src/actions'],
};
/** The composition root knows every part; the demo is a program of its own. */
const KNOWS_ALL = ['src/app.ts', 'src/parts.ts', 'src/main.ts', 'src/config.ts', 'src/demo'];

const files = ['src', 'rules'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file)),
);
const importsOf = (file: string): string[] =>
  Array.from(
    readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g),
    ([, target = '']) => target,
  );
const folderOf = (file: string): string =>
  Object.keys(MAY_IMPORT)
    .filter((folder) => file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0] ?? '';
const isFree = (file: string): boolean => KNOWS_ALL.some((part) => file === part || file.startsWith(`${part}/`));

describe('the house', () => {
  for (const file of files) {
    if (isFree(file)) continue;
    it(`${file} imports only from below`, () => {
      const own = folderOf(file);
      expect(own, 'a folder nobody planned').not.to.equal('');
      const targets = importsOf(file)
        .filter((target) => target.startsWith('.'))
        .map((target) => relative(root, resolve(root, dirname(file), target)));
      const wrong = targets.filter(
        (target) => folderOf(target) !== own && !MAY_IMPORT[own]?.includes(folderOf(target)),
      );
      expect(wrong).to.deep.equal([]);
    });
  }

  it('keeps disk, network, clock and process out of domain and rules', () => {
    const pure = files.filter((file) => /^(src\/domain|rules)\//.test(file));
    const wrong = pure.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return /'node:(fs|net|http|https|child_process|dgram|os)|Date\.now\(|new Date\(\)|process\.|Math\.random/.test(
        text,
      );
    });
    expect(wrong).to.deep.equal([]);
  });

  it('reads the environment in one place', () => {
    const wrong = files.filter(
      (file) => !isFree(file) && readFileSync(join(root, file), 'utf8').includes('process.env'),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('has no drawer for everything', () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|managers?|index)(\.ts|\/)/.test(file))).to.deep.equal(
      [],
    );
  });
});
