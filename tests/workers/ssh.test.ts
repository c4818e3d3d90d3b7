import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SshExecutor } from '../../src/workers/ssh.js';
import { Sshd } from '../support/sshd.js';
import { executorContract } from './executor-contract.js';

/** Process ids of ffmpeg runs with a text in their command line. */
async function running(text: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    ids.map(async (id) => ({ id, line: await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '') })),
  );
  return lines.filter(({ line }) => /^[^\0]*ffmpeg\0/.test(line) && line.includes(text)).map(({ id }) => id);
}

describe('over SSH', () => {
  let sshd: Sshd;
  before(async () => (sshd = await Sshd.start()));
  after(() => sshd.close());
  const scratch = (): string => join(sshd.dir, 'scratch');
  const make = async (): Promise<SshExecutor> =>
    new SshExecutor({
      address: {
        ...{ host: sshd.host, port: sshd.port, username: sshd.username, hostKey: await sshd.fingerprint() },
        auth: { kind: 'key', privateKey: sshd.privateKey },
      },
      ...{ scratchDir: scratch(), folderName: 'mediaflow-test', maxMbps: null, pollMs: 100 },
    });

  executorContract('ssh', {
    make,
    running: () => running(scratch()),
    sweep: async () => {
      const executor = await make();
      await executor.sweep([], new AbortController().signal);
      await executor.close();
    },
    leftThere: () => readdir(join(scratch(), 'mediaflow-test', 'jobs')).catch(() => []),
  });
});
