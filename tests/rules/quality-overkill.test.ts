import rule from '../../rules/quality-overkill.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { VideoStream } from '../../src/domain/library/media.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

const UHD = { codec: 'hevc', width: 3840, height: 2160, bitDepth: 10, hdr: 'hdr10', bitrateKbps: 65_000 } as const;
const uhd = (video: Partial<VideoStream> = {}, change: { plays?: number; gb?: number } = {}): LibraryItem =>
  anItem({ plays: change.plays ?? 0, file: { sizeBytes: (change.gb ?? 60) * 1e9, video: { ...UHD, ...video } } });

ruleTest('quality-overkill', rule, {
  flags: {
    'a disc nobody watched': {
      item: uhd(),
      finding: {
        kind: 'transcode',
        preset: 'balanced',
        severity: 'high',
        reason: '60 GB of 4K HDR10 at 65 Mbit/s HEVC, never played; 20 Mbit/s are enough',
      },
    },
    'one at both limits': { item: uhd({}, { plays: 2, gb: 30 }), finding: { severity: 'medium' } },
    'HLG as well': { item: uhd({ hdr: 'hlg' }), finding: { kind: 'transcode' } },
    'a wide picture': { item: uhd({ width: 3840, height: 1600 }), finding: { kind: 'transcode' } },
    'one whose bit rate only the file tells': {
      item: anItem({ file: { sizeBytes: 60e9, bitrateKbps: 70_000, video: { ...UHD, bitrateKbps: null } } }),
      finding: { kind: 'transcode' },
    },
    'one whose bit rate only size and length tell': {
      item: anItem({ file: { sizeBytes: 60e9, bitrateKbps: null, audio: [], video: { ...UHD, bitrateKbps: null } } }),
      finding: { kind: 'transcode' },
    },
    'a smaller one when told so': { item: uhd({}, { gb: 12 }), options: { overkillMinSizeGb: 10 }, finding: {} },
    'one often played when told so': { item: uhd({}, { plays: 9 }), options: { overkillMaxPlays: 10 }, finding: {} },
  },
  ignores: {
    'a byte less than the limit': {
      item: anItem({ file: { sizeBytes: 30e9 - 1, video: UHD } }),
      whyNot: /less than 30 GB/,
    },
    'what is watched': { item: uhd({}, { plays: 3 }), whyNot: /played 3 times/ },
    'SDR in 4K': { item: uhd({ hdr: 'sdr' }), whyNot: /not HDR/ },
    'HDR in 1080p': { item: uhd({ width: 1920, height: 1080 }), whyNot: /smaller than 4K/ },
    'Dolby Vision': { item: uhd({ hdr: 'dolby-vision' }), whyNot: /Dolby Vision/ },
    'HDR10+': { item: uhd({ hdr: 'hdr10plus' }), whyNot: /HDR10\+/ },
    'a very long film that has few bits': { item: uhd({ bitrateKbps: 18_000 }), whyNot: /not more than/ },
    'one with many small pictures a second': { item: uhd({ bitrateKbps: 45_000, fps: 60 }), whyNot: /50 Mbit/ },
    'a file of no known bit rate': {
      item: anItem({
        file: { sizeBytes: 60e9, bitrateKbps: null, durationMs: 0, video: { ...UHD, bitrateKbps: null } },
      }),
      whyNot: /does not tell/,
    },
    'an optimized version': { item: anItem({ file: { sizeBytes: 60e9, optimized: true, video: UHD } }) },
    'a film in two pieces': { item: anItem({ file: { sizeBytes: 60e9, stackedParts: 2, video: UHD } }) },
    'a file that was never analysed': { item: anItem({ file: { sizeBytes: 60e9, video: null } }), whyNot: /not read/ },
    'an empty file': { item: uhd({}, { gb: 0 }) },
  },
});
