import { expect } from 'chai';
import { aboutCause, causeOf, FailureCauseId } from '../../../src/domain/jobs/failure-cause.js';
import { ERROR_CODES } from '../../../src/domain/errors.js';
import { encodeFailure } from '../../../src/ffmpeg/failure.js';

describe('the cause of a failed job', () => {
  it('is known for whatever a job can end with, and says in words what to do', () => {
    const about = FailureCauseId.options.map(aboutCause);
    expect(new Set(about.map(({ title }) => title)).size).to.equal(about.length);
    for (const { fix } of about) expect(fix).to.match(/^[A-Z].*\.$/);
    for (const code of ERROR_CODES) expect(FailureCauseId.options).to.include(causeOf({ code, message: '' }));
    expect(causeOf(null)).to.equal('unexpected');
  });

  const cases: [string[], string, string][] = [
    [['[out#0] [error] No space left on device'], 'gone', 'disk-full'],
    [['[hevc_nvenc @ 0x1] [error] Cannot load libcuda.so.1'], 'gone', 'card-missing'],
    [['[hevc_nvenc @ 0x1] [error] OpenEncodeSessionEx failed: out of memory (10)'], 'gone', 'card-busy'],
    [['[hevc_nvenc @ 0x1] [error] 10 bit encode not supported'], 'gone', 'card-unsupported'],
    [["[error] Unknown encoder 'libx266'"], 'gone', 'encoder-missing'],
    [['[error] Invalid data found'], 'ffmpeg was killed with signal SIGKILL', 'encoder-killed'],
    [['[error] Invalid data found'], 'ffmpeg exited with code 1', 'encode-failed'],
  ];
  for (const [lines, ended, cause] of cases) {
    it(`is ${cause} when ffmpeg said ${lines[0] ?? ''} (${ended})`, () => {
      expect(causeOf(encodeFailure(lines, 'encode the video', new Error(ended)))).to.equal(cause);
    });
  }
});
