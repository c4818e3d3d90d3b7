import rule from '../../rules/container-modernize.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

ruleTest('container-modernize', rule, {
  flags: {
    'an AVI file': {
      item: anItem({ file: { path: '/share/a.avi' } }),
      finding: { kind: 'remux', preset: 'remux', severity: 'low' },
    },
    'any case of the extension': { item: anItem({ file: { path: '/share/a.WMV' } }), finding: { kind: 'remux' } },
    'a recording': {
      item: anItem({ file: { path: '/share/a.ts' } }),
      finding: { reason: 'A .ts file; the same streams in Matroska seek faster and hold subtitles' },
    },
  },
  ignores: {
    Matroska: { item: anItem() },
    'a folder that ends like a container': { item: anItem({ file: { path: '/share/films.avi/a.mkv' } }) },
    'recordings when told so': {
      item: anItem({ file: { path: '/share/a.ts' } }),
      options: { transportStreams: false },
    },
    'a film in two pieces': { item: anItem({ file: { path: '/share/a.avi', stackedParts: 2 } }) },
  },
});
