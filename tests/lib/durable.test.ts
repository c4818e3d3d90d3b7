import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDurably } from '../../src/lib/durable.js';

describe('writeDurably', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'durable-'))));
  afterEach(() => rm(dir, { recursive: true }));

  it('replaces the content and leaves nothing else', async () => {
    await writeDurably(join(dir, 'deep', 'a.json'), 'one');
    await writeDurably(join(dir, 'deep', 'a.json'), 'two');
    expect(await readFile(join(dir, 'deep', 'a.json'), 'utf8')).to.equal('two');
    expect(await readdir(join(dir, 'deep'))).to.deep.equal(['a.json']);
  });

  it('writes many files of a folder at once', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `${n}.json`);
    await Promise.all(names.map((name) => writeDurably(join(dir, 'new', name), name)));
    expect(await readdir(join(dir, 'new'))).to.have.members(names);
  });

  it('keeps the old content and cleans up when it cannot write', async () => {
    await writeFile(join(dir, 'a'), 'old');
    const error = await writeDurably(join(dir, 'a', 'b'), 'new').catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(await readFile(join(dir, 'a'), 'utf8')).to.equal('old');
    expect(await readdir(dir)).to.deep.equal(['a']);
  });
});
