import { expect } from 'chai';
import fc from 'fast-check';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Receipt } from '../../../src/domain/replace/receipt.js';
import type { QuarantineEntry } from '../../../src/domain/replace/quarantine.js';
import { NOTHING_SAVED, savedPercent, type Saved } from '../../../src/domain/replace/savings.js';
import { SavingsLedger } from '../../../src/engine/replace/savings-ledger.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore, type Store } from '../../../src/store/store.js';
import { aJob, anOriginal, aReceipt } from '../../support/builders.js';

const log = createLog('silent');
const ms = (iso: string): number => Date.parse(iso);

/** A file that was replaced: 10 bytes became 4, unless told otherwise. */
const replaced = (id: string, at: string, change: Partial<Receipt> = {}, sizes = [10, 4]): Receipt =>
  aReceipt(aJob({ id, sizeBeforeBytes: sizes[0] ?? 0, sizeAfterBytes: sizes[1] ?? 0, finishedAt: at }), change);

describe('the savings ledger', () => {
  let dir: string;
  let store: Store;
  let ledger: SavingsLedger;
  const open = async (): Promise<void> => {
    store = await openStore({ dir, log, now: () => new Date('2026-03-10T00:00:00Z') });
    ledger = new SavingsLedger({ store, log });
  };
  const replace = async (receipt: Receipt, state: QuarantineEntry['state'] = 'kept'): Promise<void> => {
    await store.receipts.put(receipt);
    await store.quarantine.put(anOriginal(receipt, { state }));
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-savings-'));
    await open();
  });
  afterEach(async () => {
    await ledger.stop();
    await store.close();
    await rm(dir, { recursive: true });
  });

  it('counts a replacement until its original is restored, and the next one of that file again', async () => {
    await replace(replaced('1', '2026-03-01T10:00:00.000Z'));
    expect(ledger.total()).to.deep.equal({ files: 1, beforeBytes: 10, freedBytes: 6 });
    expect(ledger.ofJob('1')).to.equal(6);
    await store.quarantine.patch('kept-1', { state: 'restored' });
    expect(ledger.total()).to.deep.equal(NOTHING_SAVED);
    expect(ledger.ofJob('1')).to.equal('restored');
    await replace(replaced('2', '2026-03-02T10:00:00.000Z', {}, [10, 3]));
    expect(ledger.total()).to.deep.equal({ files: 1, beforeBytes: 10, freedBytes: 7 });
    await store.quarantine.patch('kept-2', { state: 'restored' });
    expect(ledger.total()).to.deep.equal(NOTHING_SAVED);
    expect(ledger.ofJob('3')).to.equal(null);
  });

  it('counts both steps of a file that was replaced twice, and only the first once the second was taken back', async () => {
    await replace(replaced('1', '2026-03-01T10:00:00.000Z', {}, [10, 6]));
    await replace(replaced('2', '2026-03-02T10:00:00.000Z', {}, [6, 2]));
    expect(ledger.total().freedBytes).to.equal(8);
    await store.quarantine.patch('kept-2', { state: 'restored' });
    expect(ledger.total()).to.deep.equal({ files: 1, beforeBytes: 10, freedBytes: 4 });
  });

  it('counts originals that were deleted or lost, and receipts whose original nobody knows', async () => {
    await replace(replaced('1', '2026-03-01T10:00:00.000Z'), 'purged');
    await replace(replaced('2', '2026-03-01T10:00:00.000Z'), 'lost');
    await store.receipts.put(replaced('3', '2026-03-01T10:00:00.000Z', { quarantineId: '' }));
    await store.receipts.put(replaced('4', '2026-03-01T10:00:00.000Z'));
    expect(ledger.total()).to.deep.equal({ files: 4, beforeBytes: 40, freedBytes: 24 });
    await store.quarantine.remove('kept-1');
    await store.receipts.remove('receipt-3');
    expect(ledger.total()).to.deep.equal({ files: 3, beforeBytes: 30, freedBytes: 18 });
  });

  it('counts a surplus copy in quarantine for nothing', async () => {
    const receipt = replaced('1', '2026-03-01T10:00:00.000Z');
    await store.quarantine.put(anOriginal(receipt, { id: 'surplus-1', kind: 'surplus', jobId: '', state: 'purged' }));
    expect(ledger.total()).to.deep.equal(NOTHING_SAVED);
  });

  it('takes away what a file grew by', async () => {
    await replace(replaced('1', '2026-03-01T10:00:00.000Z', {}, [10, 4]));
    await replace(replaced('2', '2026-03-01T10:00:00.000Z', {}, [10, 12]));
    expect(ledger.total()).to.deep.equal({ files: 2, beforeBytes: 20, freedBytes: 4 });
    expect(savedPercent(ledger.total())).to.equal(20);
    expect(savedPercent(NOTHING_SAVED)).to.equal(0);
  });

  it('tells savings apart by preset, rule, worker and time', async () => {
    await replace(replaced('1', '2026-02-28T23:59:59.999Z', { presetId: 'small', ruleId: null, workerId: 'attic' }));
    await replace(replaced('2', '2026-03-01T00:00:00.000Z', { presetId: 'small', ruleId: 'old-codecs' }, [20, 5]));
    await replace(replaced('3', '2026-03-01T12:00:00.000Z', { presetId: 'large', ruleId: 'old-codecs' }, [30, 10]));
    expect(ledger.of('preset', 'small')).to.deep.equal({ files: 2, beforeBytes: 30, freedBytes: 21 });
    expect(ledger.of('rule', 'old-codecs').freedBytes).to.equal(35);
    expect(ledger.of('worker', 'attic').freedBytes).to.equal(6);
    // A job that no worker is named for ran on this machine.
    expect(ledger.of('worker', 'local').freedBytes).to.equal(35);
    expect(ledger.of('worker', 'unknown')).to.deep.equal(NOTHING_SAVED);
    expect(ledger.byMonth()).to.deep.equal([
      { month: '2026-02', files: 1, beforeBytes: 10, freedBytes: 6 },
      { month: '2026-03', files: 2, beforeBytes: 50, freedBytes: 35 },
    ]);
    const noon = ms('2026-03-01T12:00:00.000Z');
    expect(ledger.between(-Infinity, noon).freedBytes).to.equal(21);
    expect(ledger.between(noon, Infinity).freedBytes).to.equal(20);
    expect(ledger.between(ms('2026-03-01T00:00:00.000Z'), noon).freedBytes).to.equal(15);
    const small = { kind: 'preset', key: 'small' } as const;
    expect(ledger.between(ms('2026-02-28T12:00:00.000Z'), noon, small).freedBytes).to.equal(21);
    expect(ledger.between(noon, Infinity, small)).to.deep.equal(NOTHING_SAVED);
    expect(ledger.between(-Infinity, Infinity, { kind: 'worker', key: 'attic' }).freedBytes).to.equal(6);
  });

  it('says the same after a restart, read ahead or asked at once', async () => {
    await replace(replaced('1', '2026-02-01T10:00:00.000Z'));
    await replace(replaced('2', '2026-03-01T10:00:00.000Z'), 'restored');
    await store.close();
    await open();
    expect(ledger.total().freedBytes).to.equal(6);
    await store.close();
    await open();
    ledger.start();
    await ledger.settled();
    expect(ledger.total().freedBytes).to.equal(6);
  });

  it('counts each receipt once, whatever changes while the receipts are read', async () => {
    const many = Array.from({ length: 500 }, (_, at) => replaced(String(at), '2026-03-01T10:00:00.000Z'));
    await store.receipts.putMany(many);
    await store.quarantine.putMany(many.map((receipt) => anOriginal(receipt)));
    await store.close();
    await open();
    ledger.start();
    await Promise.all([
      store.quarantine.patch('kept-0', { state: 'restored' }),
      store.quarantine.patch('kept-499', { state: 'restored' }),
      store.receipts.put(replaced('500', '2026-03-02T10:00:00.000Z')),
    ]);
    await ledger.settled();
    expect(ledger.total()).to.deep.equal({ files: 499, beforeBytes: 4990, freedBytes: 2994 });
  });

  it('goes back when the disk refuses a restore', async () => {
    await replace(replaced('1', '2026-03-01T10:00:00.000Z'));
    expect(ledger.total().files).to.equal(1);
    const file = join(dir, 'quarantine.json');
    await rm(file);
    await mkdir(join(file, 'in the way'), { recursive: true });
    const refused = store.quarantine.patch('kept-1', { state: 'restored' });
    expect(ledger.total().files).to.equal(0);
    expect(await refused.then(() => null, (error: unknown) => error)).to.be.instanceOf(Error); // prettier-ignore
    expect(ledger.total().files).to.equal(1);
  });

  it('always agrees with a plain sum over the rows', async function () {
    this.timeout(120_000);
    const step = fc.record({
      id: fc.nat(5).map(String),
      does: fc.constantFrom('replace', 'restored', 'purged', 'lost', 'kept', 'forget'),
      sizes: fc.tuple(fc.nat(1000), fc.nat(1000)),
      presetId: fc.constantFrom('a', 'b'),
      hours: fc.nat(24 * 60),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(24 * 60), async (steps, sinceHours) => {
        await store.receipts.removeMany([...store.receipts.ids()]);
        await store.quarantine.removeMany([...store.quarantine.ids()]);
        const start = ms('2026-01-01T00:00:00.000Z');
        for (const { id, does, sizes, presetId, hours } of steps) {
          const at = new Date(start + hours * 3_600_000).toISOString();
          if (does === 'replace') await replace(replaced(id, at, { presetId }, sizes));
          else if (does === 'forget') await store.receipts.remove(`receipt-${id}`);
          else if (store.quarantine.has(`kept-${id}`)) await store.quarantine.patch(`kept-${id}`, { state: does });
        }
        const sinceMs = start + sinceHours * 3_600_000;
        expect(ledger.total()).to.deep.equal(plainSum(store));
        expect(ledger.of('preset', 'a')).to.deep.equal(plainSum(store, ({ presetId }) => presetId === 'a'));
        expect(ledger.between(sinceMs, Infinity)).to.deep.equal(plainSum(store, ({ at }) => ms(at) >= sinceMs));
        const byMonth = ledger.byMonth().reduce((sum, { freedBytes }) => sum + freedBytes, 0);
        expect(byMonth).to.equal(ledger.total().freedBytes);
      }),
      { numRuns: 40 },
    );
  });
});

function plainSum({ receipts, quarantine }: Store, isMeant: (receipt: Receipt) => boolean = () => true): Saved {
  const all = receipts.where(
    (receipt) => isMeant(receipt) && quarantine.find(receipt.quarantineId)?.state !== 'restored',
  );
  const sum = (of: (receipt: Receipt) => number): number => all.reduce((total, receipt) => total + of(receipt), 0);
  return {
    files: all.length,
    beforeBytes: sum(({ before }) => before.sizeBytes),
    freedBytes: sum(({ before, after }) => before.sizeBytes - after.sizeBytes),
  };
}
