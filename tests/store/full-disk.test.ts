import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LibraryItem } from '../../src/domain/library.js';
import { Collection } from '../../src/store/collection.js';
import { anItem } from '../support/builders.js';

/** A disk of its own, so small that it can be filled; only the root user may make one. */
function mountSmallDisk(dir: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  let dir: string;
  let isMounted = false;
  beforeEach(async function () {
    dir = await mkdtemp(join(tmpdir(), 'full-disk-'));
    isMounted = mountSmallDisk(dir);
    if (!isMounted) this.skip();
  });
  afterEach(async () => {
    if (isMounted) execFileSync('umount', [dir]);
    await rm(dir, { recursive: true });
  });
  const open = () =>
    Collection.open({
      dir,
      noun: 'library item',
      schema: LibraryItem,
      layout: { kind: 'filled', dir: 'library', groupOf: ({ sectionId }) => sectionId },
    });
  const fill = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(dir);
    await writeFile(join(dir, 'filler'), Buffer.alloc((bavail - 2) * bsize));
  };

  it('is told as no_space, leaves memory as the disk is, and is over when there is room again', async () => {
    const rows = await open();
    await rows.putMany(Array.from({ length: 100 }, (_, n) => anItem({ id: `item-${n}` })));
    const before = [...rows.values()];
    await fill();
    const many = Array.from({ length: 300 }, (_, n) => anItem({ id: `new-${n}`, sectionId: `${n % 3}` }));
    const asked = [
      rows.patch('item-5', { plays: 9 }),
      rows.put(anItem({ id: 'item-6', sectionId: '2' })),
      rows.remove('item-7'),
      rows.putMany(many),
    ];
    for (const outcome of await Promise.allSettled(asked))
      expect(outcome).to.have.nested.property('reason.code', 'no_space');
    expect([...rows.values()]).to.have.deep.members(before);
    expect([...(await open()).values()]).to.have.deep.members(before);
    await rm(join(dir, 'filler'));
    await rows.patch('item-5', { plays: 9 });
    await rows.putMany(many);
    expect((await open()).get('item-5').plays).to.equal(9);
    expect((await open()).size).to.equal(400);
  });
});
