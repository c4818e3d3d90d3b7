import { expect } from 'chai';
import { execa } from 'execa';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFile } from '../../src/ffmpeg/decode.js';
import { inputFile, inputGuards } from '../../src/ffmpeg/inputs.js';
import { measureStreams } from '../../src/ffmpeg/measure.js';
import { probe } from '../../src/ffmpeg/probe.js';
import { sampleFile } from '../../src/ffmpeg/samples.js';
import { streamHashes } from '../../src/ffmpeg/stream-hash.js';

/** Plain files under the name of a film that would have ffmpeg open another one. */
const TRAPS: Readonly<Record<string, { text: string; kind: string }>> = {
  'an HLS playlist': {
    text: `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\nother/film.ts\n#EXT-X-ENDLIST\n${'#'.repeat(100_000)}`,
    kind: 'playlist (hls)',
  },
  'a list of files to be joined': { text: "ffconcat version 1.0\nfile 'other/film.ts'\n", kind: 'playlist (concat)' },
  'a description of a live session': {
    text: 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
    kind: 'playlist (sdp)',
  },
};

describe('files that ffmpeg may open', function () {
  let dir: string;
  let outside: string;
  const { signal } = new AbortController();
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'inputs-'));
    await mkdir(join(dir, 'other'));
    outside = join(dir, 'other', 'film.ts');
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=1', '-f', 'lavfi', '-i', 'sine=d=1'];
    await execa('ffmpeg', ['-nostdin', '-v', 'error', ...picture, '-c:v', 'mpeg2video', outside]);
  });
  after(() => rm(dir, { recursive: true }));

  for (const [name, { text, kind }] of Object.entries(TRAPS)) {
    it(`refuses ${name} by name, wherever one is read`, async () => {
      const path = join(dir, 'trap.mkv');
      await writeFile(path, text);
      const error = await probe(path, { ffprobe: 'ffprobe' }).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'probe_failed');
      expect(error).to.have.property('message').that.includes(kind);

      const measured = await measureStreams(path, { ffprobe: 'ffprobe', signal }).catch((reason: unknown) => reason);
      expect(measured).to.be.instanceOf(Error);
      expect(await streamHashes(path, [0], { ffmpeg: 'ffmpeg', signal })).to.equal(null);
      const decoded = await decodeFile(path, { ffmpeg: 'ffmpeg', audio: true });
      expect(decoded).to.include({ frames: null, lastSec: null });
      expect(decoded.exitCode).not.to.equal(0);
      const moment = { atSec: 0, video: { stream: 0, fromSec: 0, count: 1 }, audio: { streams: [], lengthSec: 0 } };
      const sample = await sampleFile(path, moment, { ffmpeg: 'ffmpeg', container: 'mkv', signal });
      expect(sample.pictures).to.deep.equal([]);
    });
  }

  it('refuses a picture, and a picture that stands for many', async () => {
    const path = join(dir, 'poster%03d.png');
    await execa('ffmpeg', ['-nostdin', '-v', 'error', '-i', outside, '-frames:v', '1', join(dir, 'poster001.png')]);
    await execa('cp', [join(dir, 'poster001.png'), path]);
    await execa('cp', [path, join(dir, 'poster.mkv')]);
    for (const name of ['poster%03d.png', 'poster.mkv']) {
      const error = await probe(join(dir, name), { ffprobe: 'ffprobe' }).catch((reason: unknown) => reason);
      expect(error, name)
        .to.have.property('message')
        .that.matches(/^This is a picture of the kind/);
    }
  });

  it('is opened as what the probe named, not as what it has become since', async () => {
    const path = join(dir, 'changed.mkv');
    await writeFile(path, TRAPS['an HLS playlist']?.text ?? '');
    for (const container of ['mkv', 'mp4', 'mpegts', 'avi']) {
      const { exitCode } = await execa(
        'ffmpeg',
        ['-nostdin', '-v', 'error', ...inputGuards(container), '-i', inputFile(path), '-f', 'null', '-'],
        { reject: false },
      );
      expect(exitCode, container).not.to.equal(0);
    }
    const { container } = await probe(outside, { ffprobe: 'ffprobe' });
    await execa('ffmpeg', ['-v', 'error', ...inputGuards(container), '-i', inputFile(outside), '-f', 'null', '-']);
  });
});
