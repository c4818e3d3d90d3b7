import rule from '../../rules/hdr-to-sdr.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { Hdr } from '../../src/domain/library/media.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

const film = (hdr: Hdr, plays = 0, sizeBytes = 12e9): LibraryItem =>
  anItem({ plays, file: { sizeBytes, video: { codec: 'hevc', bitDepth: 10, hdr } } });

ruleTest('hdr-to-sdr', rule, {
  flags: {
    HDR10: {
      item: film('hdr10'),
      finding: {
        kind: 'transcode',
        preset: 'hdr-to-sdr',
        severity: 'low',
        reason: '12 GB of 1080p HDR10, never played; in SDR every player shows it as it is meant',
      },
    },
    HLG: { item: film('hlg', 1), finding: { preset: 'hdr-to-sdr' } },
    'one played as often as allowed': { item: film('hdr10', 3), finding: {} },
    'one played more when told so': { item: film('hdr10', 9), options: { hdrMaxPlays: 9 }, finding: {} },
    'an empty bit rate': { item: anItem({ file: { video: { hdr: 'hdr10', bitrateKbps: null } } }), finding: {} },
  },
  ignores: {
    SDR: { item: film('sdr'), whyNot: /SDR already/ },
    'what a listing does not tell': {
      item: anItem({ file: { detailed: false, video: { hdr: 'sdr' } } }),
      whyNot: /not read/,
    },
    'Dolby Vision of any profile': { item: film('dolby-vision'), whyNot: /Dolby Vision/ },
    'HDR10+': { item: film('hdr10plus'), whyNot: /HDR10\+/ },
    'what is watched': { item: film('hdr10', 4), whyNot: /played 4 times/ },
    'a small file when told so': { item: film('hdr10'), options: { hdrMinSizeGb: 20 }, whyNot: /less than 20 GB/ },
    'an optimized version': { item: anItem({ file: { optimized: true, video: { hdr: 'hdr10' } } }) },
    'a film in two pieces': { item: anItem({ file: { stackedParts: 3, video: { hdr: 'hdr10' } } }) },
    'a file that was never analysed': { item: anItem({ file: { video: null } }), whyNot: /not read/ },
  },
});
