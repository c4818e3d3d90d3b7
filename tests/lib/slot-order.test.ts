import { expect } from 'chai';
import fc from 'fast-check';
import { SlotOrder } from '../../src/lib/slot-order.js';

/** Puts or takes away a slot; a number less than 0 looks at the order. */
const steps = fc.array(
  fc.record({ slot: fc.integer({ min: -1, max: 12 }), value: fc.option(fc.integer({ min: 0, max: 4 })) }),
);

describe('SlotOrder', () => {
  const sorted = (values: ReadonlyMap<number, number>): number[] =>
    [...values.keys()].sort((a, b) => (values.get(a) ?? 0) - (values.get(b) ?? 0) || a - b);

  it('is the order of what stands now, whenever it is looked at and whatever changed since', () => {
    fc.assert(
      fc.property(steps, (changes) => {
        const values = new Map<number, number>();
        const order = new SlotOrder((a, b) => (values.get(a) ?? 0) - (values.get(b) ?? 0));
        for (const { slot, value } of changes) {
          if (slot < 0) expect([...order.slots]).to.deep.equal(sorted(values));
          else if (value === null) {
            values.delete(slot);
            order.update([], [slot]);
          } else {
            values.set(slot, value);
            order.update([slot]);
          }
        }
        expect([...order.slots]).to.deep.equal(sorted(values));
      }),
    );
  });

  it('takes more changes than it leaves for the next look', () => {
    const values = new Map<number, number>();
    const order = new SlotOrder((a, b) => (values.get(a) ?? 0) - (values.get(b) ?? 0));
    for (let slot = 0; slot < 5000; slot++) {
      values.set(slot, (slot * 7919) % 5003);
      order.update([slot]);
    }
    const gone = Array.from({ length: 2500 }, (_, n) => 2 * n);
    for (const slot of gone) values.delete(slot);
    order.update([], gone);
    expect([...order.slots]).to.deep.equal(sorted(values));
  });
});
