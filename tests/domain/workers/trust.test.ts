import { expect } from 'chai';
import fc from 'fast-check';
import { ERROR_CODES } from '../../../src/domain/errors.js';
import {
  afterFailure,
  afterSuccess,
  backInService,
  FAILURES_TO_DISABLE,
  isLost,
  LEASE_SEC,
  workerFaultOf,
  type Failure,
  type Trust,
  type WorkerFault,
} from '../../../src/domain/workers/trust.js';

const fault = fc.constantFrom<WorkerFault>('connection', 'no_space', 'hardware_failed', 'killed');
const fresh = backInService();
const fail = (faults: readonly (WorkerFault | null)[], from: Trust = fresh): Trust => faults.reduce(afterFailure, from);

describe('whose fault a failure was', () => {
  const cases: [string, Partial<Failure>, WorkerFault | null][] = [
    ['the connection broke', { code: 'worker_unreachable', isThere: false }, 'connection'],
    ['a byte was lost on the way', { code: 'transfer_failed', isThere: false }, 'connection'],
    ['its disk was full', { code: 'no_space' }, 'no_space'],
    ['the disk here was full', { code: 'no_space', isThere: false }, null],
    ['its graphics card gave up', { code: 'hardware_failed' }, 'hardware_failed'],
    ['ffmpeg was killed there', { code: 'encode_failed', signal: 'SIGKILL' }, 'killed'],
    ['ffmpeg was killed here', { code: 'encode_failed', signal: 'SIGKILL', isThere: false }, null],
    ['a bad file', { code: 'encode_failed' }, null],
    ['you stopped it', { code: 'cancelled', signal: 'SIGTERM' }, null],
    ['MediaFlow was stopped', { code: 'interrupted', signal: 'SIGTERM' }, null],
  ];
  for (const [name, failure, blamed] of cases) {
    it(`${name}: ${blamed ?? 'not the worker’s'}`, () => {
      expect(workerFaultOf({ code: 'encode_failed', isThere: true, signal: null, ...failure })).to.equal(blamed);
    });
  }

  it('is never the worker’s for anything else that can happen to a file', () => {
    const blamed = ERROR_CODES.filter((code) => workerFaultOf({ code, isThere: true, signal: null }) !== null);
    expect(blamed).to.have.members([
      'no_space',
      'hardware_failed',
      'worker_unavailable',
      'worker_unreachable',
      'worker_unauthorized',
      'worker_host_key',
      'transfer_failed',
    ]);
  });
});

describe('trust in a worker', () => {
  it('ends with the third failure in a row, and says why', () => {
    expect(fail(['connection', 'connection'])).to.deep.equal({ failuresInRow: 2, disabledReason: null });
    const { failuresInRow, disabledReason } = fail(['connection', 'connection', 'no_space']);
    expect(failuresInRow).to.equal(3);
    expect(disabledReason).to.equal(
      'Three jobs in a row failed there, the last because its disk was full. Free some space on it, then return it to service.',
    );
  });

  it('says for every fault what to do', () => {
    fc.assert(
      fc.property(fault, (last) => {
        expect(fail([last, last, last]).disabledReason).to.match(/because .+\. [A-Z].+, then return it to service\.$/);
      }),
    );
  });

  it('is whole again after a success, and untouched by bad files', () => {
    expect(fail(['killed', 'killed'], afterSuccess(fail(['killed', 'killed'])))).to.include({ disabledReason: null });
    expect(fail([null, null, null, null])).to.deep.equal(fresh);
    expect(fail(['killed', null, 'killed', null, 'killed']).disabledReason).to.match(/^Three jobs/);
  });

  it('stays lost, for its first reason, until the owner says otherwise', () => {
    const gone = fail(['no_space', 'no_space', 'no_space']);
    expect(fail(['connection'], gone).disabledReason).to.equal(gone.disabledReason);
    expect(afterSuccess(gone)).to.deep.equal({ failuresInRow: 0, disabledReason: gone.disabledReason });
    expect(backInService()).to.deep.equal({ failuresInRow: 0, disabledReason: null });
  });

  it('is lost exactly when so many of the worker’s own failures follow each other', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fault)), (faults) => {
        const own = faults.filter((each) => each !== null).length;
        expect(fail(faults).disabledReason !== null).to.equal(own >= FAILURES_TO_DISABLE);
      }),
    );
  });
});

describe('the lease of a worker', () => {
  const now = Date.parse('2026-11-27T12:00:00Z');
  it('lasts a minute', () => {
    expect(LEASE_SEC).to.equal(60);
    expect(isLost(now - 59_999, now)).to.equal(false);
    expect(isLost(now - 60_000, now)).to.equal(true);
  });
  it('was never given to one that was never heard of', () => {
    expect(isLost(null, now)).to.equal(true);
  });
  it('does not end because a clock was set back', () => {
    expect(isLost(now + 3_600_000, now)).to.equal(false);
  });
});
