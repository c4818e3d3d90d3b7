import rule from '../../rules/batch-similar.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { VideoStream } from '../../src/domain/library/media.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

const HD = { codec: 'h264', width: 1280, height: 720 };
const film = (video: Partial<VideoStream>, n = 0): LibraryItem =>
  anItem({ id: `film-${n}`, title: `Film ${n}`, guid: `plex://movie/${n}`, file: { id: `f-${n}`, video } });
const many = (count: number, video: Partial<VideoStream>): LibraryItem[] =>
  Array.from({ length: count }, (_, n) => film(video, n + 1));

ruleTest('batch-similar', rule, {
  flags: {
    'five of a kind': {
      item: film(HD),
      library: many(4, HD),
      finding: {
        kind: 'transcode',
        preset: 'balanced',
        severity: 'low',
        reason: '5 H.264 files in 720p could be queued together',
      },
    },
    'hundreds of them': {
      item: film(HD),
      library: many(311, HD),
      finding: { severity: 'medium', reason: '312 H.264 files in 720p could be queued together' },
    },
    'thousands of them': { item: film(HD), library: many(1000, HD), finding: { severity: 'high' } },
    'a few when told so': { item: film(HD), library: many(1, HD), options: { batchMinGroupSize: 2 }, finding: {} },
    'an old codec': {
      item: film({ codec: 'mpeg2video', width: 720, height: 576, bitrateKbps: null }),
      library: many(9, { codec: 'mpeg2video', width: 704, height: 576 }),
      finding: { reason: '10 MPEG-2 files in 576p could be queued together' },
    },
  },
  ignores: {
    'four of a kind': {
      item: film(HD),
      library: many(3, HD),
      whyNot: /holds 4 of H\.264 in 720p; a batch begins at 5/,
    },
    'the same codec in other resolutions': { item: film(HD), library: many(9, { codec: 'h264' }), whyNot: /holds 1 / },
    'what is efficient': { item: film({ codec: 'hevc' }), library: many(9, { codec: 'hevc' }), whyNot: /efficient/ },
    'AV1 and VP9': { item: film({ codec: 'av1' }), library: many(9, { codec: 'av1' }), whyNot: /efficient/ },
    'a codec nobody knows': { item: film({ codec: 'vvc' }), library: many(9, { codec: 'vvc' }), whyNot: /VVC/ },
    'no codec at all': { item: film({ codec: '' }), library: many(9, { codec: '' }), whyNot: /unknown/ },
    'Dolby Vision': {
      item: film({ hdr: 'dolby-vision' }),
      library: many(9, { hdr: 'dolby-vision' }),
      whyNot: /no rule may encode/,
    },
    'optimized versions': { item: anItem({ file: { optimized: true } }), library: [] },
    'a file that was never analysed': { item: anItem({ file: { video: null } }), whyNot: /not read/ },
  },
});
