import { AppError } from '../domain/errors.js';
import { buildsFor, buildsIn, isBetter, type Build } from '../domain/workers/provision.js';
import { DOWNLOAD, PLACE, PUT_BACK, SHOW, UNPACK } from '../ssh/provision-scripts.js';
import { hashOf, makeJob } from '../ssh/remote-job.js';
import { versionOf } from '../ffmpeg/encoders.js';
import { END_MS, inMegabytes, refusal, type Ground, type ProvisionMachine, type Tried } from './provision-machine.js';

/** An archive and what is in it, beside what lies there already. Bytes. */
const NEEDED_BYTES = 700e6;
const LIST_MS = 180_000;

/**
 * Puts a static build into our own folder: one that suits the driver, whose checksum is the release's, and that passed its test
 * encodes. Before that nothing is changed. Throws `worker_unavailable`, `no_space` and what `ReconnectingSsh.persist` throws.
 */
export async function installBuild(
  machine: ProvisionMachine,
  target: 'linux64' | 'linuxarm64',
  ground: Ground,
  signal: AbortSignal,
): Promise<Tried> {
  const builds = await listed(machine, target, ground, signal);
  const { before } = ground;
  let best: Tried | null = null;
  for (const build of builds) {
    const tried: Tried = await bring(machine, build, ground, signal);
    if (isBetter(tried.verdict, (best ?? before)?.verdict ?? null)) best = tried;
    // An older build asks less of the driver.
    if (tried.verdict.trouble !== 'old-driver') break;
  }
  if (best === null) throw refusal('No build of ffmpeg does better than the one that is there.');
  return place(machine, best, ground, signal);
}

async function listed(
  machine: ProvisionMachine,
  target: 'linux64' | 'linuxarm64',
  { facts }: Ground,
  signal: AbortSignal,
): Promise<readonly Build[]> {
  const { releaseUrl } = machine.parts;
  return machine.steps.step('Ask for builds of ffmpeg', async () => {
    const ran = await machine.run(SHOW, [`${releaseUrl}/checksums.sha256`], signal, LIST_MS);
    if (!ran.ok) throw refusal('The builds of ffmpeg cannot be reached from there.', ran.stderr);
    const builds = buildsFor(buildsIn(ran.stdout, target), facts.driver);
    const [first] = builds;
    if (!first) throw refusal(`${releaseUrl} lists no build for this machine.`);
    return { value: builds, text: `ffmpeg ${first.line} suits this machine.`, log: ran.stdout };
  });
}

/** Loads a build into the folder of this attempt, and tries it there. */
async function bring(
  machine: ProvisionMachine,
  { line: version, name, sha256 }: Build,
  ground: Ground,
  signal: AbortSignal,
): Promise<Tried> {
  const { steps, host } = machine;
  const { line, releaseUrl } = machine.parts;
  const { dir } = ground;
  const archive = `${name}.tar.xz`;
  await steps.step(`Download ffmpeg ${version}`, async (talk) => {
    const free = await line.persist((connection) => makeJob(connection, dir, signal), signal);
    if (free < NEEDED_BYTES) {
      const text = `The work disk of ${host} has ${inMegabytes(free)} free; a build of ffmpeg needs ${inMegabytes(NEEDED_BYTES)}.`;
      throw new AppError('no_space', text);
    }
    const step = `download-${version}`;
    await machine.long({ dir, step }, [DOWNLOAD, step, `${releaseUrl}/${archive}`, archive], talk, signal);
    return { value: undefined, text: 'It is there.' };
  });
  await steps.step(`Compare the checksum of ffmpeg ${version}`, async () => {
    const seen = await line.persist((connection) => hashOf(connection, dir, archive, signal), signal);
    const log = `${sha256}  as listed\n${seen}  as it arrived\n`;
    if (seen !== sha256)
      throw refusal(`The download is not the build that the release lists: ${seen} instead of ${sha256}.`);
    return { value: undefined, text: 'It is the build that the release lists.', log };
  });
  return steps.step(`Try ffmpeg ${version}`, async (talk) => {
    await machine.long({ dir, step: `unpack-${version}` }, [UNPACK, name], talk, signal);
    const tried = await machine.try(`${dir}/${name}.ffmpeg`, ground, talk, signal);
    return { value: tried, text: tried.verdict.text };
  });
}

/** Where every later search finds it first; what was there before is put back when it is not found so, or does not run. */
async function place(
  machine: ProvisionMachine,
  chosen: Tried,
  { root, hasOwn }: Ground,
  signal: AbortSignal,
): Promise<Tried> {
  return machine.steps.step('Put it in its place', async () => {
    try {
      await machine.must(PLACE, [root, chosen.path], signal);
      const { ffmpeg } = await machine.parts.ground(signal);
      if (ffmpeg !== `${root}/bin/ffmpeg`) throw refusal(`${root}/bin/ffmpeg is not found there.`);
      await versionOf(machine.parts.ffmpegAt(ffmpeg, signal), 'It does not run in its place.');
      return { value: { ...chosen, path: ffmpeg }, text: `${ffmpeg}. ${chosen.verdict.text}` };
    } catch (error) {
      await machine.must(PUT_BACK, [root, hasOwn ? '' : 'none'], AbortSignal.timeout(END_MS));
      throw error;
    }
  });
}
