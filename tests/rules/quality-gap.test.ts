import rule from '../../rules/quality-gap.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { VideoStream } from '../../src/domain/library/media.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

const film = (video: Partial<VideoStream>, id = '01234567-101'): LibraryItem =>
  anItem({ id, ratingKey: id, title: `Film ${id}`, guid: `plex://movie/${id}`, file: { id: `f-${id}`, video } });
/** So many other films of one kind. */
const others = (count: number, video: Partial<VideoStream>): LibraryItem[] =>
  Array.from({ length: count }, (_, n) => film(video, `other-${n}`));

ruleTest('quality-gap', rule, {
  flags: {
    'a poor copy among good ones': {
      item: film({ bitrateKbps: 1000 }),
      library: others(9, { bitrateKbps: 9000 }),
      finding: {
        kind: 'search',
        preset: null,
        severity: 'medium',
        reason:
          '1 Mbit/s H.264 is 12 % of the 8.2 Mbit/s that 1080p files here have on average; look for a better version',
      },
    },
    'one that is a little below the limit': {
      item: film({ bitrateKbps: 3000 }),
      library: others(99, { bitrateKbps: 8000 }),
      finding: { severity: 'low' },
    },
    'HEVC, in fair terms': {
      item: film({ codec: 'hevc', bitrateKbps: 1000 }),
      library: others(9, { bitrateKbps: 9000 }),
      finding: {
        reason:
          '1 Mbit/s HEVC, worth 1.8 Mbit/s of H.264, is 21 % of the 8.3 Mbit/s that 1080p files here have on average; look for a better version',
      },
    },
    'an old codec that only seems to have enough': {
      item: film({ codec: 'mpeg2video', width: 720, height: 576, bitrateKbps: 1500 }),
      library: others(9, { width: 720, height: 576, bitrateKbps: 2500 }),
      finding: { kind: 'search' },
    },
    'HEVC among HEVC': {
      item: film({ codec: 'hevc', bitrateKbps: 1000 }),
      library: others(9, { codec: 'hevc', bitrateKbps: 4000 }),
      finding: { kind: 'search' },
    },
    'Dolby Vision, which nobody would encode': {
      item: film({ bitrateKbps: 1000, hdr: 'dolby-vision' }),
      library: others(9, { bitrateKbps: 9000 }),
      finding: { preset: null },
    },
    'more when told so': {
      item: film({ bitrateKbps: 6000 }),
      library: others(9, { bitrateKbps: 9000 }),
      options: { qualityGapBitratePct: 90 },
      finding: {},
    },
  },
  ignores: {
    'HEVC with half the bits, which is as good': {
      item: film({ codec: 'hevc', bitrateKbps: 3000 }),
      library: others(99, { bitrateKbps: 9000 }),
      whyNot: /5\.4 Mbit\/s in terms of H\.264 are 60 % of the average/,
    },
    'another resolution': {
      item: film({ width: 1280, height: 720, bitrateKbps: 1000 }),
      library: others(9, { bitrateKbps: 9000 }),
      whyNot: /too few files in 720p/,
    },
    'a library too small for an average': {
      item: film({ bitrateKbps: 100 }),
      library: others(3, { bitrateKbps: 9000 }),
      whyNot: /too few/,
    },
    'what has enough': { item: film({ bitrateKbps: 4000 }), library: others(9, { bitrateKbps: 9000 }) },
    'an unknown bit rate': { item: film({ bitrateKbps: null }), library: others(9, {}), whyNot: /does not tell/ },
    'a bit rate of zero': { item: film({ bitrateKbps: 0 }), library: others(9, {}), whyNot: /does not tell/ },
    'an unknown codec': {
      item: film({ codec: 'vvc', bitrateKbps: 100 }),
      library: others(9, {}),
      whyNot: /VVC.*not known/,
    },
    'no codec at all': { item: film({ codec: '', bitrateKbps: 100 }), library: others(9, {}), whyNot: /not known/ },
    'an optimized version': {
      item: anItem({ file: { optimized: true, video: { bitrateKbps: 100 } } }),
      library: others(9, {}),
    },
    'a film in two pieces': {
      item: anItem({ file: { stackedParts: 2, video: { bitrateKbps: 100 } } }),
      library: others(9, {}),
    },
    'a file that was never analysed': { item: anItem({ file: { video: null } }), library: others(9, {}) },
  },
});
