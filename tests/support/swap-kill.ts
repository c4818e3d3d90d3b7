import { execa } from 'execa';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import typescript from 'typescript';
import { keepsName } from '../../src/domain/replace/swap.js';
import { Swapper, type SettledSwap } from '../../src/files/swap.js';
import { aScene, contentsOf, hasTwoDevices, realOf, type Scene, type SceneOptions } from './swap-scene.js';

export type Act = 'place' | 'retire' | 'undo' | 'finish' | 'recover';

/** What is done to a scene, and the step at which it breaks off. */
export interface KillPoint {
  options: SceneOptions;
  acts: Act[];
  step: string;
}

/** Ends a swap at a step, with nothing after it carried out. */
export type Breaker = (scene: Scene, acts: Act[], step: string) => Promise<void>;

const STORIES: Act[][] = [
  ['place', 'retire', 'finish'],
  ['place', 'undo', 'finish'],
];

const HERE: readonly SceneOptions['distance'][] = hasTwoDevices ? ['near', 'far'] : ['near'];

/** Every kind of swap there is on this machine, or over these distances. */
function allScenes(distances = HERE): SceneOptions[] {
  const scenes: SceneOptions[] = [];
  for (const distance of distances) {
    scenes.push({ kind: 'replace', naming: 'same', distance }, { kind: 'replace', naming: 'new', distance });
    scenes.push({ kind: 'restore', naming: 'same', distance }, { kind: 'restore', naming: 'new', distance });
    scenes.push({ kind: 'restore', naming: 'gone', distance });
  }
  return scenes;
}

/** Every step of every kind of swap, learnt by doing each once. */
export async function allKillPoints(distances = HERE): Promise<KillPoint[]> {
  const points: KillPoint[] = [];
  for (const options of allScenes(distances)) {
    for (const acts of STORIES) {
      const steps = await stepsOf(options, acts);
      // What precedes `undo` is in the other story already.
      const from = acts.includes('undo') ? steps.indexOf('before:journal-undoing') : 0;
      for (const step of steps.slice(from)) points.push({ options, acts, step });
    }
  }
  return points;
}

/** The steps that these acts come by, in order. */
export async function stepsOf(options: SceneOptions, acts: Act[]): Promise<string[]> {
  const scene = await aScene(options);
  const steps: string[] = [];
  const swapper = new Swapper({ journalDir: scene.journalDir, onStep: (name) => void steps.push(name) });
  for (const act of acts) await perform(swapper, scene, act);
  await scene.remove();
  return [...new Set(steps)];
}

export async function perform(swapper: Swapper, { plan }: Scene, act: Act): Promise<void> {
  if (act === 'place') await swapper.place(plan);
  else if (act === 'recover') await swapper.recover();
  else await swapper[act](plan.id);
}

/** Ends a real process with SIGKILL at the step. `childPath`: see `compileChild`. */
export const byKilling =
  (childPath: string): Breaker =>
  async (scene, acts, step) => {
    const { child, lines, stop } = startChild(childPath, scene, acts, step);
    const said: string[] = [];
    for await (const line of lines) {
      said.push(line);
      if (line === 'reached') break;
    }
    stop();
    const { stderr } = await child;
    if (!said.includes('reached')) throw new Error(`the child did not reach ${step}: ${stderr}`);
  };

/** Ends a real process with SIGKILL at some moment, in the middle of a step or when it is done. */
export const byChance =
  (childPath: string): Breaker =>
  async (scene, acts) => {
    const { child, lines, stop } = startChild(childPath, scene, acts, '');
    for await (const line of lines) if (line === 'begun') break;
    await sleep(Math.random() * 120);
    stop();
    await child;
  };

function startChild(childPath: string, { plan, journalDir }: Scene, acts: Act[], hangAt: string) {
  const child = execa(process.execPath, [childPath], { reject: false, stdin: 'pipe' });
  child.stdin.write(`${JSON.stringify({ plan, journalDir, acts, hangAt })}\n`);
  return { child, lines: createInterface({ input: child.stdout }), stop: () => child.kill('SIGKILL') };
}

/** Turns the child into plain JavaScript once: it then starts six times faster, and there are hundreds of them. Remove `folder` afterwards. */
export async function compileChild(): Promise<{ folder: string; path: string }> {
  const root = resolve(import.meta.dirname, '../..');
  const folder = await mkdtemp(join(tmpdir(), 'swap-child-'));
  const files = ['src/domain', 'src/files', 'src/lib'].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(dir, name)),
  );
  for (const file of [...files, 'tests/support/swap-child.ts']) {
    const { outputText } = typescript.transpileModule(readFileSync(join(root, file), 'utf8'), {
      compilerOptions: { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2023 },
    });
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return { folder, path: join(folder, 'tests/support/swap-child.js') };
}

/** Stands still for ever in this process: what is on disk is the same as after a kill, and it takes no time. */
export const byStandingStill: Breaker = async (scene, acts, step) => {
  await new Promise<void>((resolve, reject) => {
    const swapper = new Swapper({
      journalDir: scene.journalDir,
      onStep: async (name) => {
        if (name !== step) return;
        resolve();
        await new Promise(() => undefined);
      },
    });
    void (async () => {
      for (const act of acts) await perform(swapper, scene, act);
      reject(new Error(`never came to ${step}`));
    })().catch(reject);
  });
};

/** Breaks a swap off, recovers, and says what is wrong; null when nothing is. `breakRecovery`: how recovery itself is broken off first. */
export async function tryPoint(
  point: KillPoint,
  breaker: Breaker,
  breakRecovery: string | null = null,
): Promise<string | null> {
  const scene = await aScene(point.options);
  try {
    const canary = [...(await contentsOf(scene))].find(([path]) => path.endsWith('.srt'));
    await breaker(scene, point.acts, point.step);
    const before = await contentsOf(scene);
    const isNamed = before.has(realOf(scene.plan.sourcePath)) || before.has(realOf(scene.plan.targetPath));
    if (!isNamed && scene.sourceBytes) return 'the name stood empty';
    if (breakRecovery !== null) await byStandingStill(scene, ['recover'], breakRecovery).catch(() => undefined);
    const swapper = new Swapper({ journalDir: scene.journalDir });
    const [settled] = await swapper.recover();
    const problems = await swapper.problems();
    if (problems.length > 0) return `problems: ${problems.map(({ message }) => message).join('; ')}`;
    const rested = await contentsOf(scene);
    const wrong = wrongAt(scene, rested, settled);
    if (wrong !== null) return wrong;
    const [again] = await new Swapper({ journalDir: scene.journalDir }).recover();
    if (again?.state !== settled?.state) return `a second recovery says ${again?.state ?? 'nothing'}`;
    if (!isEqual(rested, await contentsOf(scene))) return 'a second recovery changed the disk';
    return await wrongAfterFinishing(scene, swapper, settled, canary);
  } finally {
    await scene.remove();
  }
}

/** What may lie where, for each state of rest. */
function wrongAt(scene: Scene, seen: Map<string, Buffer>, settled: SettledSwap | undefined): string | null {
  const { plan, sourceBytes, outputBytes } = scene;
  const has = (path: string | null, bytes: Buffer | null): boolean =>
    path !== null && (bytes === null ? !seen.has(realOf(path)) : (seen.get(realOf(path))?.equals(bytes) ?? false));
  // While a restore can still be undone, the replacement waits beside the original.
  const waits = settled?.state === 'placed' && plan.kind === 'restore' && keepsName(plan) ? '.old.part' : null;
  const left = [...seen.keys()].find((path) => path.endsWith('.part') && !(waits !== null && path.endsWith(waits)));
  if (left !== undefined) return `left behind: ${left}`;
  const isUntouched =
    has(plan.sourcePath, sourceBytes) &&
    has(plan.outputPath, outputBytes) &&
    (plan.storedPath === null || has(plan.storedPath, null)) &&
    (keepsName(plan) || has(plan.targetPath, null));
  const stands = has(plan.targetPath, outputBytes);
  const isKept = plan.storedPath === null || has(plan.storedPath, sourceBytes);
  const isDone = stands && isKept && has(plan.outputPath, null);
  const isSourceGone = keepsName(plan) || has(plan.sourcePath, null);
  switch (settled?.state) {
    case 'undone':
      return isUntouched ? null : 'undone, but not as before';
    case 'placed':
      if (!stands || !isKept) return 'placed, but not everything is there';
      return keepsName(plan) || has(plan.sourcePath, sourceBytes) ? null : 'placed, but the old file is gone';
    case 'retired':
      return isDone && isSourceGone ? null : 'retired, but not everything is right';
    case undefined:
      return isUntouched || (isDone && isSourceGone) ? null : 'nothing written down, and half done';
  }
}

async function wrongAfterFinishing(
  scene: Scene,
  swapper: Swapper,
  settled: SettledSwap | undefined,
  canary: [string, Buffer] | undefined,
): Promise<string | null> {
  const { plan } = scene;
  const isDone = settled === undefined && !(await contentsOf(scene)).has(realOf(plan.outputPath));
  if (!isDone) {
    if (settled === undefined || settled.state === 'undone') await swapper.place(plan);
    await swapper.retire(plan.id);
    await swapper.finish(plan.id);
  }
  const seen = await contentsOf(scene);
  const pending = await swapper.pending();
  if (pending.length > 0) return 'still written down after finishing';
  const files = 1 + (plan.storedPath === null ? 0 : 1) + 1;
  if (seen.size !== files) return `${seen.size} files after finishing: ${[...seen.keys()].join(', ')}`;
  if (!seen.get(realOf(plan.targetPath))?.equals(scene.outputBytes))
    return 'the new file does not stand after finishing';
  if (plan.storedPath !== null && !seen.get(realOf(plan.storedPath))?.equals(scene.sourceBytes ?? Buffer.alloc(0))) {
    return 'the original is not kept after finishing';
  }
  return canary && seen.get(canary[0])?.equals(canary[1]) ? null : 'a neighbour was touched';
}

const isEqual = (one: Map<string, Buffer>, other: Map<string, Buffer>): boolean =>
  one.size === other.size && [...one].every(([path, bytes]) => other.get(path)?.equals(bytes) ?? false);

export interface KillResult {
  tried: number;
  wrong: string[];
}

/** Kills a real process at every point (or at those given), two at a time. */
export async function killMatrix(points?: KillPoint[], report?: (tried: number) => void): Promise<KillResult> {
  return tryAll(points ?? (await allKillPoints()), byKilling, report);
}

/** Kills real processes at moments of chance, half-written copies included. */
export async function killAtRandom(count: number, report?: (tried: number) => void): Promise<KillResult> {
  const stories = allScenes().flatMap((options) => STORIES.map((acts) => ({ options, acts, step: 'at some moment' })));
  const points = Array.from({ length: count }, (_, index) => stories[index % stories.length]);
  return tryAll(
    points.filter((point) => point !== undefined),
    byChance,
    report,
  );
}

async function tryAll(
  points: KillPoint[],
  by: (childPath: string) => Breaker,
  report: (tried: number) => void = () => undefined,
): Promise<KillResult> {
  const wrong: string[] = [];
  const { folder, path } = await compileChild();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let point = points[next++]; point; point = points[next++]) {
      const answer = await tryPoint(point, by(path)).catch((error: unknown) => String(error));
      if (answer !== null) wrong.push(`${nameOf(point)}: ${answer}`);
      report(next);
    }
  };
  await Promise.all([work(), work()]);
  await rm(folder, { recursive: true });
  return { tried: points.length, wrong };
}

export const nameOf = ({ options, acts, step }: KillPoint): string =>
  `${options.kind} ${options.naming} ${options.distance}, ${acts.join(' ')}, ${step}`;
