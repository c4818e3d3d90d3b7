import { expect } from 'chai';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abilitiesOf } from '../../src/ffmpeg/abilities.js';

describe('what an ffmpeg can do', () => {
  let dir: string;
  let ffmpeg: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'abilities-'));
    ffmpeg = join(dir, 'ffmpeg');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** A program that says it is this version, encodes nothing, and writes down each time it is called. */
  const stand = async (version: string, pauseSec = 0): Promise<void> => {
    await writeFile(
      ffmpeg,
      `#!/bin/sh\necho "$*" >> "${dir}/calls"\nsleep ${pauseSec}\ncase "$*" in *-version*) echo "ffmpeg version ${version}";; *) exit 1;; esac\n`,
    );
    await chmod(ffmpeg, 0o755);
  };
  const calls = async (): Promise<number> => (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n').length;
  const ask = (signal = new AbortController().signal): Promise<string> =>
    abilitiesOf(ffmpeg, signal).then(({ ffmpegVersion }) => ffmpegVersion);

  it('is tried once, whoever asks, and again when another program stands there', async () => {
    await stand('7.1');
    expect(await Promise.all([ask(), ask()])).to.deep.equal(['7.1', '7.1']);
    const once = await calls();
    expect(await ask()).to.equal('7.1');
    expect(await calls()).to.equal(once);
    await stand('8.0.1');
    expect(await ask()).to.equal('8.0.1');
    expect(await calls()).to.equal(2 * once);
  });

  it('says in plain words that it has gone, and is tried when it is back', async () => {
    const error = await ask().catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'worker_unavailable');
    await stand('7.1');
    expect(await ask()).to.equal('7.1');
  });

  it('is known to the others when the one who began to try was told to stop', async () => {
    await stand('7.1', 0.2);
    const abort = new AbortController();
    const first = ask(abort.signal).catch((error: unknown) => error);
    const second = ask();
    abort.abort(new Error('stop'));
    expect(await first).to.have.property('message', 'stop');
    expect(await second).to.equal('7.1');
  });

  it('is not told to somebody who was told to stop while another asked, and stays known', async () => {
    await stand('7.1', 0.2);
    const first = ask();
    // By then it is being tried.
    while (!(await readFile(join(dir, 'calls')).catch(() => null))) await new Promise(setImmediate);
    const abort = new AbortController();
    const second = ask(abort.signal).catch((error: unknown) => error);
    abort.abort(new Error('stop'));
    expect(await second).to.have.property('message', 'stop');
    expect(await first).to.equal('7.1');
    const once = await calls();
    expect(await ask()).to.equal('7.1');
    expect(await calls()).to.equal(once);
  });
});
