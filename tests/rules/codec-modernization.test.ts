import rule from '../../rules/codec-modernization.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

ruleTest('codec-modernization', rule, {
  flags: {
    'a DVD rip': {
      item: anItem({ file: { video: { codec: 'mpeg2video', width: 720, height: 576 } } }),
      finding: { kind: 'transcode', preset: 'balanced', severity: 'high' },
    },
    'an XviD film': { item: anItem({ file: { video: { codec: 'mpeg4' } } }), finding: { severity: 'high' } },
    'H.264 above its need': {
      item: anItem(),
      finding: { severity: 'medium', reason: '14 Mbit/s H.264 where 10 Mbit/s is enough' },
    },
    'H.264 at more than twice its need': {
      item: anItem({ file: { video: { bitrateKbps: 25_000 } } }),
      finding: { severity: 'high' },
    },
    'a lower limit': {
      item: anItem({ file: { video: { bitrateKbps: 6000 } } }),
      options: { mbpsAt1080p: 4 },
      finding: { severity: 'medium' },
    },
    'another preset': { item: anItem(), options: { preset: 'my-own' }, finding: { preset: 'my-own' } },
  },
  ignores: {
    'what is already HEVC': { item: anItem({ file: { video: { codec: 'hevc' } } }) },
    'reasonable H.264': { item: anItem({ file: { video: { bitrateKbps: 8000 } } }) },
    'a reasonable 4K bit rate': {
      item: anItem({ file: { video: { width: 3840, height: 2160, bitrateKbps: 39_000 } } }),
    },
    'H.264 when told so': { item: anItem(), options: { h264: false } },
    'a file below the smallest size': {
      item: anItem({ file: { sizeBytes: 1_000_000, video: { codec: 'mpeg4' } } }),
      options: { minSizeMb: 50 },
    },
    'an optimized version': { item: anItem({ file: { optimized: true, video: { codec: 'mpeg4' } } }) },
    'a film in two pieces': { item: anItem({ file: { stackedParts: 2, video: { codec: 'mpeg4' } } }) },
    'Dolby Vision': { item: anItem({ file: { video: { codec: 'h264', bitrateKbps: 90_000, hdr: 'dolby-vision' } } }) },
    'a file that was never analysed': { item: anItem({ file: { video: null } }) },
  },
});
