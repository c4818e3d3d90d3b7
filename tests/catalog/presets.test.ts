import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openPresets } from '../../src/catalog/presets.js';

const builtInDir = resolve(import.meta.dirname, '../../presets');
const builtIn = readdirSync(builtInDir)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .sort();

describe('openPresets', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'presets-'))));
  afterEach(() => rm(dir, { recursive: true }));
  const open = () => openPresets({ builtInDir, userDir: dir });
  const balanced = async (): Promise<object> =>
    JSON.parse(await readFile(join(builtInDir, 'balanced.json'), 'utf8')) as object;

  it('knows the built-in ones, all sound', async () => {
    const presets = await open();
    expect(presets.list().map(({ id }) => id)).to.deep.equal(builtIn);
    expect(presets.problems).to.deep.equal([]);
    expect(() => presets.get('nope'))
      .to.throw()
      .with.property('code', 'not_found');
  });

  it('takes the owner’s beside them', async () => {
    await writeFile(join(dir, 'mine.json'), JSON.stringify({ ...(await balanced()), id: 'mine', title: 'Mine' }));
    expect((await open()).get('mine').title).to.equal('Mine');
  });

  const broken: Record<string, [string, () => Promise<string>, RegExp]> = {
    'no JSON': ['a.json', () => Promise.resolve('{'), /JSON/],
    'an unknown field': ['a.json', async () => JSON.stringify({ ...(await balanced()), id: 'a', crf: 20 }), /crf/],
    'another id than the file name': ['a.json', async () => JSON.stringify(await balanced()), /must be the file name/],
    'the name of a built-in one': ['balanced.json', async () => JSON.stringify(await balanced()), /already a preset/],
    'no quality for an encode': [
      'a.json',
      async () => JSON.stringify({ ...(await balanced()), id: 'a', video: { codec: 'hevc', quality: null } }),
      /video\.quality: is needed/,
    ],
  };
  for (const [what, [file, content, message]] of Object.entries(broken)) {
    it(`names a file with ${what} and opens the rest`, async () => {
      await writeFile(join(dir, file), await content());
      const presets = await open();
      expect(presets.list()).to.have.length(builtIn.length);
      expect(presets.problems).to.have.length(1);
      expect(presets.problems[0]?.message).to.match(message);
    });
  }

  it('says so when the owner’s folder is missing', async () => {
    const presets = await openPresets({ builtInDir, userDir: join(dir, 'missing') });
    expect(presets.list()).to.have.length(builtIn.length);
    expect(presets.problems[0]?.message).to.contain('cannot be read');
  });
});
