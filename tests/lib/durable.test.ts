import { expect } from 'chai';
import { mkdtemp, open, readdir, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises';
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

  it('syncs each of many files, and their folder only once after the last of them', async () => {
    const probe = await open(dir);
    const handles = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called for each handle
    const { sync } = handles;
    const standing: number[] = [];
    handles.sync = async function (this: FileHandle) {
      const isFolder = (await this.stat()).isDirectory();
      standing.push(isFolder ? (await readdir(dir)).filter(isPlaced).length : -1);
      await sync.call(this);
    };
    try {
      await Promise.all(Array.from({ length: 40 }, (_, n) => writeDurably(join(dir, `${n}.json`), 'x')));
    } finally {
      handles.sync = sync;
    }
    expect(standing.filter((count) => count === -1)).to.have.length(40);
    expect(standing.filter((count) => count !== -1)).to.deep.equal([40]);
  });

  const isPlaced = (name: string): boolean => name.endsWith('.json');

  it('keeps the old content and cleans up when it cannot write', async () => {
    await writeFile(join(dir, 'a'), 'old');
    const error = await writeDurably(join(dir, 'a', 'b'), 'new').catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(await readFile(join(dir, 'a'), 'utf8')).to.equal('old');
    expect(await readdir(dir)).to.deep.equal(['a']);
  });
});
