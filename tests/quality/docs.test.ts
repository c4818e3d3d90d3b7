import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { routes } from '../../src/web/routes.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = ['.', 'docs', 'rules', 'src', '.github/ISSUE_TEMPLATE'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
);

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '');
/** As code hosts make them: lower case, no punctuation, dashes for spaces. */
const anchorsOf = (text: string): string[] =>
  Array.from(withoutCode(text).matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
/** The first column of the table whose head begins with `first`, without backquotes. */
function column(text: string, first: string): string[] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`| ${first} `));
  if (at < 0) throw new Error(`there is no table that begins with ${first}`);
  const rows = lines.slice(at + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end < 0 ? undefined : end).map((line) => (line.split('|')[1] ?? '').trim().replaceAll('`', ''));
}

describe('the documents', () => {
  it('lead to what exists', () => {
    const broken = documents.flatMap((file) =>
      Array.from(withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => {
          const [path = '', anchor] = target.split('#');
          const place = path === '' ? file : join(dirname(file), path);
          if (!existsSync(join(root, place))) return true;
          return anchor !== undefined && !anchorsOf(read(place)).includes(anchor);
        })
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).to.deep.equal([]);
  });

  it('name every variable of the environment, and no other', () => {
    const config = read('src/config.ts');
    const known = Array.from(
      config.slice(config.indexOf('z.object({'), config.indexOf('\n});')).matchAll(/^ {2}([A-Z_]+):/gm),
      ([, name]) => name,
    );
    expect(known).to.have.length.above(15);
    expect(column(read('docs/environment.md'), 'variable').sort()).to.deep.equal(known.sort());
  });

  it('name only commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const wrong = documents.flatMap((file) =>
      Array.from(read(file).matchAll(/npm run ([\w:-]+)/g), ([, name = '']) => name)
        .filter((name) => !(name in scripts))
        .map((name) => `${file}: npm run ${name}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('show only requests that are answered', () => {
    const known = routes.flatMap(({ method, api }) => (api === null ? [] : [`${method.toLowerCase()} ${api}`]));
    const fits = (request: string): boolean =>
      known.some((route) => new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`).test(request));
    const examples = Array.from(read('docs/api.md').matchAll(/^curl (.*)$/gm), ([, line = '']) => line);
    expect(examples).to.have.length.above(8);
    for (const line of examples) {
      const path = /\$U(\/api[^\s?"]*)/.exec(line)?.[1] ?? '';
      const method = /-X (\w+)/.exec(line)?.[1] ?? (line.includes(" -d '") ? 'post' : 'get');
      expect(fits(`${method.toLowerCase()} ${path}`), line).to.equal(true);
    }
  });

  it('name only rules that exist, with the preset that they propose', async () => {
    const ids = readdirSync(join(root, 'rules'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => basename(file, '.ts'));
    for (const file of ['docs/rules.md', 'rules/README.md'])
      expect(ids, file).to.include.members(column(read(file), 'rule'));
    for (const line of read('docs/rules.md').split('\n')) {
      const [, id = '', , preset = ''] = line.split('|').map((cell) => cell.trim().replaceAll('`', ''));
      if (!ids.includes(id)) continue;
      const { default: rule } = (await import(`${root}/rules/${id}.ts`)) as {
        default: { options: { parse(value: object): { preset?: string } } };
      };
      expect(rule.options.parse({}).preset ?? 'none', id).to.equal(preset);
    }
  });
});
