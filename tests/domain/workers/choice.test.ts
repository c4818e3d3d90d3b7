import { expect } from 'chai';
import fc from 'fast-check';
import { chooseWorker, type JobNeed, type WorkerCandidate } from '../../../src/domain/workers/choice.js';
import { refusedInWords, type RefusalKind } from '../../../src/domain/workers/refusal.js';
import type { EncoderSupport, Line } from '../../../src/domain/workers/worker.js';

/** A Friday, 18:00 local time. */
const NOW = new Date(2026, 10, 27, 18, 0);
const AT = NOW.toISOString();
const MIN = 60;
const HOUR = 3600;

const line = (mbps: number, latencyMs = 1): Line => ({ upMbps: mbps, downMbps: mbps, latencyMs, at: AT });
const SHARED = [{ here: '/data/media', there: '/mnt/media', provedAt: AT, problem: null }];
const UNPROVED = [{ here: '/data/media', there: '/mnt/media', provedAt: null, problem: null }];
const works = (name: string, tenBit = true): EncoderSupport => ({
  name,
  works: true,
  tenBit,
  device: null,
  error: null,
});
const broken = (name: string, error: string): EncoderSupport => ({
  name,
  works: false,
  tenBit: false,
  device: null,
  error,
});

/** A film of 12 GB that becomes HEVC of 3 GB, by whatever encoder. */
const need = (change: Partial<JobNeed> = {}): JobNeed => ({
  files: { sourcePath: '/data/media/A Film.mkv', sourceBytes: 12e9, outputBytes: 3e9, streamProblem: null },
  encode: { needs: { codec: 'hevc', tenBit: false, mastering: false }, preference: 'gpu' },
  wishedWorkerId: null,
  tags: [],
  failedOn: [],
  halfDone: null,
  ...change,
});

/** An idle machine with x265 in the same house; its files are streamed. */
const worker = (name: string, sec: number, change: Partial<WorkerCandidate> = {}): WorkerCandidate => ({
  id: name,
  name,
  isLocal: false,
  state: 'online',
  disabledReason: null,
  lastSeenAt: AT,
  tags: [],
  hours: [],
  slots: 2,
  running: 0,
  viewers: 0,
  encoders: [works('libx265')],
  metrics: { cpuPercent: 0, gpuPercent: null },
  pathMappings: [],
  line: line(940),
  maxMbps: null,
  scratchFreeBytes: 500e9,
  encodeSec: () => sec,
  ...change,
});
const here = (sec: number, change: Partial<WorkerCandidate> = {}): WorkerCandidate =>
  worker('nas', sec, { isLocal: true, line: null, ...change });
const gpu = (name: string, sec: number, change: Partial<WorkerCandidate> = {}): WorkerCandidate =>
  worker(name, sec, { encoders: [works('hevc_nvenc')], ...change });

interface Scenario {
  name: string;
  need?: Partial<JobNeed>;
  workers: WorkerCandidate[];
  picks: string | null;
  says: string;
  refuses?: Record<string, RefusalKind>;
}

const film = need().files;
const noStream = { ...film, streamProblem: 'the index of this MP4 is at its end' };
const remux: Partial<JobNeed> = { encode: null };
const tenBit: Partial<JobNeed> = {
  encode: { needs: { codec: 'hevc', tenBit: true, mastering: false }, preference: 'gpu' },
};
const hdr10: Partial<JobNeed> = {
  encode: { needs: { codec: 'hevc', tenBit: true, mastering: true }, preference: 'gpu' },
};
const noCard: Partial<JobNeed> = {
  encode: { needs: { codec: 'hevc', tenBit: false, mastering: false }, preference: 'cpu' },
};
/** 600 MB, of which 200 MB are left. */
const clip = { files: { ...film, sourceBytes: 600e6, outputBytes: 200e6 } };
const night = [{ days: [0, 1, 2, 3, 4, 5, 6], from: '22:00', to: '06:00' }];

const scenarios: Scenario[] = [
  {
    name: 'a graphics card in the house against the processor here',
    workers: [here(3 * HOUR), gpu('gpu-1', 20 * MIN)],
    picks: 'gpu-1',
    says: 'gpu-1: done in about 20 min; nas would need 3 h 00 min',
  },
  {
    name: 'fast and far, slow and near: the whole time counts',
    workers: [worker('tower', 2.5 * HOUR, { pathMappings: SHARED }), gpu('cloud', 20 * MIN, { line: line(50, 90) })],
    picks: 'cloud',
    says: 'cloud: done in about 32 min; tower would need 2 h 30 min',
  },
  {
    name: 'so far that the slow one is done first',
    workers: [worker('tower', 2.5 * HOUR, { pathMappings: SHARED }), gpu('cloud', 20 * MIN, { line: line(8, 90) })],
    picks: 'tower',
    says: 'tower: done in about 2 h 30 min; cloud would need 3 h 20 min',
  },
  {
    name: 'far, and an MP4 that has to be copied first and encoded then',
    need: { files: noStream },
    workers: [here(70 * MIN), gpu('cloud', 50 * MIN, { line: line(50) })],
    picks: 'nas',
    says: 'nas: done in about 1 h 10 min; cloud would need 1 h 30 min',
  },
  {
    name: 'the same two, when the file can be streamed',
    workers: [here(70 * MIN), gpu('cloud', 50 * MIN, { line: line(50) })],
    picks: 'cloud',
    says: 'cloud: done in about 50 min; nas would need 1 h 10 min',
  },
  {
    name: 'a small file, where copying is most of it',
    need: clip,
    workers: [here(2 * MIN), gpu('cloud', 20, { line: line(20) })],
    picks: 'nas',
    says: 'nas: done in about 2 min; cloud would need 4 min',
  },
  {
    name: 'a shared folder that was proved',
    workers: [gpu('a', 20 * MIN, { line: line(50) }), gpu('b', 22 * MIN, { line: line(50), pathMappings: SHARED })],
    picks: 'b',
    says: 'b: done in about 22 min; a would need 32 min',
  },
  {
    name: 'a shared folder that was not',
    workers: [gpu('a', 20 * MIN, { line: line(50) }), gpu('b', 22 * MIN, { line: line(25), pathMappings: UNPROVED })],
    picks: 'a',
    says: 'a: done in about 32 min; b would need 1 h 04 min',
  },
  {
    name: 'a line that nobody measured is taken for a slow one',
    workers: [gpu('a', 5 * MIN, { line: null }), gpu('b', 5 * MIN)],
    picks: 'b',
    says: 'b: done in about 5 min; a would need 16 min',
  },
  {
    name: 'a line with a limit',
    workers: [gpu('capped', 20 * MIN, { maxMbps: 20 }), worker('tower', 60 * MIN)],
    picks: 'tower',
    says: 'tower: done in about 1 h 02 min; capped would need 1 h 20 min',
  },
  {
    name: 'a busy one gives way to an idle one that is hardly slower',
    workers: [
      worker('a', 60 * MIN, { running: 1, metrics: { cpuPercent: 98, gpuPercent: null } }),
      worker('b', 66 * MIN),
    ],
    picks: 'b',
    says: 'b: done in about 1 h 08 min; a would need 1 h 02 min, but is busier',
  },
  {
    name: 'no job in hand, but something else keeps its processor busy',
    workers: [worker('a', 60 * MIN, { metrics: { cpuPercent: 98, gpuPercent: null } }), worker('b', 66 * MIN)],
    picks: 'b',
    says: 'b: done in about 1 h 08 min; a would need 1 h 02 min, but is busier',
  },
  {
    name: 'a busy one that is still much faster',
    workers: [
      gpu('gpu-1', 20 * MIN, { running: 3, slots: 4, metrics: { cpuPercent: 90, gpuPercent: 95 } }),
      worker('b', 45 * MIN),
    ],
    picks: 'gpu-1',
    says: 'gpu-1: done in about 20 min; b would need 47 min',
  },
  {
    name: 'a busy processor does not trouble a graphics card',
    workers: [
      gpu('a', 20 * MIN, { metrics: { cpuPercent: 95, gpuPercent: 10 } }),
      gpu('b', 21 * MIN, { metrics: { cpuPercent: 5, gpuPercent: 70 } }),
    ],
    picks: 'a',
    says: 'a: done in about 20 min; b would need 21 min',
  },
  {
    name: 'one slot left is enough',
    workers: [gpu('gpu-1', 20 * MIN, { running: 1 }), here(3 * HOUR)],
    picks: 'gpu-1',
    says: 'gpu-1: done in about 20 min; nas would need 3 h 00 min',
  },
  {
    name: 'no slot left is not',
    workers: [gpu('gpu-1', 20 * MIN, { running: 2 }), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'gpu-1': 'busy' },
  },
  {
    name: 'no room there in any way',
    workers: [gpu('gpu-1', 20 * MIN, { scratchFreeBytes: 1e9 }), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'gpu-1': 'room' },
  },
  {
    name: 'no room there, but the folder is shared',
    workers: [gpu('gpu-1', 20 * MIN, { scratchFreeBytes: 0, pathMappings: SHARED }), here(3 * HOUR)],
    picks: 'gpu-1',
    says: 'gpu-1: done in about 20 min; nas would need 3 h 00 min',
  },
  {
    name: 'an encoder that failed its test',
    workers: [
      gpu('gpu-1', 20 * MIN, { encoders: [broken('hevc_nvenc', 'No capable devices found.')] }),
      here(3 * HOUR),
    ],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'gpu-1': 'encoder' },
  },
  {
    name: '10 bit, and the card makes 8 bit only',
    need: tenBit,
    workers: [gpu('old-gpu', 20 * MIN, { encoders: [works('hevc_nvenc', false)] }), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'old-gpu': 'encoder' },
  },
  {
    name: '10 bit, and the card makes 8 bit only, but the processor beside it does',
    need: tenBit,
    workers: [
      gpu('gpu-1', 20 * MIN, {
        encoders: [works('hevc_nvenc', false), works('libx265')],
        encodeSec: (encoder) => (encoder === 'libx265' ? 50 * MIN : 20 * MIN),
      }),
      here(3 * HOUR),
    ],
    picks: 'gpu-1',
    says: 'gpu-1: done in about 52 min; nas would need 3 h 00 min',
  },
  {
    name: 'HDR10 metadata, which no card is trusted with',
    need: hdr10,
    workers: [gpu('gpu-1', 20 * MIN), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'gpu-1': 'encoder' },
  },
  {
    name: 'a job that leaves graphics cards out goes by the speed of processors',
    need: noCard,
    workers: [
      gpu('gpu-1', 0, {
        encoders: [works('hevc_nvenc'), works('libx265')],
        encodeSec: (encoder) => (encoder === 'libx265' ? 4 * HOUR : 20 * MIN),
      }),
      here(3 * HOUR),
    ],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; gpu-1 would need 4 h 02 min',
  },
  {
    name: 'a machine that was never tested',
    workers: [gpu('new', MIN, { encoders: null }), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { new: 'encoder' },
  },
  {
    name: 'outside its hours',
    workers: [gpu('gpu-1', 20 * MIN, { hours: night }), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'gpu-1': 'hours' },
  },
  {
    name: 'draining',
    workers: [gpu('gpu-1', 20 * MIN, { state: 'draining' }), worker('tower', 2 * HOUR), here(3 * HOUR)],
    picks: 'tower',
    says: 'tower: done in about 2 h 02 min; nas would need 3 h 00 min',
    refuses: { 'gpu-1': 'draining' },
  },
  {
    name: 'somebody watches, and Plex transcodes here',
    workers: [here(20 * MIN, { viewers: 1 }), worker('tower', 2 * HOUR)],
    picks: 'tower',
    says: 'tower: done in about 2 h 02 min; no other worker can take it now',
    refuses: { nas: 'viewers' },
  },
  {
    name: 'twins, one of them with a job',
    workers: [worker('twin-a', HOUR, { running: 1 }), worker('twin-b', HOUR)],
    picks: 'twin-b',
    says: 'twin-b: done in about 1 h 02 min; twin-a would need as long',
  },
  {
    name: 'equal twins go by name',
    workers: [worker('twin-b', HOUR), worker('twin-a', HOUR)],
    picks: 'twin-a',
    says: 'twin-a: done in about 1 h 02 min; twin-b would need as long',
  },
  {
    name: 'equally loaded, but one has fewer jobs in hand',
    workers: [
      worker('a', HOUR, { slots: 8, running: 2, metrics: { cpuPercent: 80, gpuPercent: null } }),
      worker('b', HOUR, { slots: 8, running: 1, metrics: { cpuPercent: 80, gpuPercent: null } }),
    ],
    picks: 'b',
    says: 'b: done in about 1 h 02 min; a would need as long',
  },
  {
    name: 'nothing is encoded: the file stays here',
    need: remux,
    workers: [here(3 * MIN, { running: 1 }), gpu('gpu-1', 2 * MIN)],
    picks: 'nas',
    says: 'nas: done in about 3 min; nothing is encoded, so nothing has to be transferred; gpu-1 would need 2 min',
  },
  {
    name: 'nothing is encoded, and a shared folder makes the others as quick',
    need: remux,
    workers: [here(3 * MIN), worker('a-tower', 3 * MIN, { pathMappings: SHARED })],
    picks: 'nas',
    says: 'nas: done in about 3 min; nothing is encoded, so nothing has to be transferred; a-tower would need as long',
  },
  {
    name: 'nothing is encoded, but there is no slot here',
    need: remux,
    workers: [here(3 * MIN, { running: 2 }), worker('tower', 3 * MIN, { pathMappings: SHARED })],
    picks: 'tower',
    says: 'tower: done in about 3 min; no other worker can take it now',
    refuses: { nas: 'busy' },
  },
  {
    name: 'it goes on where it was cut off',
    need: { halfDone: { workerId: 'tower', share: 0.6, hasSource: true } },
    workers: [worker('tower', 70 * MIN), gpu('gpu-1', 20 * MIN)],
    picks: 'tower',
    says: 'tower: done in about 28 min; it has 60 % of it already; gpu-1 would need 20 min',
  },
  {
    name: 'not where going on takes far longer than beginning anew elsewhere',
    need: { halfDone: { workerId: 'tower', share: 0.05, hasSource: true } },
    workers: [worker('tower', 5 * HOUR), gpu('gpu-1', 20 * MIN)],
    picks: 'gpu-1',
    says: 'gpu-1: done in about 20 min; tower would need 4 h 45 min',
  },
  {
    name: 'not where it was cut off, when that worker is gone',
    need: { halfDone: { workerId: 'tower', share: 0.6, hasSource: true } },
    workers: [worker('tower', 70 * MIN, { state: 'offline' }), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { tower: 'offline' },
  },
  {
    name: 'the source is there already, from a try that came no further',
    need: { files: noStream, halfDone: { workerId: 'far', share: 0, hasSource: true } },
    workers: [gpu('far', 20 * MIN, { line: line(50) }), here(40 * MIN)],
    picks: 'far',
    says: 'far: done in about 28 min; it has its files already; nas would need 40 min',
  },
  {
    name: 'the owner chose a slow one',
    need: { wishedWorkerId: 'pi' },
    workers: [gpu('gpu-1', 20 * MIN), worker('pi', 30 * HOUR)],
    picks: 'pi',
    says: 'pi: done in about 30 h 02 min; you chose it',
    refuses: { 'gpu-1': 'wish' },
  },
  {
    name: 'the owner chose one that is away: it waits',
    need: { wishedWorkerId: 'gpu-1' },
    workers: [gpu('gpu-1', 20 * MIN, { state: 'paused' }), here(HOUR)],
    picks: null,
    says: 'No worker can take it now: gpu-1 is paused; nas is not the worker you chose for it.',
    refuses: { 'gpu-1': 'paused', nas: 'wish' },
  },
  {
    name: 'the job asks for a tag',
    need: { tags: ['gpu', 'trusted'] },
    workers: [gpu('gpu-1', 20 * MIN, { tags: ['gpu'] }), gpu('gpu-2', 40 * MIN, { tags: ['trusted', 'gpu'] })],
    picks: 'gpu-2',
    says: 'gpu-2: done in about 40 min; no other worker can take it now',
    refuses: { 'gpu-1': 'tags' },
  },
  {
    name: 'it failed there before',
    need: { failedOn: [{ workerId: 'gpu-1', why: 'The driver stopped.' }] },
    workers: [gpu('gpu-1', 20 * MIN), here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min; no other worker can take it now',
    refuses: { 'gpu-1': 'failed-there' },
  },
  {
    name: 'the only worker there is',
    workers: [here(3 * HOUR)],
    picks: 'nas',
    says: 'nas: done in about 3 h 00 min',
  },
  { name: 'no worker at all', workers: [], picks: null, says: 'There is no worker.' },
  {
    name: 'all are refused',
    workers: [
      gpu('gpu-1', MIN, { state: 'offline', lastSeenAt: new Date(2026, 10, 27, 14, 2).toISOString() }),
      worker('tower', MIN, { state: 'paused' }),
      worker('attic', MIN, { state: 'paused' }),
      here(MIN, { running: 2 }),
    ],
    picks: null,
    says: 'No worker can take it now: attic and tower are paused; gpu-1 is offline since 14:02; nas has no free slot: 2 of 2 in use.',
    refuses: { 'gpu-1': 'offline', tower: 'paused', attic: 'paused', nas: 'busy' },
  },
];

describe('who does a job', () => {
  for (const { name, need: asked, workers, picks, says, refuses = {} } of scenarios) {
    it(`${name}: ${picks ?? 'nobody'}`, () => {
      const { ranked, winner, why } = chooseWorker(need(asked), workers, NOW);
      expect(winner?.name ?? null).to.equal(picks);
      expect(why).to.equal(says);
      const kinds = ranked.flatMap((each) => (each.refusal ? [[each.name, each.refusal.kind] as const] : []));
      expect(Object.fromEntries(kinds)).to.deep.equal(refuses);
      expect(ranked).to.have.length(workers.length);
    });
  }

  const refusals: [string, WorkerCandidate, Partial<JobNeed>, string][] = [
    [
      'offline since another day',
      worker('a', 1, { state: 'offline', lastSeenAt: new Date(2026, 10, 24, 9, 5).toISOString() }),
      {},
      'is offline since Tue 09:05',
    ],
    ['never seen', worker('a', 1, { state: 'offline', lastSeenAt: null }), {}, 'is offline'],
    ['unconfirmed', worker('a', 1, { state: 'unconfirmed' }), {}, 'is not confirmed yet'],
    ['being tested', worker('a', 1, { state: 'checking' }), {}, 'is being tested'],
    ['draining', worker('a', 1, { state: 'draining' }), {}, 'is finishing what it has and takes nothing new'],
    [
      'disabled',
      worker('a', 1, { state: 'disabled', disabledReason: 'Its disk is full. Free some.' }),
      {},
      'is out of service: Its disk is full. Free some',
    ],
    ['closed', worker('a', 1, { hours: night }), {}, 'is outside its hours until 22:00'],
    [
      'closed until Monday',
      worker('a', 1, { hours: [{ days: [1], from: '08:00', to: '09:00' }] }),
      {},
      'is outside its hours until Mon 08:00',
    ],
    ['two viewers', worker('a', 1, { viewers: 2 }), {}, 'is paused while Plex is transcoding for 2 viewers there'],
    ['tags', worker('a', 1, { tags: ['x'] }), { tags: ['x', 'gpu', 'fast'] }, 'is not tagged gpu and fast'],
    [
      'a failed try',
      worker('a', 1),
      { failedOn: [{ workerId: 'a', why: 'The driver stopped.' }] },
      'has failed with it before: The driver stopped',
    ],
    ['untested', worker('a', 1, { encoders: null }), remux, 'has not been tested yet'],
    [
      'encoders',
      worker('a', 1, { encoders: [broken('hevc_nvenc', 'No capable devices found.')] }),
      {},
      'cannot encode it: This ffmpeg cannot encode with libx265. Install a full ffmpeg, or choose a preset with another codec',
    ],
    [
      '8 bit',
      worker('a', 1, { encoders: [works('hevc_nvenc', false), broken('libx265', 'It crashed')] }),
      tenBit,
      'cannot encode it: This ffmpeg cannot encode with libx265 (It crashed). Install a full ffmpeg, or choose a preset with another codec',
    ],
    [
      'room',
      worker('a', 1, { scratchFreeBytes: 2e9 }),
      {},
      'cannot get the files (shared folder: none holds this file; streamed: it needs 4 GB of free space and has 2 GB; copied: it needs 16 GB of free space and has 2 GB)',
    ],
    [
      'no stream and no room',
      worker('a', 1, { scratchFreeBytes: 9e9 }),
      { files: noStream },
      'cannot get the files (shared folder: none holds this file; streamed: the index of this MP4 is at its end; copied: it needs 16 GB of free space and has 9 GB)',
    ],
  ];
  for (const [name, candidate, asked, says] of refusals) {
    it(`is told why not: ${name}`, () => {
      const { ranked, winner } = chooseWorker(need(asked), [candidate], NOW);
      expect(winner).to.equal(null);
      expect(ranked[0]?.refusal?.why).to.equal(says);
      expect(ranked[0]).to.deep.include({ score: 0, parts: [], offer: null });
    });
  }

  it('is told what each part of the score is for', () => {
    const { ranked } = chooseWorker(
      need({ files: noStream }),
      [here(HOUR, { running: 1 }), gpu('far', 30 * MIN, { line: line(80, 0) })],
      NOW,
    );
    expect(
      ranked.map(({ name, parts }) => [name, ...parts.map(({ points, max, why }) => `${points}/${max} ${why}`)]),
    ).to.deep.equal([
      [
        'far',
        '28.2/35 copied: uploading 12 GB at 80 Mbit/s and downloading 3 GB at 80 Mbit/s take 25 min more than encoding',
        '30/30 encoding with hevc_nvenc takes about 30 min',
        '35/35 0 of 2 slots in use',
      ],
      [
        'nas',
        '35/35 on this machine: nothing has to be transferred',
        '21.8/30 encoding with libx265 takes about 1 h 00 min; the quickest needs 30 min',
        '27.5/35 1 of 2 slots in use, its processor at 0 %',
      ],
    ]);
  });

  it('gives the nearest all points for its way, however far that is', () => {
    const { ranked } = chooseWorker(need({ files: noStream }), [gpu('far', 20 * MIN, { line: line(20) })], NOW);
    expect(ranked[0]).to.deep.include({ name: 'far', score: 100 });
  });

  it('names those who are refused together where the reason is the same', () => {
    const is = (name: string, why: string) => ({ name, refusal: { kind: 'room' as const, why } });
    expect(refusedInWords([is('a', 'has no room'), is('b', 'has no room'), is('c', 'has no room')])).to.equal(
      'a, b and c have no room',
    );
  });
});

/** Idle or not, near or far, quick or slow, sometimes refused. */
const anyWorker = fc
  .record({
    sec: fc.integer({ min: 1, max: 40 * HOUR }),
    mbps: fc.option(fc.integer({ min: 2, max: 2000 })),
    isShared: fc.boolean(),
    slots: fc.integer({ min: 1, max: 16 }),
    running: fc.nat(16),
    cpuPercent: fc.option(fc.nat(100)),
    isPaused: fc.boolean(),
  })
  .map(
    ({ sec, mbps, isShared, slots, running, cpuPercent, isPaused }) =>
      (name: string) =>
        worker(name, sec, {
          line: mbps === null ? null : line(mbps),
          pathMappings: isShared ? SHARED : [],
          slots,
          running,
          metrics: { cpuPercent, gpuPercent: null },
          state: isPaused && running % 4 === 0 ? 'paused' : 'online',
        }),
  );
const anyWorkers = fc
  .array(anyWorker, { minLength: 1, maxLength: 6 })
  .map((all) => all.map((make, i) => make(`w${i}`)));
const anyFiles = fc.boolean().map((streams) => (streams ? film : noStream));

describe('the score of a worker', () => {
  it('lies between 0 and 100, is the sum of its parts, and orders the workers', () => {
    fc.assert(
      fc.property(anyWorkers, anyFiles, (workers, files) => {
        const { ranked, winner } = chooseWorker(need({ files }), workers, NOW);
        for (const { score, parts, refusal } of ranked) {
          expect(score).to.be.within(0, 100);
          for (const { points, max } of parts) expect(points).to.be.within(0, max);
          expect(score).to.be.closeTo(
            parts.reduce((sum, { points }) => sum + points, 0),
            0.001,
          );
          expect(parts).to.have.length(refusal ? 0 : 3);
        }
        const scores = ranked.map(({ score }) => score);
        expect(scores).to.deep.equal([...scores].sort((a, b) => b - a));
        expect(winner).to.equal(ranked.find(({ refusal }) => refusal === null) ?? null);
      }),
    );
  });

  it('does not depend on the order in which workers are named', () => {
    const inTwoOrders = anyWorkers.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(inTwoOrders, anyFiles, ([workers, mixed], files) => {
        expect(chooseWorker(need({ files }), mixed, NOW)).to.deep.equal(chooseWorker(need({ files }), workers, NOW));
      }),
    );
  });

  it('never lets a worker win that needs more than twice as long as another', () => {
    fc.assert(
      fc.property(anyWorkers, anyFiles, (workers, files) => {
        const { ranked, winner } = chooseWorker(need({ files }), workers, NOW);
        const times = ranked.flatMap(({ offer }) => (offer ? [offer.totalSec] : []));
        if (winner?.offer) expect(winner.offer.totalSec).to.be.at.most(2.02 * Math.max(30, Math.min(...times)));
      }),
    );
  });

  it('is that of the quickest where all are equally idle', () => {
    fc.assert(
      fc.property(anyWorkers, anyFiles, (workers, files) => {
        const idle = workers.map((each) => ({ ...each, running: 0, metrics: null }));
        const { ranked, winner } = chooseWorker(need({ files }), idle, NOW);
        const times = ranked.flatMap(({ offer }) => (offer ? [offer.totalSec] : []));
        const best = Math.min(...times);
        // Scores are rounded to a tenth, which is less than a hundredth of the time.
        if (winner?.offer) expect(winner.offer.totalSec).to.be.at.most(best + 0.02 * Math.max(30, best));
      }),
    );
  });

  it('falls when a worker becomes slower, farther or busier, and nobody else gains a place by getting worse', () => {
    fc.assert(
      fc.property(
        anyWorkers,
        anyWorker,
        anyFiles,
        fc.constantFrom('sec', 'line', 'busy'),
        (others, make, files, what) => {
          const one = { ...make('one'), state: 'online' as const, running: 0 };
          const sec = one.encodeSec(null);
          const worse: WorkerCandidate = {
            ...one,
            ...(what === 'sec' ? { encodeSec: () => sec * 1.5 } : {}),
            // A line that nobody measured is taken for a slow one; a measured one would be better news.
            ...(what === 'line' ? { line: one.line && line(one.line.upMbps / 2), pathMappings: [] } : {}),
            ...(what === 'busy'
              ? { slots: one.slots + 1, running: 1, metrics: { cpuPercent: 100, gpuPercent: null } }
              : {}),
          };
          const placeOf = (candidate: WorkerCandidate): number =>
            chooseWorker(need({ files }), [...others, candidate], NOW).ranked.findIndex(({ id }) => id === 'one');
          expect(placeOf(worse)).to.be.at.least(placeOf(one));
        },
      ),
    );
  });
});
