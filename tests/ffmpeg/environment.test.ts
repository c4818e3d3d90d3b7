import { expect } from 'chai';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeClip, STREAMS } from '../../src/demo/clips.js';
import { readMedia } from '../../src/demo/plex/read-file.js';
import { runHere } from '../../src/ffmpeg/encoders.js';
import { decodeFile } from '../../src/ffmpeg/decode.js';
import { measureStreams } from '../../src/ffmpeg/measure.js';
import { probe } from '../../src/ffmpeg/probe.js';
import { findProgram, NICENESS } from '../../src/ffmpeg/program.js';
import { sampleFile } from '../../src/ffmpeg/samples.js';
import { streamHashes } from '../../src/ffmpeg/stream-hash.js';
import { runFfmpeg } from '../../src/workers/ffmpeg-run.js';

const SECRET = 'canary-of-the-environment';

describe('what ffmpeg and ffprobe see of our environment', function () {
  let dir: string;
  const before_ = process.env['MEDIAFLOW_PLEX_TOKEN'];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'environment-'));
    process.env['MEDIAFLOW_PLEX_TOKEN'] = SECRET;
  });
  after(async () => {
    if (before_ === undefined) delete process.env['MEDIAFLOW_PLEX_TOKEN'];
    else process.env['MEDIAFLOW_PLEX_TOKEN'] = before_;
    await rm(dir, { recursive: true });
  });

  /** The real program behind one that first runs something. */
  const behind = async (name: string, program: string, first: string): Promise<string> => {
    const path = join(dir, name);
    const real = await findProgram(program);
    await writeFile(path, `#!/bin/sh\n${first}\nexec ${real} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  };
  /** Notes its environment. */
  const watched = (program: string): Promise<string> =>
    behind(program, program, `tr '\\0' '\\n' </proc/$$/environ >>'${dir}/seen'`);

  it('is none of the secrets, whoever starts them', async () => {
    const [ffmpeg, ffprobe] = [await watched('ffmpeg'), await watched('ffprobe')];
    const { signal } = new AbortController();
    const path = join(dir, 'film.mkv');
    await makeClip(ffmpeg, { path, seconds: 1, width: 320, height: 180, encode: STREAMS.divx });
    await readMedia(path, ffprobe);
    await probe(path, { ffprobe });
    await measureStreams(path, { ffprobe, signal });
    await streamHashes(path, [0], { ffmpeg, signal });
    await decodeFile(path, { ffmpeg, audio: true });
    const moment = { atSec: 0, video: { stream: 0, fromSec: 0, count: 1 }, audio: { streams: [], lengthSec: 0 } };
    await sampleFile(path, moment, { ffmpeg, container: 'mkv', signal });
    const args = ['-i', path, '-c', 'copy', '-y', '-f', 'matroska', join(dir, 'copy.mkv')];
    await runFfmpeg({ ffmpeg, args, niceness: 0, graceMs: 1000, signal, onLine: () => undefined });

    const seen = await readFile(join(dir, 'seen'), 'utf8');
    expect(seen.split('\n').filter((line) => line.startsWith('PATH=')).length).to.be.at.least(8);
    expect(seen).not.to.include(SECRET);
    expect(seen).not.to.include('MEDIAFLOW_');
  });

  it('leaves the processor to others whenever it takes long', async () => {
    // How polite it is, once it had the time to be told.
    const first = `sleep 0.3; cut -d ' ' -f 19 /proc/$$/stat >>'${dir}/niceness'`;
    const [ffmpeg, ffprobe] = [await behind('slow', 'ffmpeg', first), await behind('slow-probe', 'ffprobe', first)];
    const { signal } = new AbortController();
    const path = join(dir, 'long.mkv');
    await makeClip(await findProgram('ffmpeg'), { path, seconds: 1, width: 320, height: 180, encode: STREAMS.divx });
    await measureStreams(path, { ffprobe, signal });
    await streamHashes(path, [0], { ffmpeg, signal });
    await decodeFile(path, { ffmpeg, audio: true });
    const moment = { atSec: 0, video: { stream: 0, fromSec: 0, count: 1 }, audio: { streams: [], lengthSec: 0 } };
    await sampleFile(path, moment, { ffmpeg, container: 'mkv', signal });
    await runHere(ffmpeg, signal)(['-version']);
    const args = ['-i', path, '-c', 'copy', '-y', '-f', 'matroska', join(dir, 'other.mkv')];
    await runFfmpeg({ ffmpeg, args, niceness: 7, graceMs: 1000, signal, onLine: () => undefined });

    const own = getPriority();
    const seen = (await readFile(join(dir, 'niceness'), 'utf8')).trim().split('\n').map(Number);
    expect(seen).to.deep.equal([NICENESS, NICENESS, NICENESS, NICENESS, NICENESS, 7]);
    expect(own).to.be.lessThan(7);
  });
});
