// Puts rows and moves them between files until it is killed; says on each line which row is now on the disk.
import { z } from 'zod';
import { Collection } from '../../src/store/collection.js';

const Row = z.object({ id: z.string(), group: z.string(), value: z.int() });
const rows = await Collection.open({
  dir: process.argv[2] ?? '',
  noun: 'row',
  schema: Row,
  layout: { kind: 'named', dir: 'rows', prefix: '', nameOf: ({ group }) => group },
});
let last = Math.max(0, ...[...rows.values()].map(({ value }) => value));

async function putForEver(lane: string): Promise<never> {
  for (;;) {
    const value = ++last;
    const id = `${lane}${value % 100}`;
    await rows.put({ id, group: 'xyz'.charAt(value % 3), value });
    process.stdout.write(`${id} ${value}\n`);
  }
}

await Promise.all(['a', 'b', 'c'].map(putForEver));
