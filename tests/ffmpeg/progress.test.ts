import { expect } from 'chai';
import { execa } from 'execa';
import type { Progress } from '../../src/domain/jobs/executor.js';
import { progressReader } from '../../src/ffmpeg/progress.js';

describe('progressReader', () => {
  it('answers once per report', () => {
    const read = progressReader(100);
    const lines = [
      'frame=250',
      'fps=50.0',
      'total_size=1048576',
      'out_time_us=25000000',
      'out_time_ms=25000000',
      'speed=2.5x',
      'progress=continue',
    ];
    const answers = lines.map(read);
    expect(answers.slice(0, -1)).to.deep.equal([null, null, null, null, null, null]);
    expect(answers.at(-1)).to.deep.equal({ percent: 25, fps: 50, speed: 2.5, etaSec: 30, outputBytes: 1_048_576 });
  });

  it('knows what it does not know', () => {
    const read = progressReader(100);
    const last = ['out_time_us=N/A', 'speed=N/A', 'total_size=N/A', 'progress=continue'].map(read).at(-1);
    expect(last).to.deep.equal({ percent: 0, fps: null, speed: null, etaSec: null, outputBytes: null });
  });

  it('reads a real run to the end', async () => {
    const read = progressReader(1);
    const args = [
      '-nostdin',
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x180:d=1',
      '-c:v',
      'mpeg4',
      '-progress',
      'pipe:1',
      '-f',
      'null',
      '-',
    ];
    const reports: Progress[] = [];
    for await (const line of execa('ffmpeg', args)) {
      const report = read(line);
      if (report) reports.push(report);
    }
    expect(reports.at(-1)?.percent).to.equal(100);
  });
});
