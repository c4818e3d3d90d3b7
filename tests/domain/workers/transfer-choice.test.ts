import { expect } from 'chai';
import fc from 'fast-check';
import {
  streamProblem,
  waysFor,
  type FilesOfJob,
  type Way,
  type WayToWorker,
} from '../../../src/domain/workers/transfer-choice.js';
import type { Line, WorkerPath } from '../../../src/domain/workers/worker.js';

const AT = '2026-01-02T03:04:05.000Z';
const SOURCE = '/data/media/Movies/A Film (1999)/A Film (1999).mkv';
const line = (mbps: number, latencyMs = 0): Line => ({ upMbps: mbps, downMbps: mbps, latencyMs, at: AT });
const share = (here: string, change: Partial<WorkerPath> = {}): WorkerPath => ({
  here,
  there: '/mnt/media',
  provedAt: AT,
  problem: null,
  ...change,
});
const files = (change: Partial<FilesOfJob> = {}): FilesOfJob => ({
  sourcePath: SOURCE,
  sourceBytes: 12e9,
  outputBytes: 3e9,
  streamProblem: null,
  ...change,
});
const way = (change: Partial<WayToWorker> = {}): WayToWorker => ({
  isLocal: false,
  pathMappings: [],
  line: line(94),
  maxMbps: null,
  scratchFreeBytes: 100e9,
  ...change,
});
const first = (job: Partial<FilesOfJob>, to: Partial<WayToWorker>, encodeSec = 2400): Way | undefined =>
  waysFor(files(job), way(to), encodeSec)[0];

describe('the way of the files', () => {
  const mp4 = { streamProblem: 'the index of this MP4 is at its end' };
  const cases: {
    name: string;
    job?: Partial<FilesOfJob>;
    to?: Partial<WayToWorker>;
    encodeSec?: number;
    mode: Way['mode'];
    seconds: number;
    why: string;
  }[] = [
    {
      name: 'this machine',
      to: { isLocal: true, scratchFreeBytes: 0 },
      mode: null,
      seconds: 0,
      why: 'on this machine: nothing has to be transferred',
    },
    {
      name: 'a proved share, whatever the line and the room',
      to: { pathMappings: [share('/data/media')], line: line(1), scratchFreeBytes: 0 },
      mode: 'shared',
      seconds: 0,
      why: 'shared folder: nothing has to be transferred',
    },
    {
      name: 'a proved share, although streaming would cost no time either',
      to: { pathMappings: [share('/data/media')], line: line(9000) },
      mode: 'shared',
      seconds: 0,
      why: 'shared folder: nothing has to be transferred',
    },
    {
      name: 'a share that holds the result and not the source',
      job: { sourcePath: '/data/media2/b.mkv', outputPath: '/data/media/out.mkv' },
      to: { pathMappings: [share('/data/media')] },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'a share that is not proved',
      to: { pathMappings: [share('/data/media', { provedAt: null })] },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'a share that was proved once and has a problem now',
      to: { pathMappings: [share('/data/media', { problem: 'it is empty there' })] },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'a share of another folder',
      to: { pathMappings: [share('/data/media/Mov')] },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'a share that holds the source and not the result',
      job: { outputPath: '/work/job-1/out.mkv' },
      to: { pathMappings: [share('/data/media')] },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'a long encode is not put at risk for the minutes that copying takes',
      to: { line: line(940) },
      encodeSec: 4 * 3600,
      mode: 'transfer',
      seconds: (15e9 * 8) / 940e6,
      why: 'copied: uploading 12 GB at 940 Mbit/s and downloading 3 GB at 940 Mbit/s take 2 min more than encoding',
    },
    {
      name: 'streaming waits for the line where the encoder is quicker',
      encodeSec: 200,
      to: { line: line(96) },
      mode: 'stream',
      seconds: 800,
      why: 'streamed: copying 12 GB at 96 Mbit/s takes 17 min and encoding 3 min, at the same time',
    },
    {
      name: 'an upload that is slower than the download counts',
      encodeSec: 0,
      to: { line: { ...line(960), downMbps: 6 } },
      mode: 'stream',
      seconds: 4000,
      why: 'streamed: copying 3 GB at 6 Mbit/s takes 1 h 07 min and encoding 0 s, at the same time',
    },
    {
      name: 'what cannot be streamed is uploaded and downloaded',
      job: mp4,
      to: { line: line(96, 50) },
      mode: 'transfer',
      seconds: 1251,
      why: 'copied: uploading 12 GB at 96 Mbit/s and downloading 3 GB at 96 Mbit/s take 21 min more than encoding',
    },
    {
      name: 'a worker that has the source already',
      job: { ...mp4, sourceBytes: 0 },
      to: { line: line(96), scratchFreeBytes: 4e9 },
      mode: 'transfer',
      seconds: 250,
      why: 'copied: downloading 3 GB at 96 Mbit/s takes 4 min more than encoding',
    },
    {
      name: 'room for the result alone is enough to stream',
      to: { scratchFreeBytes: 4e9 },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'a line that was not measured',
      to: { line: null },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 100 Mbit/s (assumed, not measured) takes 16 min and encoding 40 min, at the same time',
    },
    {
      name: 'a limit',
      to: { line: line(940), maxMbps: 8 },
      mode: 'stream',
      seconds: 9600,
      why: 'streamed: copying 12 GB at 8 Mbit/s (your limit) takes 3 h 20 min and encoding 40 min, at the same time',
    },
    {
      name: 'a limit above what the line can do',
      to: { line: line(94), maxMbps: 500 },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time',
    },
    {
      name: 'room that nobody knows',
      to: { scratchFreeBytes: null },
      mode: 'stream',
      seconds: 0,
      why: 'streamed: copying 12 GB at 94 Mbit/s takes 17 min and encoding 40 min, at the same time; its free space is not known',
    },
  ];
  for (const { name, job = {}, to = {}, encodeSec, mode, seconds, why } of cases) {
    it(name, () => {
      const best = first(job, to, encodeSec);
      expect(best).to.deep.include({ mode, possible: true, why });
      expect(best?.seconds).to.be.closeTo(seconds, 0.001);
    });
  }

  it('says of every way why it cannot be', () => {
    const ways = waysFor(
      files(),
      way({ scratchFreeBytes: 2e9, pathMappings: [share('/data', { provedAt: null })] }),
      60,
    );
    expect(ways.map(({ possible }) => possible)).to.deep.equal([false, false, false]);
    expect(ways.map(({ why }) => why)).to.have.members([
      'shared folder: /data is not verified',
      'streamed: it needs 4 GB of free space and has 2 GB',
      'copied: it needs 16 GB of free space and has 2 GB',
    ]);
    const problem = waysFor(files(mp4), way({ pathMappings: [share('/data', { problem: 'it is empty there' })] }), 60);
    expect(problem.map(({ why }) => why)).to.include.members([
      'shared folder: /data is not verified: it is empty there',
      'streamed: the index of this MP4 is at its end',
    ]);
    expect(waysFor(files(), way(), 60).map(({ why }) => why)).to.include('shared folder: none holds this file');
  });

  it('never costs less over a slower line, for a larger file or with a limit, and streaming never more than copying', () => {
    const amount = fc.integer({ min: 0, max: 2e11 });
    const rate = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(amount, amount, rate, fc.nat(100_000), (sourceBytes, outputBytes, mbps, encodeSec) => {
        const costs = (job: Partial<FilesOfJob>, to: Partial<WayToWorker>): Record<string, number> =>
          Object.fromEntries(
            waysFor(files({ sourceBytes, outputBytes, ...job }), way({ line: line(mbps), ...to }), encodeSec).map(
              ({ mode, seconds }) => [String(mode), seconds],
            ),
          );
        const here = costs({}, {});
        for (const worse of [
          costs({}, { line: line(mbps / 2) }),
          costs({ sourceBytes: sourceBytes * 2 }, {}),
          costs({ outputBytes: outputBytes * 2 }, {}),
          costs({}, { maxMbps: mbps / 3 }),
          costs({}, { line: line(mbps, 80) }),
        ]) {
          for (const [mode, seconds] of Object.entries(here)) expect(worse[mode]).to.be.at.least(seconds);
        }
        expect(here['stream']).to.be.at.most(here['transfer'] ?? NaN);
        expect(here['shared']).to.equal(0);
      }),
    );
  });
});

describe('what can be streamed', () => {
  const cases: [string, string, RegExp | null][] = [
    ['mkv', 'mkv', null],
    ['mpegts', 'mkv', null],
    ['mkv', 'mp4', /rewritten at its end/],
    ['mp4', 'mkv', null],
    ['mov', 'mkv', null],
    ['avi', 'mkv', /kind avi cannot be read in order/],
  ];
  for (const [container, output, says] of cases) {
    it(`${container} to ${output}`, () => {
      const problem = streamProblem(container, output);
      if (says === null) expect(problem).to.equal(null);
      else expect(problem).to.match(says);
    });
  }
});
