import { load } from 'cheerio';
import { expect } from 'chai';
import { AppError } from '../../../src/domain/errors.js';
import type { RemoteExecutor } from '../../../src/domain/jobs/executor.js';
import type { ProvisionStep } from '../../../src/domain/workers/provision.js';
import type { Capabilities } from '../../../src/domain/workers/worker.js';
import { Provisions } from '../../../src/engine/workers/provision.js';
import { provisionWorker, showProvision } from '../../../src/actions/workers/provision.js';
import { MACHINE, SEEN_KEY } from '../../support/played-workers.js';
import { Browser, startWeb, type WebTest } from '../../support/web.js';

const BARE: Capabilities = { ...MACHINE, ffmpegVersion: null, encoders: [] };

describe('installing ffmpeg on a worker', function () {
  this.timeout(180_000);
  let web: WebTest;
  let id: string;
  /** What the played machine tells, and how it ends. */
  let report: (step: ProvisionStep) => void;
  let end: { resolve: (capabilities: Capabilities) => void; reject: (error: Error) => void };
  beforeEach(async () => {
    web = await startWeb();
    const { fleet, store } = web.context;
    web.played.machine('attic.lan', { capabilities: BARE });
    const draft = {
      ...{ name: 'attic', kind: 'ssh' as const, host: 'attic.lan', port: 22, username: 'media', hostKey: SEEN_KEY },
      ...{ scratchDir: '', slots: 1, tags: [], pathMappings: [], hours: [], maxMbps: null, isPaused: false },
      ...{ isDraining: false, disabledReason: null, failuresInRow: 0, capabilities: BARE, line: null },
    };
    ({ id } = await fleet.add({ ...draft, lastSeenAt: null }, { kind: 'agent' }));
    await store.workers.patch(id, { capabilities: BARE });
    const executor = {
      provision: (tell: (step: ProvisionStep) => void) => {
        report = tell;
        return new Promise<Capabilities>((resolve, reject) => (end = { resolve, reject }));
      },
    } as unknown as RemoteExecutor;
    const { bus, log, now } = web.context;
    Object.assign(fleet, { provisions: new Provisions({ store, bus, log, now, remote: () => executor }) });
  });
  afterEach(() => web.stop());
  const settled = async (): Promise<void> => {
    while (web.context.fleet.provisions.of(id)?.finishedAt === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const step = (name: string, state: ProvisionStep['state'], text = '', log = ''): void => {
    report({ name, state, text, log });
  };

  it('is offered where there is none, shows each step once, and keeps what the machine can do then', async () => {
    const owner = new Browser(web.url);
    await owner.signIn();
    const page = async (): Promise<ReturnType<typeof load>> => load((await owner.get(`/workers/${id}`)).text);
    expect((await page())('#provision form button').text().trim()).to.equal('Install ffmpeg');
    const { provision } = await provisionWorker(web.context, { id });
    expect(provision).to.include({ finishedAt: null, error: null });
    step('Look', 'running');
    step('Look', 'done', 'debian on x86_64.');
    step('Download', 'running', '41 MB so far', 'curl <b>said</b>');
    const during = await page();
    expect(
      during('#provision .checks li')
        .toArray()
        .map((row) => during(row).find('b').first().text()),
    ).to.deep.equal(['Look', 'Download']);
    expect(during('#provision pre').text()).to.equal('curl <b>said</b>');
    expect(during('#provision form')).to.have.lengthOf(0);
    end.resolve(MACHINE);
    await settled();
    expect(web.context.store.workers.get(id).capabilities?.ffmpegVersion).to.equal(MACHINE.ffmpegVersion);
    expect((await page())('#provision form')).to.have.lengthOf(0);
  });

  it('runs once at a time, and says why it failed', async () => {
    await provisionWorker(web.context, { id });
    const again = await provisionWorker(web.context, { id }).catch((error: unknown) => error);
    expect(again).to.have.property('code', 'conflict');
    step('Download', 'failed', 'No way there.');
    end.reject(new AppError('worker_unavailable', 'Install it by hand: sudo apt-get install ffmpeg'));
    await settled();
    const { provision } = await showProvision(web.context, { id });
    expect(provision).to.include({ error: 'Install it by hand: sudo apt-get install ffmpeg' });
    expect(provision?.steps).to.deep.equal([{ name: 'Download', state: 'failed', text: 'No way there.', log: '' }]);
    expect(web.context.store.workers.get(id).capabilities?.ffmpegVersion).to.equal(null);
    await provisionWorker(web.context, { id });
    expect(web.context.fleet.provisions.of(id)?.steps).to.deep.equal([]);
    end.resolve(MACHINE);
    await settled();
  });

  it('is nothing for this machine', async () => {
    const error = await provisionWorker(web.context, { id: 'local' }).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'conflict');
    expect(await showProvision(web.context, { id })).to.have.property('provision', null);
  });
});
