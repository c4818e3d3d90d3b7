import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SMALL_HEAP, SMALL_STORES } from '../../bench/child.js';

const root = join(import.meta.dirname, '..', '..');
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('how the program is started', () => {
  it('is the same by npm, in the container and in benchmarks', () => {
    const [npm, image] = [textOf('scripts/run.js'), textOf('Dockerfile')];
    for (const flag of SMALL_HEAP) {
      expect(npm).to.contain(`'${flag}'`);
      expect(image).to.contain(`"${flag}"`);
    }
    for (const [name, value] of Object.entries(SMALL_STORES)) {
      expect(npm).to.contain(`${name}: '${value}'`);
      expect(image).to.contain(`${name}=${value}`);
    }
  });
});
