import { expect } from 'chai';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TransferMode } from '../../src/domain/workers/worker.js';
import { SshExecutor } from '../../src/workers/ssh.js';
import { transferFile } from '../support/transferring.js';
import { Clips } from '../support/clips.js';
import { HOSTILE_NAMES, MANY_HOSTILE_NAMES } from '../support/hostile-names.js';
import { Sshd } from '../support/sshd.js';
import { sha256Of } from '../support/stage.js';

/** Every eighth of the best known, or with `ALL_NAMES=1` all there are. */
const NAMES = process.env['ALL_NAMES'] ? MANY_HOSTILE_NAMES : HOSTILE_NAMES.filter((_, at) => at % 8 === 2);
const MODES: readonly TransferMode[] = ['transfer', 'shared', 'stream'];

describe('hostile names on a worker', function () {
  this.timeout(1_600_000);
  let clips: Clips;
  let sshd: Sshd;
  let dir: string;
  let executor: SshExecutor;

  before(async () => {
    [clips, sshd, dir] = await Promise.all([Clips.open(), Sshd.start(), mkdtemp(join(tmpdir(), 'names-'))]);
    executor = new SshExecutor({
      address: {
        ...{ host: sshd.host, port: sshd.port, username: sshd.username, hostKey: await sshd.fingerprint() },
        auth: { kind: 'key', privateKey: sshd.privateKey },
      },
      ...{
        scratchDir: join(sshd.dir, 'scratch'),
        folderName: 'mediaflow-test',
        maxMbps: null,
        pollMs: 50,
        transferFile,
      },
      sharedPaths: () => [{ here: dir, there: dir, provedAt: '2026-01-01', problem: null }],
    });
  });
  after(async () => {
    await executor.close();
    await Promise.all([clips.close(), sshd.close(), rm(dir, { recursive: true })]);
  });

  for (const mode of MODES) {
    it(`${mode}: ${NAMES.length} of them arrive as they are, and none of them is run`, async () => {
      const clip = await clips.get('plain.mkv');
      const before = await sha256Of(clip);
      const sent: string[] = [];
      for (const [at, name] of NAMES.entries()) {
        const folder = join(dir, `${mode}-${at}`);
        await mkdir(folder);
        const input = join(folder, `${name}.mkv`);
        await copyFile(clip, input);
        // Without an encode: what comes back is what came there.
        const args = [...['-y', '-loglevel', 'level+info', '-i'], { file: 'input' } as const];
        const copy = ['-map', '0', '-c', 'copy', '-fflags', '+bitexact', '-f', 'matroska'];
        await executor.encode(
          {
            ...{ jobId: `job-${at}`, workKey: 'k1', mode, input, output: join(folder, 'out.mkv') },
            ...{ scratchDir: folder, logPath: join(folder, 'log'), durationSec: 2 },
            steps: [{ purpose: 'remux', args: [...args, ...copy, { file: 'output' }] }],
          },
          () => undefined,
          new AbortController().signal,
        );
        sent.push(await sha256Of(join(folder, 'out.mkv')));
        expect(await sha256Of(input), name).to.equal(before);
      }
      expect(new Set(sent).size).to.equal(1);
      const all = await readdir(dir, { recursive: true });
      expect(all.filter((path) => path.endsWith('canary'))).to.deep.equal([]);
      const there = await readdir(sshd.dir, { recursive: true });
      expect(there.filter((path) => /canary|jobs\/.+/.test(path))).to.deep.equal([]);
    });
  }
});
