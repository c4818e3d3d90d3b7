import rule from '../../rules/storage-optimization.js';
import { anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

const library = (count: number, sizeBytes: number) =>
  Array.from({ length: count }, (_, n) => anItem({ id: `other-${n}`, file: { sizeBytes } }));

ruleTest('storage-optimization', rule, {
  flags: {
    'the largest file': {
      item: anItem({ file: { sizeBytes: 40e9 } }),
      library: library(30, 30e9),
      finding: { preset: 'storage-saver', severity: 'high', reason: 'Number 1 of the largest files: 40 GB in h264' },
    },
    'the twentieth': {
      item: anItem({ file: { sizeBytes: 25e9 } }),
      library: library(19, 30e9),
      finding: { severity: 'medium' },
    },
    'a smaller limit': { item: anItem(), options: { storageOptMinSizeGb: 10 }, finding: { severity: 'high' } },
  },
  ignores: {
    'the twenty-first': { item: anItem({ file: { sizeBytes: 25e9 } }), library: library(20, 30e9) },
    'what is small': { item: anItem() },
    'what is efficient': { item: anItem({ file: { sizeBytes: 60e9, video: { codec: 'hevc' } } }) },
    'a copy for small devices': { item: anItem({ file: { sizeBytes: 60e9, optimized: true } }) },
  },
});
