import { expect } from 'chai';
import fc from 'fast-check';
import {
  addWork,
  EncodeSpeeds,
  shareOfWork,
  speedKey,
  speedSampleOf,
  totalTime,
  workKey,
  workOf,
} from '../../../src/domain/recommendations/encode-time.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import { aFile, aJob } from '../../support/builders.js';

const preset = (video: object = {}, audio: object = {}): Preset =>
  Preset.parse({
    id: 'p',
    title: 'P',
    description: 'D',
    container: 'mkv',
    video: { codec: 'hevc', quality: 23, ...video },
    audio: { codec: 'copy', ...audio },
  });
const hevc = preset();
const remux = preset({ codec: 'copy', quality: null });
const film = workOf(aFile(), hevc);

/** Speeds of a worker that took each of these many seconds for `film`. */
function measured(...seconds: number[]): EncodeSpeeds {
  const speeds = new EncodeSpeeds();
  for (const taken of seconds) speeds.add({ workerId: 'local', work: film, seconds: taken });
  return speeds;
}

describe('encode time', () => {
  it('is positive, and grows with the length, the picture and the effort', () => {
    const speeds = new EncodeSpeeds();
    const codec = fc.constantFrom('hevc', 'h264', 'av1');
    fc.assert(
      fc.property(
        codec,
        fc.integer({ min: 1, max: 2e7 }),
        fc.integer({ min: 16, max: 4000 }),
        (to, durationMs, width) => {
          const at = (file: object, video: object = {}): number =>
            speeds.estimate(
              workOf(aFile({ durationMs, video: { width, height: width }, ...file }), preset({ codec: to, ...video })),
              'local',
            ).seconds;
          expect(at({})).to.be.greaterThan(0);
          expect(at({ durationMs: durationMs * 2 })).to.be.closeTo(at({}) * 2, at({}) / 100);
          expect(at({ video: { width: width * 2, height: width } })).to.be.greaterThan(at({}));
          expect(at({}, { speed: 'slow' })).to.be.greaterThan(at({}));
        },
      ),
    );
  });

  it('is guessed, and says so, until two jobs were measured', () => {
    const guess = new EncodeSpeeds().estimate(film, 'local');
    expect(guess).to.include({ confidence: 'low', basis: 'default' });
    expect(measured(100).estimate(film, 'local')).to.deep.equal(guess);
    expect(measured(100, 120).estimate(film, 'local')).to.include({ confidence: 'medium', basis: 'measured' });
    expect(measured(1, 1, 1, 1, 1).estimate(film, 'local').confidence).to.equal('high');
  });

  it('takes the median, so one job that shared the machine does not matter', () => {
    expect(measured(100, 100, 5000).estimate(film, 'local').seconds).to.be.closeTo(100, 1);
    expect(measured(100, 100, 100).estimate(shareOfWork(film, 0.5), 'local').seconds).to.be.closeTo(50, 1);
  });

  it('asks the same encoder at other resolutions, then the machine, and never another worker', () => {
    const speeds = measured(100, 100);
    const small = workOf(aFile({ video: { width: 1280, height: 720 } }), hevc);
    expect(speeds.estimate(small, 'local')).to.include({ confidence: 'medium', basis: 'related' });
    expect(speeds.estimate(small, 'local').seconds).to.be.closeTo((100 * (1280 * 720)) / (1920 * 1080), 1);
    const other = workOf(aFile(), preset({ codec: 'h264' }));
    expect(speeds.estimate(other, 'local')).to.include({ confidence: 'low', basis: 'related' });
    const untouched = new EncodeSpeeds().estimate(other, 'local').seconds;
    const factor = new EncodeSpeeds().estimate(film, 'local').seconds / 100;
    expect(speeds.estimate(other, 'local').seconds).to.be.closeTo(untouched / factor, 1);
    expect(speeds.estimate(film, 'attic').basis).to.equal('default');
  });

  it('counts the pixels of the result when the picture is scaled down', () => {
    const large = { width: 3840, height: 2160 };
    const scaled = workOf(aFile({ video: large }), preset({ maxHeight: 1080 }));
    expect(workKey(scaled)).to.equal('hevc/medium/1080');
    expect(scaled)
      .to.have.property('megapixels')
      .that.is.closeTo(film.kind === 'encode' ? film.megapixels : 0, 1);
  });

  it('takes a copy by its bytes and the sound beside it by its length', () => {
    const seconds = (of: Preset): number => new EncodeSpeeds().estimate(workOf(aFile(), of), 'local').seconds;
    expect(seconds(remux)).to.be.closeTo(150, 1);
    expect(seconds(preset({ codec: 'copy', quality: null }, { codec: 'aac' }))).to.be.closeTo(150 + 6600 / 40, 1);
  });

  it('is the same whether work is added up first or not', () => {
    const speeds = measured(100, 120);
    const both = addWork(film, shareOfWork(film, 0.25));
    expect(speeds.estimate(both, 'local').seconds).to.be.closeTo(speeds.estimate(film, 'local').seconds * 1.25, 0.01);
  });

  it('begins with what the test film took there, until jobs like it were measured', () => {
    const speed = (encoder: string, fps: number) => ({ encoder, isHardware: encoder.includes('_'), fps, at: '' });
    const speeds = new EncodeSpeeds((id) => (id === 'attic' ? [speed('libx265', 10), speed('hevc_nvenc', 300)] : []));
    const pictures = (film.kind === 'encode' ? film.megapixels : 0) / 2.0736;
    expect(speeds.estimate(film, 'attic')).to.deep.include({ basis: 'tested', confidence: 'low' });
    expect(speeds.estimate(film, 'attic').seconds).to.be.closeTo(pictures / 10, 0.1);
    expect(speeds.estimate(film, speedKey('attic', 'hevc_nvenc')).seconds).to.be.closeTo(pictures / 300, 0.1);
    const slow = workOf(aFile(), preset({ speed: 'slow' }));
    expect(speeds.estimate(slow, 'attic').seconds).to.be.closeTo(pictures / 6, 0.1);
    expect(speeds.estimate(slow, speedKey('attic', 'hevc_nvenc')).seconds).to.be.closeTo(pictures / 300, 0.1);
    for (const [work, where] of [[film, 'cellar'], [workOf(aFile(), preset({ codec: 'av1' })), 'attic']] as const)
      expect(speeds.estimate(work, where).basis).to.equal('default');
    for (const seconds of [77, 77]) speeds.add({ workerId: 'attic', work: film, seconds });
    expect(speeds.estimate(film, 'attic')).to.deep.include({ basis: 'measured' });
    expect(speeds.estimate(film, 'attic').seconds).to.be.closeTo(77, 0.1);
  }); // prettier-ignore

  it('assumes a length for a file that does not tell', () => {
    expect(
      new EncodeSpeeds().estimate(workOf(aFile({ durationMs: 0, video: null }), hevc), 'local').seconds,
    ).to.be.greaterThan(60);
  });

  it('of many is as certain as half of its seconds', () => {
    const part = (seconds: number, confidence: 'high' | 'medium' | 'low') =>
      ({ seconds, confidence, basis: 'measured' }) as const;
    expect(totalTime([part(60, 'high'), part(40, 'low')])).to.deep.equal({ seconds: 100, confidence: 'high' });
    expect(totalTime([part(40, 'high'), part(20, 'medium'), part(40, 'low')]).confidence).to.equal('medium');
    expect(totalTime([part(40, 'high'), part(60, 'low')]).confidence).to.equal('low');
    expect(totalTime([])).to.deep.equal({ seconds: 0, confidence: 'low' });
  });
});

describe('speedSampleOf', () => {
  const source = { codec: 'h264', width: 1920, height: 1080, fps: 24, durationSec: 100 };
  const done = aJob({ state: 'done', encodeMs: 50_000, workerId: 'local', source });

  it('measures a finished job', () => {
    const sample = speedSampleOf(done, hevc);
    expect(sample).to.deep.include({ workerId: 'local', seconds: 50 });
    expect(sample?.work).to.deep.include({
      kind: 'encode',
      resolution: '1080',
      megapixels: (1920 * 1080 * 2400) / 1e6,
    });
  });

  it('tells nothing of unfinished jobs, unknown presets, or jobs that do not say how long their film is', () => {
    expect(speedSampleOf({ ...done, state: 'failed' }, hevc)).to.equal(null);
    expect(speedSampleOf(done, null)).to.equal(null);
    expect(speedSampleOf({ ...done, encodeMs: null }, hevc)).to.equal(null);
    const older = aJob({ state: 'done', encodeMs: 50_000, workerId: 'local' });
    expect(speedSampleOf(older, hevc)).to.equal(null);
    expect(speedSampleOf(older, remux)?.work).to.include({ kind: 'copy', bytes: 12e9 });
  });
});
