import { expect } from 'chai';
import { whyNothingRuns, type QueueLook } from '../../../src/engine/queue/reasons.js';
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
    'the owner is asked': { look: look({ verified: [aJob()] }), says: /1 verified result waits for your yes/ },
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
});
