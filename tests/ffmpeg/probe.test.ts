import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mainVideo } from '../../src/domain/jobs/probe.js';
import { probe } from '../../src/ffmpeg/probe.js';

const options = { ffprobe: 'ffprobe' };

describe('probe', function () {
  let dir: string;
  before(async () => (dir = await mkdtemp(join(tmpdir(), 'probe-'))));
  after(() => rm(dir, { recursive: true }));

  const make = async (name: string, ...args: string[]): Promise<string> => {
    const path = join(dir, name);
    const input = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=1', '-f', 'lavfi', '-i', 'sine=d=1'];
    await execa('ffmpeg', ['-nostdin', '-v', 'error', ...input, ...args, '-y', path]);
    return path;
  };
  const failure = async (path: string): Promise<unknown> => probe(path, options).catch((error: unknown) => error);

  it('sees container, streams, languages and flags', async () => {
    const path = await make(
      'a.mkv',
      '-c:v',
      'mpeg4',
      '-c:a',
      'aac',
      '-metadata:s:a:0',
      'language=fre',
      '-disposition:a:0',
      'default',
    );
    const seen = await probe(path, options);
    expect(seen).to.include({ container: 'mkv', chapters: 0, hdr: 'sdr', dolbyVisionProfile: null });
    expect(seen.durationSec).to.be.closeTo(1, 0.1);
    expect(mainVideo(seen)).to.include({
      codec: 'mpeg4',
      width: 320,
      height: 180,
      bitDepth: 8,
      fps: 25,
      variableFrameRate: false,
      interlaced: false,
    });
    const audio = seen.streams.find(({ kind }) => kind === 'audio');
    expect(audio).to.include({ codec: 'aac', language: 'fre', channels: 1 });
    expect(audio?.flags).to.include('default');
  });

  it('reads HDR10 with its mastering data', async () => {
    const x265 =
      'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:repeat-headers=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400';
    const path = await make(
      'hdr.mkv',
      '-an',
      '-frames:v',
      '5',
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p10le',
      '-x265-params',
      x265,
    );
    const seen = await probe(path, options);
    expect([seen.hdr, mainVideo(seen)?.bitDepth]).to.deep.equal(['hdr10', 10]);
    expect(seen.mastering).to.deep.equal({
      display: 'G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)',
      lightLevel: '1000,400',
    });
  });

  it('reads a name that looks like a protocol or an option', async () => {
    const path = await make('b.mkv', '-c:v', 'mpeg4');
    for (const name of ['-i concat:x.mkv', 'http:%2d.mkv', 'line\nbreak.mkv']) {
      await writeFile(join(dir, name), await readFile(path));
      expect((await probe(join(dir, name), options)).container).to.equal('mkv');
    }
  });

  it('says what is wrong with a broken file', async () => {
    await writeFile(join(dir, 'empty.mkv'), '');
    await writeFile(join(dir, 'text.mkv'), 'this is a shopping list\n'.repeat(50));
    const whole = await readFile(await make('cut.mp4', '-c:v', 'mpeg4'));
    await writeFile(join(dir, 'cut.mp4'), whole.subarray(0, Math.floor(whole.length * 0.6)));
    const cases: [string, string, RegExp][] = [
      ['empty.mkv', 'probe_failed', /empty \(0 bytes\)/],
      ['text.mkv', 'probe_failed', /no media/],
      ['cut.mp4', 'probe_failed', /cut off/],
      ['missing.mkv', 'file_missing', /not where it was/],
    ];
    for (const [name, code, message] of cases) {
      const error = await failure(join(dir, name));
      expect(error, name).to.have.property('code', code);
      expect(error, name).to.have.property('message').that.matches(message);
    }
  });

  it('names the program when it is missing', async () => {
    const path = await make('c.mkv', '-c:v', 'mpeg4');
    const error = await probe(path, { ffprobe: join(dir, 'no-ffprobe') }).catch((reason: unknown) => reason);
    expect(error).to.have.property('message').that.contains('MEDIAFLOW_FFPROBE');
  });
});
