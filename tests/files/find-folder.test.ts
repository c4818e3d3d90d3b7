import { expect } from 'chai';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { countMatches, findLocalFolder } from '../../src/files/find-folder.js';

describe('findLocalFolder', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'find-folder-'))));
  afterEach(() => rm(dir, { recursive: true }));

  const put = async (name: string, sizeBytes: number): Promise<void> => {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.alloc(sizeBytes));
  };
  const listed = (...paths: string[]) => paths.map((path, index) => ({ path, sizeBytes: 100 + index }));

  it('finds a folder by the names and sizes of files in it, and the parents that mean the same', async () => {
    await put('data/media/Films/Alien (1979)/Alien.mkv', 100);
    await put('data/media/Films/Brazil (1985)/Brazil.mkv', 101);
    await put('data/other/Films/Alien (1979)/Alien.mkv', 7);
    const files = listed('/share/Media/Films/Alien (1979)/Alien.mkv', '/share/Media/Films/Brazil (1985)/Brazil.mkv');
    expect(await findLocalFolder('/share/Media/Films', files, [dir])).to.deep.equal({
      from: '/share/Media',
      to: join(dir, 'data/media'),
    });
  });

  it('takes the folder that holds most of them', async () => {
    await put('a/one.mkv', 100);
    await put('b/c/one.mkv', 100);
    await put('b/c/two.mkv', 101);
    const found = await findLocalFolder('/films', listed('/films/one.mkv', '/films/two.mkv'), [dir]);
    expect(found).to.deep.equal({ from: '/films', to: join(dir, 'b/c') });
  });

  it('knows the paths of a server on Windows', async () => {
    await put('films/Alien (1979)/Alien.mkv', 100);
    const found = await findLocalFolder('D:\\Films\\', listed('D:\\Films\\Alien (1979)\\Alien.mkv'), [dir]);
    expect(found).to.deep.equal({ from: 'D:\\Films\\', to: join(dir, 'films') });
  });

  it('finds nothing where names fit and sizes do not, in hidden folders, through links, or without files to look for', async () => {
    await put('films/one.mkv', 5);
    await put('.trash/one.mkv', 100);
    const away = await mkdtemp(join(tmpdir(), 'find-away-'));
    await writeFile(join(away, 'one.mkv'), Buffer.alloc(100));
    await symlink(away, join(dir, 'link'));
    expect(await findLocalFolder('/films', listed('/films/one.mkv'), [dir])).to.equal(null);
    expect(await findLocalFolder('/films', [], [dir])).to.equal(null);
    await rm(away, { recursive: true });
  });

  it('counts the files that are there with their size', async () => {
    await put('one.mkv', 100);
    await put('two.mkv', 100);
    expect(await countMatches(dir, listed('one.mkv', 'two.mkv', 'three.mkv'))).to.equal(1);
  });
});
