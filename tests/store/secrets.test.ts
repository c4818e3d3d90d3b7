import { expect } from 'chai';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppError } from '../../src/domain/errors.js';
import { Secrets } from '../../src/store/secrets.js';

describe('Secrets', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'secrets-'))));
  afterEach(() => rm(dir, { recursive: true }));
  const open = (secretKey?: string): Promise<Secrets> => Secrets.open(dir, secretKey, {});
  const refusal = async (secretKey?: string): Promise<string> => {
    const error = (await open(secretKey).catch((reason: unknown) => reason)) as AppError;
    expect(error).to.have.property('code', 'damaged');
    return error.message;
  };

  it('makes a key file for the owner alone, and closes one that stood open', async () => {
    await open();
    await chmod(join(dir, 'secret.key'), 0o644);
    await open();
    expect((await stat(join(dir, 'secret.key'))).mode & 0o777).to.equal(0o600);
  });

  it('makes the key anew when a crash cut it short before anything was sealed', async () => {
    await writeFile(join(dir, 'secret.key'), 'half');
    await (await open()).set('plexToken', 'abc');
    expect((await open()).find('plexToken')).to.equal('abc');
  });

  it('never makes another key while there are secrets', async () => {
    await (await open()).set('plexToken', 'abc');
    const key = await readFile(join(dir, 'secret.key'));
    await rm(join(dir, 'secret.key'));
    expect(await refusal()).to.contain('missing');
    await writeFile(join(dir, 'secret.key'), key.subarray(0, 10));
    expect(await refusal()).to.contain('too short');
    await writeFile(join(dir, 'secret.key'), key);
    expect((await open()).find('plexToken')).to.equal('abc');
  });

  it('says which key the secrets were written with', async () => {
    await (await open()).set('plexToken', 'abc');
    expect(await refusal('from the environment')).to.contain('Remove that variable');
    await rm(join(dir, 'secrets.json'));
    await (await open('one')).set('plexToken', 'abc');
    expect(await refusal('two')).to.contain('this MEDIAFLOW_SECRET_KEY');
    expect(await refusal()).to.contain(join(dir, 'secret.key'));
    expect((await open('one')).find('plexToken')).to.equal('abc');
  });

  it('refuses to start without the secrets of a damaged file', async () => {
    await (await open()).set('adminPasswordHash', 'abc');
    await writeFile(join(dir, 'secrets.json'), '{"adminPass');
    expect(await refusal()).to.contain('secrets.json');
    expect(await refusal()).to.contain('secrets.json');
  });

  it('notices a value that was changed or put under another name', async () => {
    const secrets = await open();
    await secrets.set('plexToken', 'abc');
    await secrets.set('webhookSecret', 'def');
    const path = join(dir, 'secrets.json');
    const file = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ plexToken: file['webhookSecret'], webhookSecret: file['plexToken'] }));
    await refusal();
  });
});
