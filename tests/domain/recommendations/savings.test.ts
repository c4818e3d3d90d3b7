import { expect } from 'chai';
import fc from 'fast-check';
import type { AudioStream } from '../../../src/domain/library/media.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import { estimateSaving } from '../../../src/domain/recommendations/savings.js';
import { aFile } from '../../support/builders.js';

const preset = (video: object): Preset =>
  Preset.parse({
    id: 'p',
    title: 'P',
    description: 'D',
    container: 'mkv',
    video: { codec: 'hevc', quality: 23, ...video },
    audio: { codec: 'copy' },
  });

describe('estimateSaving', () => {
  it('takes about half of H.264 that fits its picture', () => {
    const file = aFile({ video: { bitrateKbps: 4000 }, bitrateKbps: 4400, sizeBytes: 4e9 });
    const { savesBytes, confidence } = estimateSaving(file, preset({}));
    expect(savesBytes / 4e9).to.be.within(0.35, 0.5);
    expect(confidence).to.equal('medium');
  });

  it('expects more of a file with bits to spare', () => {
    const lean = estimateSaving(aFile({ video: { bitrateKbps: 4000 } }), preset({})).savesBytes;
    expect(estimateSaving(aFile({ video: { bitrateKbps: 40_000 } }), preset({})).savesBytes).to.be.greaterThan(lean);
  });

  it('falls back to 40 % with low confidence', () => {
    const file = aFile({ bitrateKbps: null, video: { codec: 'cinepak', bitrateKbps: null }, sizeBytes: 1000 });
    expect(estimateSaving(file, preset({}))).to.include({ savesBytes: 360, confidence: 'low' });
  });

  it('promises nothing of a remux', () => {
    expect(estimateSaving(aFile(), preset({ codec: 'copy', quality: null })).savesBytes).to.equal(0);
  });

  it('keeps estimate and range inside the file, in order', () => {
    const codec = fc.constantFrom('h264', 'hevc', 'mpeg2video', 'vc1', 'cinepak');
    fc.assert(
      fc.property(
        codec,
        fc.nat(200_000),
        fc.nat(1e11),
        fc.integer({ min: 1, max: 51 }),
        (from, bitrateKbps, sizeBytes, quality) => {
          const saving = estimateSaving(aFile({ sizeBytes, video: { codec: from, bitrateKbps } }), preset({ quality }));
          expect(saving.lowBytes).to.be.within(0, saving.savesBytes);
          expect(saving.highBytes).to.be.within(saving.savesBytes, sizeBytes);
        },
      ),
    );
  });
});

describe('estimateSaving of sound', () => {
  const track = (change: Partial<AudioStream>): AudioStream => ({
    codec: 'truehd',
    channels: 8,
    bitrateKbps: 4000,
    language: null,
    title: null,
    profile: null,
    ...change,
  });
  const toEac3 = Preset.parse({
    ...preset({ codec: 'copy', quality: null }),
    audio: { codec: 'eac3', kbpsPerChannel: 80, maxChannels: 6 },
  });

  it('promises what a lossless track loses when the video is copied', () => {
    const file = aFile({ durationMs: 7_200_000, audio: [track({})] });
    const saving = estimateSaving(file, toEac3);
    expect(saving.savesBytes).to.be.closeTo(((4000 - 480) * 7_200_000) / 8, 1e6);
    expect(saving).to.include({ basis: 'model', confidence: 'medium' });
    const unsure = estimateSaving(aFile({ audio: [track({ bitrateKbps: null })] }), toEac3);
    expect(unsure.confidence).to.equal('low');
    expect(unsure.savesBytes).to.be.greaterThan(1e9);
  });

  it('promises nothing of tracks that stay as they are, or would grow', () => {
    const stays = aFile({
      audio: [
        track({ codec: 'eac3', channels: 6, bitrateKbps: 768 }),
        track({ bitrateKbps: 100, codec: 'mp3', channels: 2 }),
      ],
    });
    expect(estimateSaving(stays, toEac3)).to.include({ savesBytes: 0, basis: 'exact' });
  });

  it('stays inside the file', () => {
    const tracks = fc.array(
      fc.record({
        codec: fc.constantFrom('truehd', 'ac3', 'flac', 'dts'),
        channels: fc.nat(16),
        bitrateKbps: fc.option(fc.nat(20_000)),
      }),
    );
    fc.assert(
      fc.property(tracks, fc.nat(1e10), fc.nat(2e7), fc.boolean(), (audio, sizeBytes, durationMs, copies) => {
        const file = aFile({ sizeBytes, durationMs, audio: audio.map(track) });
        const { lowBytes, savesBytes, highBytes } = estimateSaving(
          file,
          copies ? toEac3 : { ...toEac3, video: preset({}).video },
        );
        expect(lowBytes).to.be.within(0, savesBytes);
        expect(highBytes).to.be.within(savesBytes, sizeBytes);
      }),
    );
  });
});

describe('estimateSaving of a smaller picture', () => {
  it('expects more of a picture that is scaled down', () => {
    const large = aFile({ video: { width: 3840, height: 2160, bitrateKbps: 50_000 } });
    const kept = estimateSaving(large, preset({})).savesBytes;
    expect(estimateSaving(large, preset({ maxHeight: 1080 })).savesBytes).to.be.greaterThan(kept);
    expect(estimateSaving(large, preset({ maxHeight: 2160 })).savesBytes).to.equal(kept);
  });
});
