import { expect } from 'chai';
import { execa } from 'execa';
import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostKeyRefused, seeHostKey, type SshAddress } from '../../src/ssh/connect.js';
import { SshConnection } from '../../src/ssh/connection.js';
import { Sshd } from '../support/sshd.js';

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: unknown) => error,
  );
const never = '/nowhere/at/all';

describe('a connection to a worker', () => {
  let sshd: Sshd;
  let address: SshAddress;
  const open: SshConnection[] = [];

  before(async () => {
    sshd = await Sshd.start({ config: ['MaxSessions 2'] });
    address = {
      ...{ host: sshd.host, port: sshd.port, username: sshd.username },
      hostKey: await sshd.fingerprint(),
      auth: { kind: 'key', privateKey: sshd.privateKey },
    };
  });
  after(() => sshd.close());
  afterEach(() => {
    for (const connection of open.splice(0)) connection.close();
  });
  const connect = async (change: Partial<SshAddress> = {}): Promise<SshConnection> => {
    const connection = await SshConnection.open({ ...address, ...change });
    open.push(connection);
    return connection;
  };

  it('sees the host key as ssh-keygen shows it, and connects only to the one that was confirmed', async () => {
    expect(await seeHostKey(address)).to.equal(await sshd.fingerprint());
    const error = await failureOf(connect({ hostKey: 'SHA256:other' }));
    expect(error).to.be.instanceOf(HostKeyRefused).with.property('seen', address.hostKey);
    expect(error).to.have.property('message').that.contains('another host key');
  });

  it('asks no link-local address, by whichever name it is reached', async () => {
    // Names to us, addresses to whoever looks names up: as a name server's answer may be.
    for (const host of ['0xa9fea9fe', '169.254.43518', '169.254.169.254', 'fe80::1', '::ffff:169.254.169.254']) {
      const error = await failureOf(connect({ host }));
      expect(error, host).to.have.property('code', 'worker_unreachable');
      expect(error, host)
        .to.have.property('message')
        .that.matches(/not a name anybody knows|link-local/);
    }
    expect((await (await connect({ host: 'localhost' })).run('echo here')).stdout).to.equal('here\n');
  });

  it('passes arguments as they are and runs nothing that is in them', async () => {
    const connection = await connect();
    const names = [
      "it's $(touch /tmp/pwned) `x`",
      'a\nb\n',
      '-rf',
      '"; exit 9; "',
      '\\',
      'ä\u{1F600}',
      ' ',
      '%s\t*?[a]',
    ];
    const { ok, stdout } = await connection.run('for x in "$@"; do printf "%s|" "$x"; done', names);
    expect(ok).to.equal(true);
    expect(stdout).to.equal(names.map((name) => `${name}|`).join(''));
    expect((await connection.run('printf %s "$#"', [''])).stdout).to.equal('1');
  });

  it('tells a script that fails from one that could not be run', async () => {
    const connection = await connect();
    const ran = await connection.run('echo no >&2; exit 3');
    expect(ran).to.deep.equal({ ok: false, stdout: '', stderr: 'no\n' });
    const slow = await failureOf(connection.run('exec sleep 30', [], { timeoutMs: 200 }));
    expect(slow).to.have.property('code', 'worker_unreachable');
    const abort = new AbortController();
    const work = failureOf(connection.run('exec sleep 30', [], { signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(await work).to.have.property('message', 'enough');
  });

  it('does one after the other what the server does not allow at once', async () => {
    const connection = await connect();
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) => connection.run('sleep 0.05; echo "$1"', [String(n)])),
    );
    expect(results.map(({ stdout }) => Number(stdout))).to.deep.equal(Array.from({ length: 12 }, (_, n) => n));
  });

  it('notices that the connection is lost, whatever runs', async () => {
    const connection = await connect();
    const work = failureOf(connection.run('exec sleep 30'));
    await connection.run('true');
    let reason = '';
    connection.onLost(({ code }) => (reason = code));
    await sshd.cut();
    expect(await work).to.have.property('code', 'worker_unreachable');
    expect(reason).to.equal('worker_unreachable');
    expect(connection.isOpen).to.equal(false);
    expect(await failureOf(connection.run('true'))).to.have.property('code', 'worker_unreachable');
  });

  it('says what is wrong when it cannot be made', async () => {
    const silent = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'sesame', '-f', join(sshd.dir, 'locked')]);
    const locked = await readFile(join(sshd.dir, 'locked'), 'utf8');
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(sshd.dir, 'stranger')]);
    const mismatch = await readFile(join(sshd.dir, 'stranger'), 'utf8');
    const table: [string, Partial<SshAddress>, string, RegExp][] = [
      ['nobody there', { port: 1 }, 'worker_unreachable', /refuses the connection/],
      ['no SSH server', { port }, 'worker_unreachable', /not as an SSH server/],
      ['no such name', { host: 'no-such-host.invalid' }, 'worker_unreachable', /name|looked up/],
      [
        'a key it does not know',
        { auth: { kind: 'key', privateKey: mismatch } },
        'worker_unauthorized',
        /does not let/,
      ],
      ['a locked key', { auth: { kind: 'key', privateKey: locked } }, 'worker_unauthorized', /passphrase/],
      [
        'a wrong passphrase',
        { auth: { kind: 'key', privateKey: locked, passphrase: 'x' } },
        'worker_unauthorized',
        /does not open/,
      ],
      ['no key', { auth: { kind: 'key', privateKey: 'nonsense' } }, 'worker_unauthorized', /not a private key/],
      ['a password', { auth: { kind: 'password', password: 'very secret' } }, 'worker_unauthorized', /does not let/],
      ['no agent', { auth: { kind: 'agent' }, agentSocket: never }, 'worker_unauthorized', /agent/],
    ];
    for (const [what, change, code, message] of table) {
      const error = await failureOf(connect(change));
      expect(error, what).to.have.property('code', code);
      expect(error, what).to.have.property('message').that.matches(message).and.not.contains('secret');
    }
    expect(await failureOf(connect({ auth: { kind: 'key', privateKey: locked, passphrase: 'sesame' } })))
      .to.have.property('message')
      .that.matches(/does not let/);
    silent.close();
  });
});
