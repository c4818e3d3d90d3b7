import { expect } from 'chai';
import { workerIdFor } from '../../../src/domain/workers/id.js';

describe('the id of a worker', () => {
  const taken = new Set(['nas', 'nas-2']);
  for (const [name, id] of [
    ['NAS', 'nas-3'],
    ['Attic (GPU)', 'attic-gpu'],
    ['Büro  №1', 'buro-no1'],
    ['日本', 'worker'],
    ['local', 'local-2'],
    ['Own key', 'own-key-2'],
    ['../..', 'worker'],
    ['x'.repeat(60), 'x'.repeat(40)],
  ] as const) {
    it(`of ${name} is ${id}`, () => {
      expect(workerIdFor(name, (each) => taken.has(each))).to.equal(id);
    });
  }
});
