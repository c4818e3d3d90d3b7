import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { LibraryItem } from '../../src/domain/library/library.js';
import { Collection } from '../../src/store/collection.js';
import { RestingRows } from '../../src/store/resting-rows.js';
import { anItem } from '../support/builders.js';

const Row = z.object({ id: z.string(), word: z.string(), value: z.int() });
type Row = z.infer<typeof Row>;

describe('RestingRows', () => {
  it('give back what was packed, all of it or one row, whatever its texts hold', () => {
    const row = fc.record({ id: fc.string({ unit: 'binary' }), text: fc.string({ unit: 'binary' }), n: fc.integer() });
    fc.assert(
      fc.property(fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 60 }), (rows) => {
        const resting = RestingRows.of(rows);
        expect(resting.ids).to.deep.equal(rows.map(({ id }) => id));
        expect(resting.unpack()).to.deep.equal(rows);
        for (const one of rows) expect(resting.find(one.id)).to.deep.equal(one);
        expect(resting.find('not there' + 'x'.repeat(100))).to.equal(undefined);
      }),
    );
  });
});

describe('A collection that rests', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'resting-'))));
  afterEach(() => rm(dir, { recursive: true }));
  const open = (): Promise<Collection<Row>> =>
    Collection.open({ dir, noun: 'row', schema: Row, layout: { kind: 'filled', dir: 'rows', groupOf: () => '' }, rests: true }); // prettier-ignore
  const numbered = (n: number): Row => ({ id: `r${n}`, word: n % 2 === 0 ? 'even' : 'odd', value: n });

  it('wakes no more than it needs, and gives the same row until it rests again', async () => {
    const rows = await open();
    await rows.putMany(Array.from({ length: 300 }, (_, n) => numbered(n)));
    const put = rows.get('r7');
    await rows.rest();
    const read = rows.get('r7');
    expect(read).to.deep.equal(put);
    expect(read, 'packed in between').not.to.equal(put);
    expect(rows.get('r7')).to.equal(read);
    expect(rows.get('r7'), 'also after all others of its file woke').to.equal([...rows.values()][7]);
    expect([...rows.ids()]).to.have.length(300);
    await rows.flush();
  });

  it('packs nothing while somebody wants all of it, nor what is not on the disk yet', async () => {
    const rows = await open();
    const saved = rows.put(numbered(1));
    const row = rows.get('r1');
    await rows.rest();
    expect(rows.get('r1'), 'on its way to the disk').to.equal(row);
    await saved;
    const letRest = rows.keepAwake();
    await rows.rest();
    expect(rows.get('r1'), 'held').to.equal(row);
    letRest();
    letRest();
    await rows.rest();
    expect(rows.get('r1')).not.to.equal(row);
    await rows.flush();
  });

  it('shows each row once while none is packed, until it is told to stop', async () => {
    const rows = await open();
    await rows.putMany(Array.from({ length: 300 }, (_, n) => numbered(n)));
    await rows.rest();
    const seen: Row[] = [];
    await rows.each((row) => void seen.push(row));
    expect(seen.map(({ value }) => value)).to.deep.equal(Array.from({ length: 300 }, (_, n) => n));
    let shown = 0;
    await rows.each(() => ++shown < 5);
    expect(shown).to.equal(5);
    const broken = await rows
      .each(() => {
        throw new Error('no');
      })
      .catch((error: unknown) => (error as Error).message);
    expect(broken).to.equal('no');
    await rows.rest();
    expect(rows.get('r7'), 'nothing is held any more').not.to.equal(seen[7]);
    await rows.flush();
  });

  it('goes back to what the disk holds when the disk refuses a row whose file rested', async () => {
    const rows = await open();
    await rows.put(numbered(1));
    await rows.rest();
    await rm(join(dir, 'rows'), { recursive: true });
    await writeFile(join(dir, 'rows'), 'a file where the folder was');
    const error = await rows.patch('r1', { value: 99 }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(rows.get('r1').value).to.equal(1);
    await rows.flush();
  });

  it('keeps what follows its rows true, though the row before was packed', async () => {
    const rows = await open();
    await rows.putMany([numbered(1), numbered(2)]);
    const wordOf = (row: Row): string => row.word;
    rows.by(wordOf);
    await rows.rest();
    await rows.patch('r1', { word: 'even' });
    await rows.rest();
    await rows.remove('r2');
    expect(rows.by(wordOf).of('odd')).to.deep.equal([]);
    expect(
      rows
        .by(wordOf)
        .of('even')
        .map(({ id }) => id),
    ).to.deep.equal(['r1']);
    await rows.flush();
  });

  it('rests by itself, and what it left behind is given back', async () => {
    const library = await Collection.open({
      ...{ dir, noun: 'library item', schema: LibraryItem, rests: true },
      layout: { kind: 'filled' as const, dir: 'library', groupOf: ({ sectionId }: LibraryItem) => sectionId },
    });
    await library.put(anItem());
    const row = library.get(anItem().id);
    while (library.get(anItem().id) === row) await new Promise((resolve) => setTimeout(resolve, 200));
    expect(library.get(anItem().id)).to.deep.equal(row);
    await library.flush();
  });
});
