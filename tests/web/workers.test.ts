import { load } from 'cheerio';
import { expect } from 'chai';
import { AppError } from '../../src/domain/errors.js';
import { aJob, aReceipt } from '../support/builders.js';
import { PROCESSOR, SEEN_KEY } from '../support/played-workers.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

interface Answer {
  id: string;
  name: string;
  state: string;
  reason: string | null;
  hostKey: string | null;
  seenHostKey: string | null;
  maxMbps: number | null;
  slots: number;
  running: number;
  tags: string[];
  hours: object[];
  ok: boolean;
  checks: { id: string; ok: boolean | null }[];
  items: { id: string; cpuPercent: number }[];
  metrics: { cpuPercent: number } | null;
  error: { code: string; message: string; fields: Record<string, string> };
}

const PRIVATE = '-----BEGIN OPENSSH PRIVATE KEY-----\nKEY-CANARY\n-----END OPENSSH PRIVATE KEY-----\n';
const DRAFT = { name: 'attic', kind: 'ssh', host: 'attic.lan', username: 'media', auth: { kind: 'agent' } };

describe('workers over HTTP', function () {
  this.timeout(180_000);
  let web: WebTest;
  beforeEach(async () => {
    web = await startWeb();
  });
  afterEach(() => web.stop());

  const api = async (method: string, path: string, body?: object): Promise<{ status: number; json: Answer; text: string }> => {
    const sent = body ? JSON.stringify(body) : '';
    const headers = { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(sent)) };
    const { status, text } = await raw(web.url + path, { method, headers, body: sent });
    return { status, text, json: JSON.parse(text) as Answer };
  }; // prettier-ignore
  const add = async (change: object = {}): Promise<Answer> =>
    (await api('POST', '/api/servers', { ...DRAFT, ...change })).json;
  const untilState = async (id: string, state: string): Promise<Answer> => {
    for (;;) {
      const { json } = await api('GET', `/api/servers/${id}`);
      if (json.state === state) return json;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('are measured with a test film when they are idle, and keep what came out', async () => {
    const { id } = await add({ hostKey: SEEN_KEY });
    await untilState(id, 'online');
    expect((await api('POST', `/api/servers/${id}/speed`)).json).to.nested.include({
      'capabilities.speeds[0].fps': 24,
    });
    await api('POST', `/api/servers/${id}/probe`);
    expect(web.context.store.workers.get(id).capabilities?.speeds[0]?.encoder).to.equal('libx265');
    await web.context.store.jobs.put(aJob({ id: 'j', state: 'running', workerId: id }));
    expect((await api('POST', `/api/servers/${id}/speed`)).json.error.code).to.equal('conflict');
  });

  it('answer this machine first, which is paused, drained, tagged and given hours like any other', async () => {
    const { json } = await api('GET', '/api/servers');
    expect(json).to.nested.include({ total: 1, 'items[0].id': 'local', 'items[0].kind': 'local', 'items[0].hostKey': null });
    const hours = [{ days: [1, 2], from: '22:00', to: '06:00' }];
    const changed = await api('PUT', '/api/servers/local', { slots: 3, name: 'NAS', tags: ['slow'], hours });
    expect(changed.json).to.deep.include({ slots: 3, name: 'NAS', tags: ['slow'], hours });
    expect(web.context.store.settings.value.queue.concurrency).to.equal(3);
    for (const [slots, status] of [[0, 200], [16, 200], [17, 422], [-1, 422]] as const)
      expect((await api('PUT', '/api/servers/local', { slots })).status, String(slots)).to.equal(status);
    for (const [what, state] of [['pause', 'paused'], ['drain', 'draining'], ['resume', 'online']] as const)
      expect((await api('POST', `/api/servers/local/${what}`)).json, what).to.include({ id: 'local', state });
    expect((await api('POST', '/api/servers/local/test')).json).to.deep.include({ ok: true });
    expect((await api('POST', '/api/servers/local/probe')).json).to.have.nested.property('encoders[0].name', 'libx265');
  }); // prettier-ignore

  it('have no address where they are the machine MediaFlow runs on', async () => {
    const wrong = await api('PUT', '/api/servers/local', { host: 'other.lan', slots: 5 });
    expect([wrong.status, Object.keys(wrong.json.error.fields)]).to.deep.equal([422, ['host']]);
    expect((await api('GET', '/api/servers/local')).json.slots, 'nothing of it was done').to.equal(1);
    const body = { hostKey: SEEN_KEY, here: '/a', there: '/b' };
    for (const what of ['benchmark', 'confirm', 'provision', 'find-shared', 'use-shared'])
      expect((await api('POST', `/api/servers/local/${what}`, body)).status, what).to.equal(409);
    expect((await api('DELETE', '/api/servers/local')).status).to.equal(409);
  }); // prettier-ignore

  it('stay unconfirmed, untouched and unused until their host key is confirmed', async () => {
    const made = await add();
    expect(made).to.include({ state: 'unconfirmed', hostKey: null, seenHostKey: SEEN_KEY, slots: 1, running: 0 });
    const test = await api('POST', `/api/servers/${made.id}/test`);
    expect(test.json.checks.map(({ ok }) => ok)).to.deep.equal([false, null, null, null, null]);
    expect(web.asked).to.deep.equal([]);
    const wrong = await api('POST', `/api/servers/${made.id}/confirm`, { hostKey: 'SHA256:another' });
    expect(wrong.status).to.equal(422);
    expect((await api('GET', `/api/servers/${made.id}`)).json.state).to.equal('unconfirmed');
    expect((await api('POST', `/api/servers/${made.id}/confirm`, { hostKey: SEEN_KEY })).json).to.include({ hostKey: SEEN_KEY, seenHostKey: null }); // prettier-ignore
    const online = await untilState(made.id, 'online');
    expect(online).to.nested.include({ 'capabilities.encoders[0].name': 'libx265', 'metrics.cpuPercent': 12, reason: null }); // prettier-ignore
  });

  it('are confirmed at once by the right fingerprint, and not by another', async () => {
    expect(await add({ hostKey: SEEN_KEY })).to.include({ hostKey: SEEN_KEY, seenHostKey: null });
    expect(await add({ host: 'b.lan', hostKey: 'SHA256:x' })).to.include({ hostKey: null, seenHostKey: SEEN_KEY });
  });

  it('are tested, probed, measured, paused, drained, resumed, changed, compared and removed', async () => {
    const { id } = await add({ hostKey: SEEN_KEY, tags: ['gpu'], scratchDir: '/scratch' });
    await untilState(id, 'online');
    const path = `/api/servers/${id}`;
    expect((await api('POST', `${path}/test`, { parts: 'reach,encode,line' })).json).to.deep.include({ ok: true });
    expect((await api('POST', `${path}/probe`)).json).to.include({ cores: 12 });
    expect((await api('POST', `${path}/benchmark`)).json).to.nested.include({ 'line.upMbps': 941 });
    expect(web.asked).to.include.members(['probe attic.lan', 'line attic.lan']);
    expect((await api('GET', `${path}/metrics`)).json.items[0]).to.include({ cpuPercent: 12 });
    for (const [what, state] of [['pause', 'paused'], ['resume', 'online'], ['drain', 'draining'], ['pause', 'paused'], ['drain', 'draining'], ['resume', 'online']] as const)
      expect((await api('POST', `${path}/${what}`)).json.state, what).to.equal(state);
    const hours = [{ days: [1, 5], from: '22:00', to: '06:00' }];
    const changed = await api('PUT', path, { slots: 4, maxMbps: 100, hours, name: 'loft' });
    expect(changed.json).to.deep.include({ slots: 4, maxMbps: 100, hours, name: 'loft', tags: ['gpu'] });
    expect((await api('PUT', path, { maxMbps: null })).json).to.deep.include({ maxMbps: null, slots: 4, hours });
    const pathMappings = [{ here: '/data', there: '/mnt/data' }];
    expect((await api('PUT', path, { pathMappings })).json).to.have.nested.property('pathMappings[0].provedAt').that.is.a('string');
    const shared = await api('POST', `${path}/test`, { parts: 'line' });
    expect(shared.json.checks.at(-1)).to.include({ id: 'paths', ok: true, detail: '/data is /mnt/data there' });
    web.played.machine('attic.lan').sharing = 'attic.lan does not see /mnt/data.';
    const apart = await api('POST', `${path}/test`, { parts: 'line' });
    expect(apart.json.checks.at(-1)).to.include({ id: 'paths', ok: false, detail: 'attic.lan does not see /mnt/data.' });
    expect((await api('PUT', path, { pathMappings: [{ here: '/data', there: '' }] })).status).to.equal(422);
    expect((await api('PUT', path, { pathMappings: [] })).json).to.deep.include({ pathMappings: [] });
    expect((await api('PUT', path, { host: 'a b' })).json.error.fields).to.have.property('host');
    expect((await api('GET', '/api/servers/compare')).json.items.map((one) => one.id)).to.deep.equal(['local', id]);
    await web.context.store.jobs.put(aJob({ id: 'j1', state: 'running', workerId: id }));
    expect((await api('GET', path)).json.running).to.equal(1);
    expect((await api('DELETE', path)).json.error.code).to.equal('conflict');
    await web.context.store.jobs.put(aJob({ id: 'j1', state: 'done', workerId: id }));
    expect((await api('DELETE', path)).json).to.deep.equal({ id, name: 'loft' });
    expect((await api('GET', path)).status).to.equal(404);
    expect(web.context.store.secrets.find(`worker:${id}`)).to.equal(null);
  }); // prettier-ignore

  it('come back into service when the owner says so', async () => {
    const { id } = await add({ hostKey: SEEN_KEY });
    await web.context.store.workers.patch(id, { disabledReason: 'Three jobs failed.', failuresInRow: 3 });
    expect((await api('GET', `/api/servers/${id}`)).json).to.include({
      state: 'disabled',
      reason: 'Three jobs failed.',
    });
    expect((await api('POST', `/api/servers/${id}/enable`)).json).to.include({ reason: null, failuresInRow: 0 });
  });

  it('are refused twice, without an address, and when nobody answers', async () => {
    await add();
    expect((await api('POST', '/api/servers', DRAFT)).status).to.equal(409);
    const empty = await api('POST', '/api/servers', { auth: { kind: 'key', privateKey: ' ' } });
    expect(Object.keys(empty.json.error.fields)).to.include.members(['host', 'username', 'auth.privateKey']);
    web.played.machine('gone.lan', { error: new AppError('worker_unreachable', 'gone.lan does not answer.') });
    const gone = await api('POST', '/api/servers', { ...DRAFT, host: 'gone.lan' });
    expect([gone.status, gone.json.error.message]).to.deep.equal([502, 'gone.lan does not answer.']);
    expect((await api('GET', '/api/servers')).json.items).to.have.length(2);
  });

  it('never answer how to get in, not even to whoever has just sent it', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const auths = [
      { kind: 'key', privateKey: PRIVATE, passphrase: 'PHRASE-CANARY' },
      { kind: 'password', password: 'WORD-CANARY' },
      { kind: 'own' },
    ];
    const answers: string[] = [];
    for (const [at, auth] of auths.entries()) {
      const made = await api('POST', '/api/servers', { ...DRAFT, host: `h${at}.lan`, hostKey: SEEN_KEY, auth });
      answers.push(made.text, (await api('PUT', `/api/servers/${made.json.id}`, { auth })).text);
      for (const path of [`/api/servers/${made.json.id}`, '/api/servers', '/api/servers/compare'])
        answers.push((await api('GET', path)).text);
      answers.push((await api('POST', `/api/servers/${made.json.id}/test`)).text);
      for (const page of ['', '/setup']) answers.push((await browser.get(`/workers/${made.json.id}${page}`)).text);
    }
    answers.push((await api('POST', '/api/servers/key')).text, (await browser.get('/workers')).text);
    const again = { host: 'h0.lan', username: 'media', 'auth[kind]': 'key', 'auth[privateKey]': PRIVATE, 'auth[passphrase]': 'PHRASE-CANARY', 'auth[password]': 'WORD-CANARY' }; // prettier-ignore
    const refused = await browser.post('/workers', again, { Accept: 'text/html' });
    expect(refused.response.status).to.equal(409);
    expect(load(refused.text)('#w-host').val()).to.equal('h0.lan');
    expect(load(refused.text)('#form-error').text()).to.contain('is a worker already');
    answers.push(refused.text, ...web.logged);
    const own = JSON.parse(web.context.store.secrets.find('worker:own-key') ?? '') as { privateKey: string; publicKey: string };
    expect(own.privateKey).to.contain('BEGIN OPENSSH PRIVATE KEY');
    for (const text of answers) expect(text).not.to.match(/CANARY|PRIVATE KEY-----\\?n/);
    expect(answers.some((text) => text.includes(own.publicKey))).to.equal(true);
    const sealed = JSON.parse(web.context.store.secrets.find('worker:attic') ?? '') as object;
    expect(sealed).to.deep.equal({ kind: 'key', privateKey: PRIVATE, passphrase: 'PHRASE-CANARY' });
  }); // prettier-ignore

  it('are added and changed by plain forms', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const added = await browser.post('/workers', { host: 'attic.lan', username: 'media', name: '', port: '', slots: '2', scratchDir: '', 'auth[kind]': 'key', 'auth[privateKey]': PRIVATE.replaceAll('\n', '\r\n').trimEnd(), 'auth[passphrase]': '', 'auth[password]': '' }); // prettier-ignore
    const [worker] = web.context.store.workers.where(({ kind }) => kind === 'ssh');
    const id = worker?.id ?? '';
    expect(added.response.headers.get('location')).to.equal(`/workers/${id}/setup`);
    expect(worker).to.include({ name: 'attic.lan', port: 22, slots: 2, authKind: 'key' });
    const sealed = web.context.store.secrets.find(`worker:${id}`);
    expect(JSON.parse(sealed ?? '')).to.deep.equal({ kind: 'key', privateKey: PRIVATE });
    await browser.post(`/workers/${id}/confirm`, { hostKey: SEEN_KEY });
    const form: [string, string][] = [['name', 'attic'], ['slots', '3'], ['maxMbps', '12,5'], ['tags', 'gpu, upstairs'], ['host', 'attic.lan'], ['port', '22'], ['username', 'media'], ['scratchDir', '/big'], ['auth[kind]', 'keep'], ['auth[privateKey]', ''], ['auth[password]', ''], ['hours[0][days]', '1'], ['hours[0][days]', '2'], ['hours[0][from]', '22:00'], ['hours[0][to]', '06:00'], ['hours[1][days]', '6'], ['hours[1][from]', '08:00'], ['hours[1][to]', '09:00'], ['hours[2][from]', ''], ['hours[2][to]', '']]; // prettier-ignore
    const saved = await browser.post(`/workers/${id}`, form, { Accept: 'text/html' });
    expect(saved.response.headers.get('location')).to.equal(`/workers/${id}`);
    const after = web.context.store.workers.get(id);
    expect(after).to.deep.include({
      name: 'attic',
      slots: 3,
      maxMbps: 12.5,
      tags: ['gpu', 'upstairs'],
      scratchDir: '/big',
    });
    expect(after.hours).to.deep.equal([{ days: [1, 2], from: '22:00', to: '06:00' }, { days: [6], from: '08:00', to: '09:00' }]); // prettier-ignore
    expect(web.context.store.secrets.find(`worker:${id}`)).to.equal(sealed);
    const page = load((await browser.get(`/workers/${id}`)).text);
    expect(page('.hours').length).to.equal(3);
    expect(page('.hours').eq(2).find('input:checked').length).to.equal(0);
    const ticked = page('.hours').eq(0).find('input:checked').toArray().map((box) => page(box).val()); // prettier-ignore
    expect(ticked).to.deep.equal(['1', '2']);
    const cleared = form.filter(([name]) => !/^hours\[[01]\]|tags|maxMbps/.test(name)).concat([['tags', ''], ['maxMbps', ''], ['hours[0][days]', '1'], ['hours[0][from]', ''], ['hours[0][to]', '']]); // prettier-ignore
    await browser.post(`/workers/${id}`, cleared);
    expect(web.context.store.workers.get(id)).to.deep.include({ tags: [], maxMbps: null, hours: [] });
    const odd = await browser.post(`/workers/${id}`, [...form.filter(([name]) => !name.startsWith('hours')), ['hours[0][from]', '22:00'], ['hours[0][to]', '06:00']], { Accept: 'text/html' }); // prettier-ignore
    expect(load(odd.text)('#form-error').text()).to.contain('Hours');
    await browser.post(`/workers/${id}/slots`, { slots: '4' });
    expect(web.context.fleet.remote(id).slots).to.equal(4);
    const checks = await browser.post(`/workers/${id}/test`, { parts: 'reach,encode,line' }, { Accept: 'text/html' });
    expect(load(checks.text)('.proof.ok').length).to.equal(6);
    await browser.post(`/workers/${id}/remove`);
    expect(web.context.store.workers.where(({ kind }) => kind === 'ssh')).to.deep.equal([]);
  });

  it('show on their cards what runs, what failed, and what does not encode', async () => {
    const { id } = await add({ hostKey: SEEN_KEY });
    await untilState(id, 'online');
    const { store } = web.context;
    await store.workers.patch(id, { capabilities: { ...store.workers.get(id).capabilities, encoders: PROCESSOR } as never });
    const at = new Date().toISOString();
    const source = { codec: 'h264', width: 1, height: 1, fps: 24, durationSec: 600 };
    await store.jobs.put(aJob({ id: 'runs', title: 'Thaw', state: 'running', stage: 'encode', percent: 41, workerId: id }));
    await store.jobs.put(aJob({ id: 'went', title: 'Fog', state: 'queued', failedOn: [{ workerId: id, why: 'Its card gave up.' }] }));
    const done = aJob({ id: 'done', state: 'done', workerId: id, finishedAt: at, sizeBeforeBytes: 5e9, sizeAfterBytes: 2e9, encodeMs: 200_000, source });
    await store.jobs.put(done);
    await store.receipts.put(aReceipt(done));
    await store.jobs.put(aJob({ id: 'local', state: 'done', workerId: 'local', finishedAt: at, sizeBeforeBytes: 9e9, sizeAfterBytes: 1e9 }));
    const browser = new Browser(web.url);
    await browser.signIn();
    const page = load((await browser.get('/workers')).text);
    const card = page(`#w-${id}`);
    expect(card.find('.work').text()).to.contain('Thaw').and.to.contain('41 %');
    expect(card.find('.mishaps').text()).to.contain('1 job failed here').and.to.contain('Its card gave up.');
    expect(card.find('.facts').text()).to.contain('1 job').and.to.contain('3 GB').and.to.contain('3× real time');
    expect(card.find('.encs .more').text()).to.contain('4 do not work').and.to.contain('libcuda.so.1');
    expect(card.find('.badge').first().text()).to.equal('Encoding');
  }); // prettier-ignore
});
