import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** An area has the same name in every layer that is divided into areas. */
const AREAS = [
  'library',
  'collections',
  'recommendations',
  'rules',
  'presets',
  'queue',
  'jobs',
  'replace',
  'workers',
  'cloud',
  'analytics',
  'notifications',
  'plex',
  'access',
  'settings',
  'health',
];
/** What every area of its layer uses. */
const SHARED = [
  'src/domain/errors.ts',
  'src/domain/events.ts',
  'src/domain/labels.ts',
  'src/actions/action.ts',
  'src/actions/paging.ts',
  'src/actions/requests.ts',
  'views/shared/',
];
const LAYERS = ['src/domain', 'src/engine', 'src/actions', 'views'];
/** Layers whose tests lie where the tested file lies. */
const MIRRORED = ['domain', 'engine', 'actions', 'files', 'store'];

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

describe('areas', () => {
  for (const layer of LAYERS) {
    it(`hold every file of ${layer}`, () => {
      const wrong = filesIn(layer).filter(
        (file) =>
          !SHARED.some((shared) => file.startsWith(shared)) &&
          !AREAS.some((area) => file.startsWith(`${layer}/${area}/`)),
      );
      expect(wrong).to.deep.equal([]);
    });
  }

  for (const layer of MIRRORED) {
    it(`are the same for the tests of ${layer}`, () => {
      const wrong = filesIn(`tests/${layer}`)
        .filter((file) => file.endsWith('.test.ts'))
        .filter((file) => {
          // `swap-kill.test.ts` tests `swap.ts` as well as `swap.test.ts` does.
          const words = file.slice('tests/'.length, -'.test.ts'.length).split('-');
          return !words.some((_, at) => existsSync(join(root, 'src', `${words.slice(0, at + 1).join('-')}.ts`)));
        });
      expect(wrong).to.deep.equal([]);
    });
  }
});

/** Groups of files that import each other in a circle, types included. By R. Tarjan, "Depth-first search and linear graph algorithms", 1972. */
function knotsOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const knots: string[][] = [];
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    lowest.set(file, own);
    open.push(file);
    for (const next of imports.get(file) ?? []) {
      const low = order.has(next) ? (open.includes(next) ? (order.get(next) ?? own) : own) : visit(next);
      lowest.set(file, Math.min(lowest.get(file) ?? own, low));
    }
    if (lowest.get(file) === own) {
      const knot = open.splice(open.indexOf(file));
      if (knot.length > 1) knots.push(knot.sort());
    }
    return lowest.get(file) ?? own;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return knots;
}

describe('imports', () => {
  it('never go in a circle', () => {
    const files = ['src', 'rules', 'tests', 'bench'].flatMap(filesIn).filter((file) => file.endsWith('.ts'));
    const imports = new Map(
      files.map((file) => [
        file,
        Array.from(
          readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g),
          ([, target = '']) => join(dirname(file), `${target}.ts`),
        ),
      ]),
    );
    expect(knotsOf(imports)).to.deep.equal([]);
  });
});
