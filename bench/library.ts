import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { besideIdle, runChild } from './child.js';
import { figure, median, type Figure } from './figure.js';

const COUNT = 100_000;
const ROUNDS = 3;

interface Opened {
  ms: number;
  blockedMs: number;
  memoryMb: number;
  changeMs: number;
  bareMs: number;
}

/** The store with 100,000 library items: opening, memory, one changed item, a whole library written. */
export async function benchLibrary(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-library-'));
  try {
    const args = [dir, String(COUNT)];
    const written = await besideIdle(() =>
      runChild<{ ms: number; blockedMs: number }>('library-child.ts', ['write', ...args]),
    );
    const writes = writeFigures(written);
    const opened: Opened[] = [];
    const parsed: { ms: number; memoryMb: number }[] = [];
    let idleMs = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { result, idleBlockedMs } = await besideIdle(() => runChild<Opened>('library-child.ts', ['open', ...args]));
      opened.push(result);
      idleMs = Math.max(idleMs, idleBlockedMs);
      parsed.push(await runChild('library-child.ts', ['parse', ...args]));
    }
    return [...writes, ...openFigures(opened, parsed, idleMs)];
  } finally {
    await rm(dir, { recursive: true });
  }
}

function writeFigures({ result, idleBlockedMs }: { result: { blockedMs: number }; idleBlockedMs: number }): Figure[] {
  return [
    figure({
      id: 'library-write-blocked',
      what: `longest block of the event loop while ${COUNT} items are stored in pages of 200`,
      value: result.blockedMs,
      unit: 'ms',
      yardstick: 'the same in an idle process meanwhile',
      yardstickValue: idleBlockedMs,
      goal: '<= 50 ms',
      holds: result.blockedMs <= 50,
    }),
  ];
}

function openFigures(
  opened: readonly Opened[],
  parsed: readonly { ms: number; memoryMb: number }[],
  idleBlockedMs: number,
): Figure[] {
  const middle = (name: keyof Opened): number => median(opened.map((one) => one[name]));
  const [openMs, blockedMs, memoryMb, changeMs] = [
    middle('ms'),
    middle('blockedMs'),
    middle('memoryMb'),
    middle('changeMs'),
  ];
  return [
    figure({
      id: 'library-open',
      what: `open a store of ${COUNT} items`,
      value: openMs,
      unit: 'ms',
      yardstick: 'read and JSON.parse the same files',
      yardstickValue: median(parsed.map(({ ms }) => ms)),
      goal: '<= 1300 ms',
      holds: openMs <= 1300,
    }),
    figure({
      id: 'library-open-blocked',
      what: 'longest block of the event loop meanwhile',
      value: blockedMs,
      unit: 'ms',
      yardstick: 'the same in an idle process',
      yardstickValue: idleBlockedMs,
      goal: '<= 50 ms',
      holds: blockedMs <= 50,
    }),
    figure({
      id: 'library-memory',
      what: 'memory of the process with the store open',
      value: memoryMb,
      unit: 'MB',
      yardstick: 'the parsed rows in a Map',
      yardstickValue: median(parsed.map((one) => one.memoryMb)),
      goal: '<= 350 MB',
      holds: memoryMb <= 350,
    }),
    figure({
      id: 'library-change',
      what: 'one changed item durable (median)',
      value: changeMs,
      unit: 'ms',
      yardstick: 'write and fsync 4 kB',
      yardstickValue: middle('bareMs'),
      goal: '<= 10 ms',
      holds: changeMs <= 10,
    }),
  ];
}
