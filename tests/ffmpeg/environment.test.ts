import { expect } from 'chai';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeClip, STREAMS } from '../../src/demo/clips.js';
import { readMedia } from '../../src/demo/plex/read-file.js';
import { decodeFile } from '../../src/ffmpeg/decode.js';
import { measureStreams } from '../../src/ffmpeg/measure.js';
import { probe } from '../../src/ffmpeg/probe.js';
import { findProgram } from '../../src/ffmpeg/program.js';
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

  /** The real program behind one that notes its environment. */
  const watched = async (program: string): Promise<string> => {
    const path = join(dir, program);
    const real = await findProgram(program);
    await writeFile(path, `#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ >>'${dir}/seen'\nexec ${real} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  };

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
});
