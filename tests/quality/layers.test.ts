import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Folder -> what it may import beside itself. Longest match wins. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'src/lib': [],
  'src/domain': ['src/lib'],
  rules: ['src/domain', 'src/lib'],
  'src/store': ['src/domain', 'src/lib'],
  'src/catalog': ['src/domain', 'src/lib'],
  'src/plex': ['src/domain', 'src/lib'],
  'src/ffmpeg': ['src/domain', 'src/lib'],
  'src/files': ['src/domain', 'src/lib'],
  'src/ssh': ['src/domain', 'src/lib'],
  'src/workers': ['src/domain', 'src/lib', 'src/ffmpeg', 'src/ssh'],
  'src/engine/library': ['src/domain', 'src/lib', 'src/store', 'src/ffmpeg', 'src/files'],
  'src/engine/fleet': ['src/domain', 'src/lib', 'src/store', 'src/ffmpeg', 'src/files'],
  'src/engine/queue': ['src/domain', 'src/lib', 'src/store', 'src/ffmpeg', 'src/files', 'src/engine/fleet'],
  'src/engine': ['src/domain', 'src/lib', 'src/store', 'src/ffmpeg', 'src/files'],
  'src/actions': [
    'src/domain',
    'src/lib',
    'src/store',
    'src/engine',
    'src/engine/library',
    'src/engine/fleet',
    'src/engine/queue',
  ],
  'src/web': ['src/domain', 'src/lib', 'src/actions'],
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
