import { expect } from 'chai';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Swapper } from '../../src/files/swap.js';
import {
  allKillPoints,
  byStandingStill,
  killMatrix,
  nameOf,
  stepsOf,
  tryPoint,
  type KillPoint,
} from '../support/swap-kill.js';
import { aScene, contentsOf } from '../support/swap-scene.js';

/** How many real processes are killed here; `npm run test:kill` takes every point. */
const KILLS = 26;

const every = (points: KillPoint[], count: number): KillPoint[] =>
  points.filter(
    (_, index) => Math.floor((index * count) / points.length) !== Math.floor(((index - 1) * count) / points.length),
  );

async function wrongOf(points: KillPoint[], breakRecovery: string | null = null): Promise<string[]> {
  const wrong: string[] = [];
  for (const point of points) {
    const answer = await tryPoint(point, byStandingStill, breakRecovery);
    if (answer !== null) wrong.push(`${nameOf(point)}: ${answer}`);
  }
  return wrong;
}

describe('a swap that is broken off', function () {
  this.timeout(180_000);
  let points: KillPoint[];
  before(async () => {
    // After a step that only looks, the disk is as it was before it.
    points = (await allKillPoints()).filter(({ step }) => /^after:(?!hash|check|recheck|sync)/.test(step));
  });

  it(`loses nothing when its process is killed, at ${KILLS} points`, async () => {
    const { tried, wrong } = await killMatrix(every(points, KILLS));
    expect(tried).to.be.at.least(24);
    expect(wrong).to.deep.equal([]);
  });

  it('loses nothing at any step on one disk', async () => {
    expect(await wrongOf(points.filter(({ options }) => options.distance === 'near'))).to.deep.equal([]);
  });

  it('loses nothing between two disks', async () => {
    expect(
      await wrongOf(
        every(
          points.filter(({ options }) => options.distance === 'far'),
          30,
        ),
      ),
    ).to.deep.equal([]);
  });

  it('loses nothing when recovery is broken off too', async () => {
    for (const [naming, step] of [
      ['same', 'after:link-original'],
      ['same', 'after:rename-onto-target'],
      ['new', 'after:link-target'],
    ] as const) {
      const point: KillPoint = { options: { kind: 'replace', naming, distance: 'near' }, acts: ['place'], step };
      const scene = await aScene(point.options);
      await byStandingStill(scene, point.acts, step);
      const steps: string[] = [];
      await new Swapper({ journalDir: scene.journalDir, onStep: (name) => void steps.push(name) }).recover();
      await scene.remove();
      expect(steps).not.to.be.empty;
      for (const name of steps.filter((each) => each.startsWith('after:'))) {
        expect(await tryPoint(point, byStandingStill, name), `${step}, then ${name}`).to.equal(null);
      }
    }
    const undoing = await stepsOf({ kind: 'replace', naming: 'same', distance: 'near' }, ['place', 'undo']);
    const half: KillPoint = {
      options: { kind: 'replace', naming: 'same', distance: 'near' },
      acts: ['place', 'undo'],
      step: 'after:undo-stage-old',
    };
    for (const name of undoing.filter((each) => each.startsWith('after:undo'))) {
      expect(await tryPoint(half, byStandingStill, name), `undo, then ${name}`).to.equal(null);
    }
  });

  it('clears away half a copy', async () => {
    const scene = await aScene({ kind: 'replace', naming: 'same', distance: 'far' });
    await byStandingStill(scene, ['place'], 'before:link-original');
    const { targetPath, storedPath } = scene.plan;
    for (const folder of [dirname(targetPath), dirname(storedPath ?? '')]) {
      await writeFile(join(folder, '.mediaflow-job-1.copy.part'), 'half');
    }
    const [settled] = await new Swapper({ journalDir: scene.journalDir }).recover();
    expect(settled?.state).to.equal('undone');
    expect([...(await contentsOf(scene)).keys()].filter((path) => path.endsWith('.part'))).to.deep.equal([]);
    await scene.remove();
  });

  it('waits for a disk that is not there, and says so', async () => {
    const scene = await aScene({ kind: 'replace', naming: 'same', distance: 'near' });
    await byStandingStill(scene, ['place'], 'after:rename-onto-target');
    const folder = dirname(scene.plan.targetPath);
    await rename(folder, `${folder}.away`);
    const swapper = new Swapper({ journalDir: scene.journalDir });
    expect(await swapper.recover()).to.deep.equal([]);
    const [problem] = await swapper.problems();
    expect(problem?.id).to.equal('job-1');
    expect(problem?.message).to.include('mounted');
    await rename(`${folder}.away`, folder);
    expect((await swapper.recover()).map(({ state }) => state)).to.deep.equal(['placed']);
    expect(await swapper.problems()).to.deep.equal([]);
    await scene.remove();
  });

  it('sets a damaged note aside and touches nothing', async () => {
    const scene = await aScene({ kind: 'replace', naming: 'same', distance: 'near' });
    await byStandingStill(scene, ['place'], 'after:link-original');
    await writeFile(join(scene.journalDir, 'job-1.json'), '{"version":1,"plan":{');
    const seen = await contentsOf(scene);
    const swapper = new Swapper({ journalDir: scene.journalDir });
    expect(await swapper.recover()).to.deep.equal([]);
    expect((await swapper.problems())[0]?.message).to.include('job-1.json.damaged');
    expect(await contentsOf(scene)).to.deep.equal(seen);
    const error = await swapper.place(scene.plan).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'damaged');
    await scene.remove();
  });
});
