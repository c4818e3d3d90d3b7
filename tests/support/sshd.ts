import { execa } from 'execa';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SshdOptions {
  /** What a login finds its programs in. */
  path?: string;
  /** Programs that the machine does not have; only where this user may mount. */
  without?: readonly string[];
  /** More lines of `sshd_config`. */
  config?: readonly string[];
}

/** A real OpenSSH server on a port of its own, with throw-away keys, that lets the user of this process in. */
export class Sshd {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly username = userInfo().username;
  /** Of the client, in OpenSSH's format. */
  readonly privateKey: string;
  readonly dir: string;
  readonly #options: SshdOptions;
  #process: ChildProcess | null = null;

  private constructor(dir: string, port: number, privateKey: string, options: SshdOptions) {
    this.dir = dir;
    this.port = port;
    this.privateKey = privateKey;
    this.#options = options;
  }

  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-sshd-'));
    await chmod(dir, 0o755);
    await keyAt(join(dir, 'client'));
    await writeFile(join(dir, 'authorized_keys'), await readFile(join(dir, 'client.pub')), { mode: 0o644 });
    const sshd = new Sshd(dir, await freePort(), await readFile(join(dir, 'client'), 'utf8'), options);
    await sshd.changeHostKey();
    await sshd.listen();
    return sshd;
  }

  /** `SHA256:...` of the key it shows. */
  async fingerprint(): Promise<string> {
    const { stdout } = await execa('ssh-keygen', ['-lf', join(this.dir, 'host.pub')]);
    return stdout.split(' ')[1] ?? '';
  }

  /** As after a new installation, or as somebody who pretends to be it. Counts from the next `listen`. */
  async changeHostKey(): Promise<void> {
    await rm(join(this.dir, 'host'), { force: true });
    await keyAt(join(this.dir, 'host'));
  }

  /** Serves until `stop`; connections that stand are not touched by a later `stop`. */
  async listen(): Promise<void> {
    const lines = [
      `ListenAddress ${this.host}:${this.port}`,
      `HostKey ${join(this.dir, 'host')}`,
      `AuthorizedKeysFile ${join(this.dir, 'authorized_keys')}`,
      `PidFile ${join(this.dir, 'pid')}`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'StrictModes no',
      'UseDNS no',
      'LogLevel FATAL',
      'MaxStartups 100',
      'Subsystem sftp internal-sftp',
      // As in a shell within a shell: what the user's own start-up files do, and how long that takes, is not what is tested.
      `SetEnv SHLVL=2${this.#options.path === undefined ? '' : ` PATH=${this.#options.path}`}`,
      ...(this.#options.config ?? []),
    ];
    await writeFile(join(this.dir, 'config'), `${lines.join('\n')}\n`);
    await mkdir('/run/sshd', { recursive: true });
    const serve = ['/usr/sbin/sshd', '-D', '-e', '-f', join(this.dir, 'config')];
    const hidden = this.#options.without ?? [];
    // In a world of its own in which these files are no programs.
    const hide = 'while [ "$1" != -- ]; do mount --bind /dev/null "$1" || exit 1; shift; done; shift; exec "$@"';
    const [program = '', ...args] =
      hidden.length === 0 ? serve : ['unshare', '-m', 'sh', '-c', hide, 'sh', ...hidden, '--', ...serve];
    this.#process = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await this.#untilHeard();
  }

  /** Of the process that starts all others. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** No new connections from now on. */
  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running?.exitCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }

  /** Ends the processes that serve standing connections, as when the machine is switched off. */
  async cut(): Promise<void> {
    const { stdout } = await execa('pgrep', ['-P', String(this.pid)], { reject: false });
    for (const pid of stdout.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }

  async close(): Promise<void> {
    await this.cut();
    await this.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  async #untilHeard(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (await isHeard(this.host, this.port)) return;
      await sleep(25);
    }
    throw new Error('sshd did not start');
  }
}

async function keyAt(path: string): Promise<void> {
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path]);
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const isHeard = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
    socket.once('close', () => {
      resolve(false);
    });
  });
