import { expect } from 'chai';
import { whyNothingRuns, type QueueLook, type WorkerLook } from '../../../src/engine/queue/reasons.js';
import type { RefusalKind } from '../../../src/domain/workers/refusal.js';
import { aJob } from '../../support/builders.js';

const look = (change: Partial<QueueLook> = {}): QueueLook => ({
  isPaused: false,
  isDryRun: false,
  running: 0,
  waiting: [],
  blocked: [],
  verified: [],
  viewers: 0,
  trouble: null,
  ...change,
});

const refuses = (name: string, kind: RefusalKind, why: string): WorkerLook => ({ name, refusal: { kind, why } });
const waiting = [aJob()];
const paused = refuses('tower', 'paused', 'is paused');
const offline = refuses('gpu-1', 'offline', 'is offline since 14:02');

describe('why nothing runs', () => {
  const cases: Record<string, { look: QueueLook; says: RegExp | null }> = {
    'nothing waits': { look: look(), says: null },
    'something runs, whatever else': { look: look({ running: 1, isPaused: true, waiting: [aJob()] }), says: null },
    'paused with work': { look: look({ isPaused: true, waiting: [aJob()] }), says: /paused and 1 job waits.*Resume/ },
    'paused without work': { look: look({ isPaused: true }), says: null },
    'two viewers': { look: look({ viewers: 2, waiting: [aJob(), aJob()] }), says: /2 viewers, so 2 jobs wait/ },
    'dry run': { look: look({ isDryRun: true, blocked: [aJob()] }), says: /Dry run is on: 1 job is planned.*Settings/ },
    'no room': {
      look: look({ blocked: [aJob({ waitsFor: 'The disk is full.' })] }),
      says: /1 job waits: The disk is full/,
    },
    'the owner is asked': { look: look({ verified: [aJob()] }), says: /1 verified result waits for your approval/ },
    'a viewer holds the file': {
      look: look({ verified: [aJob({ approvedToReplace: true, waitsFor: 'Ann is watching it.' })] }),
      says: /Ann is watching it/,
    },
    'the store cannot be written': { look: look({ trouble: 'The disk is full.' }), says: /The disk is full/ },
  };
  for (const [name, { look: seen, says }] of Object.entries(cases)) {
    it(name, () => {
      const text = whyNothingRuns(seen).join(' ');
      if (says === null) expect(text).to.equal('');
      else expect(text).to.match(says);
    });
  }

  const workers: [string, QueueLook, string][] = [
    ['workers were not asked', look({ waiting }), ''],
    ['a worker would take it', look({ waiting, workers: [paused, { name: 'nas', refusal: null }] }), ''],
    ['nothing waits for a worker', look({ workers: [paused] }), ''],
    [
      'the queue is paused, so no worker is asked',
      look({ waiting, isPaused: true, workers: [paused] }),
      'The queue is paused and 1 job waits. Resume it to go on.',
    ],
    ['there is no worker', look({ waiting, workers: [] }), 'There is no worker to take a job. Add one under Workers.'],
    [
      'all are refused',
      look({ waiting, workers: [offline, paused] }),
      'No worker can take a job now: gpu-1 is offline since 14:02; tower is paused. Reconnect gpu-1, resume tower or add a worker under Workers.',
    ],
    [
      'two for the same reason',
      look({ waiting, workers: [paused, { ...paused, name: 'attic' }] }),
      'No worker can take a job now: tower and attic are paused. Resume tower and attic or add a worker under Workers.',
    ],
    [
      'two of a kind for reasons of their own',
      look({ waiting, workers: [offline, refuses('b', 'offline', 'is offline')] }),
      'No worker can take a job now: gpu-1 is offline since 14:02; b is offline. Reconnect gpu-1 and b or add a worker under Workers.',
    ],
    [
      'one that opens by itself',
      look({ waiting, workers: [refuses('gpu-1', 'hours', 'is outside its hours until 22:00')] }),
      'No worker can take a job now: gpu-1 is outside its hours until 22:00. It goes on by itself later. Add a worker under Workers.',
    ],
    [
      'the chosen one is away',
      look({ waiting, workers: [offline, refuses('nas', 'wish', 'is not the worker you chose for it')] }),
      'No worker can take a job now: gpu-1 is offline since 14:02; nas is not the worker you chose for it. Reconnect gpu-1 or let any worker do it.',
    ],
  ];
  for (const [name, seen, says] of workers) {
    it(name, () => {
      expect(whyNothingRuns(seen).join(' ')).to.equal(says);
    });
  }

  const advice: [RefusalKind, RegExp][] = [
    ['unconfirmed', /Confirm w or add/],
    ['disabled', /Return w to service or add/],
    ['draining', /Let w take jobs again or add/],
    ['encoder', /Choose another preset or add/],
    ['room', /Free some space on w or add/],
    ['tags', /Tag w or add/],
    ['failed-there', /Retry the job or add/],
    ['checking', /by itself/],
    ['viewers', /by itself/],
    ['busy', /by itself/],
  ];
  for (const [kind, says] of advice) {
    it(`says what helps: ${kind}`, () => {
      expect(whyNothingRuns(look({ waiting, workers: [refuses('w', kind, 'is out')] })).join(' ')).to.match(says);
    });
  }
});
