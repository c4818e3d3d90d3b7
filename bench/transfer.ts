import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planEncode } from '../src/domain/presets/plan-encode.js';
import { Preset } from '../src/domain/presets/preset.js';
import type { EncodeTask } from '../src/domain/jobs/executor.js';
import { encodeSteps } from '../src/ffmpeg/args.js';
import { placeArgs } from '../src/ffmpeg/command-line.js';
import { probe } from '../src/ffmpeg/probe.js';
import { createLog } from '../src/lib/log.js';
import { FileTransfers } from '../src/ssh/file-transfers.js';
import { ReconnectingSsh } from '../src/ssh/reconnecting.js';
import { SshExecutor } from '../src/workers/ssh.js';
import { Sshd } from '../tests/support/sshd.js';
import { nextWord, startChild } from './child.js';
import { figure, median, timed, type Figure } from './figure.js';

const MB = 1024 * 1024;
/** What ssh2 and OpenSSH agree on; scp is told to take the same. */
const CIPHER = 'aes128-gcm@openssh.com';
const LOOPBACK = { bytes: 512 * MB, rounds: 7, latencyMs: 0 };
const FAR = { bytes: 128 * MB, rounds: 3, latencyMs: 50 };
const STREAM_ROUNDS = 3;
const LINE = { latencyMs: 20, mbps: 100 };
/** Long enough that connecting and asking do not count for much. */
const FILM_SEC = 30;
const PRESET = Preset.parse({
  ...{ id: 'p', title: 'P', description: 'D', container: 'mkv' },
  video: { codec: 'h264', quality: 28, speed: 'fast' },
  audio: { codec: 'copy' },
});

/** Files to a worker and back, beside scp over the same line; and a whole encode streamed, beside the script one would write. */
export async function benchTransfer(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-transfer-'));
  const sshd = await Sshd.start();
  try {
    return [
      loopbackFigure(await beside(sshd, dir, LOOPBACK)),
      farFigure(await beside(sshd, dir, FAR)),
      streamFigure(await besideScript(sshd, dir)),
    ];
  } finally {
    await sshd.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Speeds {
  ours: number;
  scp: number;
}

const loopbackFigure = ({ ours, scp }: Speeds): Figure =>
  figure({
    id: 'transfer-loopback',
    what: `${LOOPBACK.bytes / MB} MiB there and back (median of ${LOOPBACK.rounds})`,
    value: ours,
    unit: 'MB/s',
    yardstick: `scp with ${CIPHER}`,
    yardstickValue: scp,
    goal: '>= 1 x',
    holds: ours >= scp,
  });

const farFigure = ({ ours, scp }: Speeds): Figure =>
  figure({
    id: 'transfer-50ms',
    what: `${FAR.bytes / MB} MiB there and back with 50 ms of latency (median of ${FAR.rounds})`,
    value: ours,
    unit: 'MB/s',
    yardstick: `scp with ${CIPHER} over the same line`,
    yardstickValue: scp,
    goal: '>= 2 x',
    holds: ours >= 2 * scp,
  });

const streamFigure = ({ ours, script }: { ours: number; script: number }): Figure =>
  figure({
    id: 'stream',
    what: `an encode streamed over ${LINE.mbps} Mbit/s and ${LINE.latencyMs} ms (median of ${STREAM_ROUNDS})`,
    value: ours,
    unit: 'ms',
    yardstick: 'scp there; ssh ffmpeg; scp back',
    yardstickValue: script,
    goal: '<= 0.75 x',
    holds: ours <= 0.75 * script,
  });

interface Way {
  bytes: number;
  rounds: number;
  latencyMs: number;
}

/** MB in a second of ours and of scp. */
async function beside(sshd: Sshd, dir: string, way: Way): Promise<Speeds> {
  const source = join(dir, 'source.bin');
  await fill(source, way.bytes);
  const closed = way.latencyMs === 0 ? null : startChild('line-child.ts', [String(sshd.port), String(way.latencyMs)]);
  const port = closed ? (await nextWord<{ port: number }>(closed)).port : sshd.port;
  const transfers = new FileTransfers({ log: createLog('silent') });
  const line = new ReconnectingSsh(await addressOf(sshd, port), 10_000, transfers.transferFile.bind(transfers));
  const watch = { maxMbps: null, onBytes: () => undefined, signal: new AbortController().signal };
  try {
    const there = join(dir, 'there');
    const [back, byScp] = [join(dir, 'back.bin'), join(dir, 'by-scp.bin')];
    // Taking an old file away waits for the disk, and is no part of copying one.
    const clear = async (): Promise<void> => {
      for (const path of [there, back, byScp]) await rm(path, { recursive: true, force: true });
      await mkdir(there);
    };
    const ours = async (): Promise<void> => {
      const file = { dir: there, name: 'in.part', sizeBytes: way.bytes };
      await line.transferFile({ kind: 'upload', path: source, ...file }, watch);
      await line.transferFile({ kind: 'download', path: back, ...file }, watch);
    };
    const scp = async (): Promise<void> => {
      const remote = `${sshd.username}@${sshd.host}:${byScp}`;
      await execa('scp', [...asClient(sshd, '-P', port), source, remote]);
      await execa('scp', [...asClient(sshd, '-P', port), remote, back]);
    };
    const [each, bare] = await pairs(ours, scp, { rounds: way.rounds, clear });
    const speed = (ms: number): number => (2 * way.bytes) / 1e6 / (ms / 1000);
    return { ours: speed(each), scp: speed(bare) };
  } finally {
    line.close();
    await transfers.close();
    closed?.disconnect();
  }
}

/** Milliseconds of a whole encode. Copying the source takes about as long as encoding it. */
async function besideScript(sshd: Sshd, dir: string): Promise<{ ours: number; script: number }> {
  const child = startChild('line-child.ts', [String(sshd.port), String(LINE.latencyMs), String(LINE.mbps)]);
  const { port } = await nextWord<{ port: number }>(child);
  const executor = new SshExecutor({
    ...{ address: await addressOf(sshd, port), scratchDir: join(sshd.dir, 'scratch'), folderName: 'bench' },
    maxMbps: null,
  });
  try {
    const task = await prepare(dir);
    const [step] = task.steps;
    if (!step) throw new Error('nothing is to be encoded');
    const places = { input: join(dir, 'there.mkv'), output: join(dir, 'out-there.mkv'), scratchDir: dir };
    const ffmpeg = ['ffmpeg', ...placeArgs(step.args, places)].map((arg) => `'${arg}'`).join(' ');
    const host = `${sshd.username}@${sshd.host}`;
    const script = async (): Promise<void> => {
      await execa('scp', [...asClient(sshd, '-P', port), task.input, `${host}:${places.input}`]);
      await execa('ssh', [...asClient(sshd, '-p', port), host, ffmpeg]);
      await execa('scp', [...asClient(sshd, '-P', port), `${host}:${places.output}`, join(dir, 'back.mkv')]);
    };
    const ours = (): Promise<void> => executor.encode(task, () => undefined, new AbortController().signal);
    const [each, bare] = await pairs(ours, script, { rounds: STREAM_ROUNDS });
    return { ours: each, script: bare };
  } finally {
    await executor.close();
    child.disconnect();
  }
}

/** A film whose size fits the line: made once to see how long its encode takes, then with so many bits. */
async function prepare(dir: string): Promise<EncodeTask> {
  const input = join(dir, 'film.mkv');
  const made = async (mbps: number): Promise<EncodeTask> => {
    const rate = `${mbps.toFixed(2)}M`;
    await execa('ffmpeg', [
      ...['-y', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=1280x720:r=25:d=${FILM_SEC}`],
      ...['-c:v', 'mpeg2video', '-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', '4M', input],
    ]);
    const plan = planEncode(await probe(input, { ffprobe: 'ffprobe' }), PRESET);
    return {
      ...{ jobId: 'bench', workKey: 'bench', mode: 'stream', input, output: join(dir, 'out.mkv'), scratchDir: dir },
      ...{ logPath: join(dir, 'bench.log'), steps: encodeSteps(plan), durationSec: plan.durationSec },
    };
  };
  const task = await made(20);
  const args = placeArgs(task.steps[0]?.args ?? [], task);
  const encodeSec = (await timed(() => execa('ffmpeg', args, { stdin: 'ignore' }))) / 1000;
  return made((LINE.mbps * encodeSec) / FILM_SEC);
}

/** Medians of both, each going first in turn; `clear` comes before each and does not count. */
async function pairs(
  one: () => Promise<void>,
  other: () => Promise<void>,
  { rounds, clear = () => Promise.resolve() }: { rounds: number; clear?: () => Promise<void> },
): Promise<[one: number, other: number]> {
  const [ones, others]: [number[], number[]] = [[], []];
  const measure = async (task: () => Promise<void>): Promise<number> => {
    await clear();
    return timed(task);
  };
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) ones.push(await measure(one));
    others.push(await measure(other));
    if (round % 2 === 1) ones.push(await measure(one));
  }
  return [median(ones), median(others)];
}

async function fill(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  for (let at = 0; at < bytes; at += MB) await file.write(randomBytes(MB));
  await file.close();
}

async function addressOf(sshd: Sshd, port: number) {
  const { host, username, privateKey } = sshd;
  return { ...{ host, port, username, hostKey: await sshd.fingerprint() }, auth: { kind: 'key', privateKey } } as const;
}

const asClient = (sshd: Sshd, portOption: string, port: number): string[] => [
  ...[portOption, String(port), '-i', join(sshd.dir, 'client'), '-c', CIPHER, '-q'],
  ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes'],
];
