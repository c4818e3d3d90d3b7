import { expect } from 'chai';
import { readFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SwapPlan } from '../../src/domain/replace/swap.js';
import { fingerprint } from '../../src/files/fingerprint.js';
import { Swapper } from '../../src/files/swap.js';
import { HOSTILE_NAMES } from '../support/hostile-names.js';
import { aScene, NEW, OLD, sha256 } from '../support/swap-scene.js';

/** A media server does not list the hidden ones; the disk takes them all. */
const NAMES = [...HOSTILE_NAMES, '...', '.hidden', '..double', '.mediaflow', '.mediaflow-job-1.part.x'];

/** Replaces a film of that name, then restores it, and looks at every byte. */
async function thereAndBack(name: string, naming: 'same' | 'new'): Promise<void> {
  const label = `${JSON.stringify(name)}, ${naming} name`;
  const scene = await aScene({
    kind: 'replace',
    naming,
    distance: 'near',
    oldName: `${name}.avi`,
    newName: `${name}.mkv`,
  });
  const { plan } = scene;
  const swapper = new Swapper({ journalDir: scene.journalDir });
  const placed = await swapper.place(plan);
  await swapper.retire(plan.id);
  await swapper.finish(plan.id);
  expect(await readFile(plan.targetPath), label).to.deep.equal(NEW);
  const stored = plan.storedPath ?? '';
  expect(await readFile(stored), label).to.deep.equal(OLD);
  const back: SwapPlan = {
    kind: 'restore',
    id: 'entry-1',
    sourcePath: plan.targetPath,
    targetPath: plan.sourcePath,
    outputPath: stored,
    storedPath: null,
    sourceFingerprint: await fingerprint(plan.targetPath),
    outputSha256: placed.sourceSha256,
    outputSizeBytes: OLD.length,
  };
  await swapper.place(back);
  await swapper.retire(back.id);
  await swapper.finish(back.id);
  expect(sha256(await readFile(plan.sourcePath)), label).to.equal(sha256(OLD));
  const names = await readdir(dirname(plan.sourcePath));
  expect(names.sort(), label).to.deep.equal([`${name}.avi`, 'neighbour.srt'].sort());
  await scene.remove();
}

describe('file names', function () {
  this.timeout(180_000);

  it(`survive replace and restore, ${NAMES.length} of them, byte for byte`, async () => {
    expect(NAMES.length).to.be.greaterThan(60);
    for (let first = 0; first < NAMES.length; first += 8) {
      const some = NAMES.slice(first, first + 8);
      await Promise.all(some.map((name, index) => thereAndBack(name, index % 2 === 0 ? 'same' : 'new')));
    }
  });

  it('keeps two films apart whose names differ only in how an accent is written', async () => {
    const scene = await aScene({
      kind: 'replace',
      naming: 'new',
      distance: 'near',
      oldName: 'Amélie.mkv'.normalize('NFC'),
      newName: 'Amélie.mkv'.normalize('NFD'),
    });
    const swapper = new Swapper({ journalDir: scene.journalDir });
    const { plan } = scene;
    await swapper.place(plan);
    await swapper.retire(plan.id);
    expect(await readFile(plan.targetPath)).to.deep.equal(NEW);
    expect(await readdir(dirname(plan.targetPath))).to.have.members([
      plan.targetPath.split('/').at(-1),
      'neighbour.srt',
    ]);
    await scene.remove();
  });
});
