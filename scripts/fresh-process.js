// Runs what `npm run test:fresh` needs, so that nothing of it is left when it ends.
import { spawn } from 'node:child_process';

/** What is wrong with this machine, and what to do. */
export class FreshError extends Error {}

/** Throws what the owner of this machine is to read. */
export function fail(message) {
  throw new FreshError(message);
}

/** Options of `unshare`: mounts and processes of its own, which end with it. */
export const inNamespaces = ['--mount', '--pid', '--fork', '--kill-child'];

const LIMIT_MS = 45 * 60_000;
const running = new Set();

/** Ends whatever runs at once. */
export function endEverything() {
  for (const child of running) child.kill('SIGKILL');
}

/** Runs a program to its end. Its exit code, 127 where there is no such program, and what it said. */
export function capture(command, args, options = {}) {
  return run(command, args, options);
}

/**
 * Runs a program. With `answersAt` it is a server that says its address in a line of that form: it is asked whether it is ready and
 * then ended.
 */
export function run(command, args, { env = process.env, answersAt } = {}) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const result = { code: 127, said: '', isAnswering: false, why: undefined };
  const limit = setTimeout(() => {
    result.why = 'not done in 45 minutes';
    child.kill('SIGKILL');
  }, LIMIT_MS);
  let isAsked = false;
  const hear = (text) => {
    result.said = (result.said + text).slice(-400_000);
    const address = answersAt?.exec(result.said)?.[1];
    if (!address || isAsked) return;
    isAsked = true;
    void isReady(address).then((isAnswering) => {
      result.isAnswering = isAnswering;
      child.kill('SIGKILL');
    });
  };
  for (const stream of [child.stdout, child.stderr])
    stream
      .setEncoding('utf8')
      .on('data', hear)
      .on('error', () => undefined);
  return new Promise((resolve) => {
    const end = (code) => {
      clearTimeout(limit);
      running.delete(child);
      resolve({ ...result, code: code ?? 1 });
    };
    child.once('error', () => end(127));
    child.once('close', end);
  });
}

async function isReady(address) {
  for (let tries = 0; tries < 20; tries++) {
    const answer = await fetch(`${address}/readyz`).catch(() => null);
    if (answer?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return false;
}
