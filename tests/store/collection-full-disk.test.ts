import { expect } from 'chai';
import { LibraryItem } from '../../src/domain/library/library.js';
import { Collection } from '../../src/store/collection.js';
import { anItem } from '../support/builders.js';
import { SmallDisk } from '../support/small-disk.js';

describe('a full disk', () => {
  let disk: SmallDisk | null;
  let dir: string;
  beforeEach(async function () {
    disk = await SmallDisk.mount(2);
    if (!disk) this.skip();
    dir = disk.path;
  });
  afterEach(() => disk?.unmount());
  const open = () =>
    Collection.open({
      dir,
      noun: 'library item',
      schema: LibraryItem,
      layout: { kind: 'filled', dir: 'library', groupOf: ({ sectionId }) => sectionId },
    });

  it('is told as no_space, leaves memory as the disk is, and is over when there is room again', async () => {
    const rows = await open();
    await rows.putMany(Array.from({ length: 100 }, (_, n) => anItem({ id: `item-${n}` })));
    const before = [...rows.values()];
    // To the last byte: however many of these go to the disk together, the first has no room either.
    await disk?.fill();
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
    await disk?.empty();
    await rows.patch('item-5', { plays: 9 });
    await rows.putMany(many);
    expect((await open()).get('item-5').plays).to.equal(9);
    expect((await open()).size).to.equal(400);
  });
});
