import { expect } from 'chai';
import { AppError, type ErrorCode } from '../../../src/domain/errors.js';
import { testWorker } from '../../../src/actions/workers/workers.js';
import { MACHINE, SEEN_KEY, type PlayedMachine } from '../../support/played-workers.js';
import { startWeb, type WebTest } from '../../support/web.js';

const failing = (code: ErrorCode, message: string): Partial<PlayedMachine> => ({ error: new AppError(code, message) });
const NOTHING = [{ name: 'libx265', works: false, tenBit: false, error: 'Unknown encoder', device: null }];

/** What is wrong -> which check says so, and what its fix has to name. */
const TROUBLES: Record<string, [Partial<PlayedMachine>, string, RegExp]> = {
  'nobody answers': [failing('worker_unreachable', 'attic.lan does not answer.'), 'reach', /nc -vz attic\.lan 2222/],
  'another host key': [failing('worker_host_key', 'It shows another host key.'), 'reach', /Compare its host key/],
  'a wrong key': [failing('worker_unauthorized', 'attic.lan does not let it in.'), 'signIn', /ssh-add -l/],
  'no shell': [failing('worker_unavailable', 'attic.lan does not say how it is.'), 'folder', /ordinary shell/],
  'no ffmpeg': [{ capabilities: { ...MACHINE, ffmpegVersion: null, encoders: [] } }, 'ffmpeg', /apt install ffmpeg/],
  'no encoder': [{ capabilities: { ...MACHINE, encoders: NOTHING } }, 'encode', /full build/],
};
const ORDER = ['reach', 'signIn', 'folder', 'ffmpeg', 'encode', 'line'];

describe('testing a worker', () => {
  let web: WebTest;
  let id: string;
  beforeEach(async () => {
    web = await startWeb();
    const draft = {
      ...{ name: 'attic', kind: 'ssh' as const, host: 'attic.lan', port: 2222, username: 'media', hostKey: SEEN_KEY },
      ...{ scratchDir: "/it's big", slots: 1, tags: [], pathMappings: [], hours: [], maxMbps: null, isPaused: false },
      ...{
        isDraining: false,
        disabledReason: null,
        failuresInRow: 0,
        capabilities: null,
        line: null,
        lastSeenAt: null,
      },
    };
    ({ id } = await web.context.fleet.add(draft, { kind: 'agent' }));
  });
  afterEach(() => web.stop());
  const test = (parts: ('reach' | 'encode' | 'line')[] = ['reach', 'encode', 'line'], chain?: 'yes') =>
    testWorker(web.context, { id, parts, ...(chain ? { chain } : {}) });

  for (const [name, [change, at, fix]] of Object.entries(TROUBLES)) {
    it(`${name}: the check that fails says how to mend it, and what comes after is not tried`, async () => {
      web.played.machine('attic.lan', change);
      const { ok, checks } = await test();
      expect(ok).to.equal(false);
      expect(checks.map((check) => check.id)).to.deep.equal(ORDER);
      const bad = ORDER.indexOf(at);
      expect(checks.map((check) => check.ok)).to.deep.equal(ORDER.map((_, n) => (n < bad ? true : n === bad ? false : null)));
      const given = checks[bad]?.fix;
      expect([given?.text, ...(given?.commands ?? [])].join('\n')).to.match(fix);
    }); // prettier-ignore
  }

  it('names a work folder that cannot be used, with commands that no name gets into', async () => {
    const played = web.played.machine('attic.lan');
    const { fleet, store } = web.context;
    await store.workers.patch(id, { capabilities: MACHINE });
    fleet.measurements.probe = () =>
      Promise.reject(new AppError('worker_unavailable', 'attic.lan gives no work folder: no.'));
    const { checks } = await test();
    expect(played.error).to.equal(null);
    expect(checks[2]).to.deep.include({ id: 'folder', ok: false, detail: 'attic.lan gives no work folder: no.' });
    expect(checks[2]?.fix?.commands[0]).to.equal("sudo mkdir -p '/it'\\''s big' && sudo chown media '/it'\\''s big'");
  });

  it('goes from part to part when a page asks, and stops at the first failure', async () => {
    expect(await test(['reach'], 'yes')).to.deep.include({ ok: true, next: 'encode' });
    expect(await test(['encode'], 'yes')).to.deep.include({ ok: true, next: 'line' });
    expect(await test(['line'], 'yes')).to.deep.include({ ok: true, next: null });
    web.played.machine('attic.lan', failing('worker_unreachable', 'Gone.'));
    const { next, checks } = await test(['encode'], 'yes');
    expect(next).to.equal(null);
    expect(checks.find((check) => check.id === 'reach')).to.include({ ok: false, detail: 'Gone.' });
    expect(checks.at(-1)).to.include({ id: 'line', ok: null });
  });

  it('waits for the test that a machine is in already, and does not ask for another', async () => {
    const { fleet } = web.context;
    let finish = (): void => undefined;
    web.played.machine('nuc.lan', { until: new Promise<void>((resolve) => (finish = resolve)) });
    const { name, ...rest } = fleet.remote(id);
    ({ id } = await fleet.add({ ...rest, name: `${name} 2`, host: 'nuc.lan', capabilities: null }, { kind: 'agent' }));
    const probes = (): number => web.asked.filter((what) => what === 'probe nuc.lan').length;
    while (probes() === 0) await new Promise(setImmediate);
    const asked = test(['encode']);
    finish();
    expect(await asked).to.include({ ok: true });
    expect(probes()).to.equal(1);
    expect(await test(['encode'])).to.include({ ok: true });
    expect(probes()).to.equal(2);
  });

  it('shows the line to paste when MediaFlow’s own key is not let in', async () => {
    await web.context.store.secrets.set('worker:own-key', JSON.stringify({ privateKey: 'p', publicKey: 'ssh-ed25519 AAAA mediaflow' })); // prettier-ignore
    await web.context.store.secrets.set(`worker:${id}`, JSON.stringify({ kind: 'key', privateKey: 'p' }));
    web.played.machine('attic.lan', failing('worker_unauthorized', 'No.'));
    const { checks } = await test();
    expect(checks[1]?.fix?.commands[0]).to.contain("echo 'ssh-ed25519 AAAA mediaflow' >> ~/.ssh/authorized_keys");
    await web.context.store.secrets.set(`worker:${id}`, JSON.stringify({ kind: 'key', privateKey: 'another' }));
    expect((await test()).checks[1]?.fix?.commands.join()).not.to.contain('AAAA');
  });
});
