import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { Collection } from '../../src/store/collection.js';
import { PackedRows } from '../../src/store/packed-rows.js';

const Row = z.object({ id: z.string(), group: z.string(), value: z.int() });
type Row = z.infer<typeof Row>;

/** The last two are no plain JSON text. */
const IDS = ['a', 'b', 'ä', '漢字', 'with "quotes"', 'back\\slash'];

describe('PackedRows', () => {
  const packed = (rows: object[]): PackedRows | null =>
    PackedRows.of(Buffer.from(rows.map((row) => JSON.stringify(row)).join(',\n') + '\n'), false);

  it('knows the ids of lines, and makes the rows of them', () => {
    const rows = [
      { id: 'a', value: 1 },
      { id: 'ä', value: 2 },
    ];
    expect(packed(rows)?.ids).to.deep.equal(['a', 'ä']);
    expect(packed(rows)?.unpack()).to.deep.equal(rows);
  });

  it('holds nothing of rows whose id is not plainly there', () => {
    expect(packed([{ value: 1, id: 'a' }])).to.equal(null);
    expect(packed([{ id: 'with "quotes"' }])).to.equal(null);
    expect(packed([{ id: 'back\\slash' }])).to.equal(null);
  });

  it('keeps a text of its own, for files are read into the same memory', () => {
    const bytes = Buffer.from('{"id":"a"}\n');
    const rows = PackedRows.of(bytes, true);
    bytes.fill('x');
    expect(rows?.unpack()).to.deep.equal([{ id: 'a' }]);
  });
});

describe('A collection whose files sleep', () => {
  const change = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('put' as const), id: fc.constantFrom(...IDS), group: group() }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id: fc.constantFrom(...IDS) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), id: fc.constantFrom(...IDS) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('rest' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
  );

  function group() {
    return fc.constantFrom('x', 'y');
  }

  it('behaves like one that is awake, whatever is asked of it first', async function () {
    this.timeout(300_000);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
        const dir = await mkdtemp(join(tmpdir(), 'packed-'));
        try {
          const open = (): Promise<Collection<Row>> =>
            Collection.open({
              dir,
              noun: 'row',
              schema: Row,
              layout: { kind: 'filled', dir: 'rows', groupOf: (row) => row.group },
              rests: true,
            });
          let rows = await open();
          const model = new Map<string, Row>();
          for (const [value, step] of changes.entries()) {
            if (step.do === 'put') {
              const row = { id: step.id, group: step.group, value };
              model.set(row.id, row);
              await rows.put(row);
            } else if (step.do === 'remove') {
              model.delete(step.id);
              await rows.remove(step.id);
            } else if (step.do === 'read') {
              expect(rows.has(step.id)).to.equal(model.has(step.id));
              expect(rows.find(step.id)).to.deep.equal(model.get(step.id) ?? null);
              expect(rows.find(step.id), 'the same row as a moment ago').to.equal(rows.find(step.id));
            } else if (step.do === 'rest') {
              await rows.rest();
            } else if (step.do === 'pass') {
              expect([...rows.values()]).to.have.deep.members([...model.values()]);
              expect([...rows.ids()]).to.have.members([...model.keys()]);
            } else {
              await rows.flush();
              rows = await open();
              expect(rows.size).to.equal(model.size);
            }
          }
          expect([...rows.values()]).to.have.deep.members([...model.values()]);
          await rows.flush();
          expect([...(await open()).values()]).to.have.deep.members([...model.values()]);
        } finally {
          await rm(dir, { recursive: true });
        }
      }),
      { numRuns: 200 },
    );
  });
});
