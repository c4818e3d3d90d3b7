import { AppError, toAppError } from '../domain/errors.js';
import { waysFor, type Way } from '../domain/workers/provision.js';
import type { Capabilities } from '../domain/workers/worker.js';
import { FACTS, readFacts } from '../ssh/provision-scripts.js';
import { endJob, lookAtStep, makeJob } from '../ssh/remote-job.js';
import { installBuild } from './provision-build.js';
import {
  END_MS,
  ProvisionMachine,
  refusal,
  type Ground,
  type SshProvisionParts,
  type Tried,
} from './provision-machine.js';
import { installPackage } from './provision-package.js';
import { StepLog } from './provision-steps.js';

const TITLES: Readonly<Record<Way['kind'], string>> = {
  static: 'Use a static build',
  package: 'Use the package of the system',
};

/** Puts an ffmpeg that works for films on a worker: the best way first, and what is there stays until something better is proved. */
export class SshProvision {
  readonly #parts: SshProvisionParts;
  readonly #steps: StepLog;
  readonly #machine: ProvisionMachine;

  constructor(parts: SshProvisionParts) {
    this.#parts = parts;
    this.#steps = new StepLog(parts.report);
    this.#machine = new ProvisionMachine(parts, this.#steps);
  }

  /**
   * Resolves with what the machine is and can do now. Throws `worker_unavailable` with what to do by hand, or what
   * `ReconnectingSsh.persist` throws. Nothing is left of the attempt, but for a package manager that is at work: it is never ended.
   */
  async run(signal: AbortSignal): Promise<Capabilities> {
    const described = await this.#parts.describe(signal);
    const driver = described.gpus.find((card) => /^\d+\.\d/.test(card.driver ?? ''))?.driver ?? null;
    const ground = await this.#look(driver, signal);
    const result = ({ ffmpegVersion, encoders }: Tried): Capabilities => ({
      ...described,
      speeds: [],
      ffmpegVersion,
      encoders,
    });
    if (ground.before?.verdict.level === 'good') {
      this.#steps.skip('Install ffmpeg', 'There is nothing to do.');
      return result(ground.before);
    }
    await this.#open(ground.dir, signal);
    try {
      return result(await this.#install(ground, signal));
    } finally {
      await this.#clear(ground.dir);
    }
  }

  async #look(driver: string | null, signal: AbortSignal): Promise<Ground> {
    const { ground } = this.#parts;
    const machine = this.#machine;
    const facts = await this.#steps.step('Inspect the worker', async () => {
      const ran = await machine.run(FACTS, [], signal);
      const found = readFacts(ran.stdout, driver);
      if (!found) throw refusal(`${machine.host} does not report its system.`, ran.stderr);
      const card = driver === null ? '' : `, with NVIDIA driver ${driver}`;
      const text = `${found.families[0] ?? found.system} on ${found.machine}${card}.`;
      return { value: found, text, log: ran.stdout };
    });
    return this.#steps.step('Look for ffmpeg', async (talk) => {
      const { root, ffmpeg, renderNodes } = await ground(signal);
      const dir = `${root}/provision`;
      const known: Ground = { facts, root, dir, renderNodes, before: null, hasOwn: ffmpeg === `${root}/bin/ffmpeg` };
      if (ffmpeg === null) return { value: known, text: 'There is none.' };
      try {
        const before = await machine.try(ffmpeg, known, talk, signal);
        return { value: { ...known, before }, text: `${ffmpeg}, ${before.ffmpegVersion}. ${before.verdict.text}` };
      } catch (error) {
        signal.throwIfAborted();
        const refused = toAppError(error);
        if (refused.code !== 'worker_unavailable') throw refused;
        return { value: known, text: `${ffmpeg} cannot be used. ${refused.message}` };
      }
    });
  }

  /** Nothing of an earlier attempt is in the way, and none is still at work. */
  async #open(dir: string, signal: AbortSignal): Promise<void> {
    const { line } = this.#parts;
    if (await this.#isInstalling(dir, signal)) {
      const { host } = this.#machine;
      const text = `The package manager of ${host} is still busy with an earlier attempt. Try again when it is done.`;
      throw new AppError('worker_unavailable', text);
    }
    await line.persist((connection) => endJob(connection, dir, signal), signal);
    await line.persist((connection) => makeJob(connection, dir, signal), signal);
  }

  async #install(ground: Ground, signal: AbortSignal): Promise<Tried> {
    const { ways, closed, byHand } = waysFor(ground.facts);
    const machine = this.#machine;
    for (const { kind, why } of closed) this.#steps.skip(TITLES[kind], why);
    const reasons = closed.map(({ why }) => why);
    for (const way of ways) {
      try {
        if (way.kind === 'static') return await installBuild(machine, way.target, ground, signal);
        return await installPackage(machine, way, ground, signal);
      } catch (error) {
        signal.throwIfAborted();
        const known = toAppError(error);
        if (known.code !== 'worker_unavailable' && known.code !== 'no_space') throw known;
        reasons.push(known.message);
      }
    }
    const stays = ground.before === null ? '' : ' What was there before is there still.';
    const advice = `Install it by hand, then test the worker again: ${byHand}`;
    throw new AppError(
      'worker_unavailable',
      `MediaFlow could not install ffmpeg on ${machine.host}. ${reasons.join(' ')}${stays} ${advice}`,
    );
  }

  async #isInstalling(dir: string, signal: AbortSignal): Promise<boolean> {
    const { state } = await this.#parts.line.persist(
      (connection) => lookAtStep(connection, { dir, step: 'install', logBytes: 0 }, signal),
      signal,
    );
    return state.kind === 'running' || state.kind === 'starting';
  }

  async #clear(dir: string): Promise<void> {
    const signal = AbortSignal.timeout(END_MS);
    try {
      if (await this.#isInstalling(dir, signal)) return;
      const connection = await this.#parts.line.shared(signal);
      await endJob(connection, dir, signal);
    } catch {
      // The worker is away; the next attempt begins with that.
    }
  }
}
