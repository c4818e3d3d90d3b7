import { expect } from 'chai';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSharedFolders, useSharedFolder } from '../../../src/actions/workers/paths.js';
import type { AppError } from '../../../src/domain/errors.js';
import { anItem } from '../../support/builders.js';
import { MACHINE, SEEN_KEY } from '../../support/played-workers.js';
import { startWeb, type WebTest } from '../../support/web.js';

describe('folders that this machine and a worker see', () => {
  let web: WebTest;
  let id: string;
  let root: string;
  beforeEach(async () => {
    [web, root] = await Promise.all([startWeb(), mkdtemp(join(tmpdir(), 'mediaflow-roots-'))]);
    const draft = {
      ...{ name: 'attic', kind: 'ssh' as const, host: 'attic.lan', port: 22, username: 'media', hostKey: SEEN_KEY },
      ...{ scratchDir: '', slots: 1, tags: [], pathMappings: [], hours: [], maxMbps: null, isPaused: false },
      ...{ isDraining: false, disabledReason: null, failuresInRow: 0, capabilities: MACHINE, line: null },
      lastSeenAt: null,
    };
    ({ id } = await web.context.fleet.add(draft, { kind: 'agent' }));
    await web.context.store.settings.change({ paths: { mappings: [{ from: '/share', to: root }] } });
  });
  afterEach(async () => {
    await web.stop();
    await rm(root, { recursive: true, force: true });
  });
  const putFilm = async (): Promise<string> => {
    const localPath = join(root, 'Film', 'film.mkv');
    await mkdir(join(root, 'Film'));
    await writeFile(localPath, 'a film');
    await web.context.store.library.put(anItem({ file: { localPath, sizeBytes: 6 } }));
    return localPath;
  };
  const find = () => findSharedFolders(web.context, { id });
  const failureOf = (work: Promise<unknown>) => work.then(() => null, (error: unknown) => error as AppError); // prettier-ignore

  it('are suggested, taken by one click and proved', async () => {
    await putFilm();
    const there = `/mnt${root}`;
    const suggestion = { here: root, there, agreed: 1, of: 1 };
    expect((await find()).suggestions).to.deep.equal([{ ...suggestion, isProved: false }]);
    expect(web.context.fleet.remote(id).pathMappings, 'a search changes nothing').to.deep.equal([]);
    const { path } = await useSharedFolder(web.context, { id, here: root, there });
    expect(path).to.include({ here: root, there, problem: null }).and.have.property('provedAt').that.is.a('string');
    expect(web.context.fleet.remote(id).pathMappings).to.deep.equal([path]);
    expect((await find()).suggestions).to.deep.equal([{ ...suggestion, isProved: true }]);
  });

  it('are corrected, not listed twice, and say why they are no proof', async () => {
    await useSharedFolder(web.context, { id, here: root, there: '/old' });
    web.played.machine('attic.lan', { sharing: 'It may not write there.' });
    const { path } = await useSharedFolder(web.context, { id, here: root, there: '/new' });
    expect(path).to.deep.equal({ here: root, there: '/new', provedAt: null, problem: 'It may not write there.' });
    expect(web.context.fleet.remote(id).pathMappings).to.deep.equal([path]);
  });

  it('are told apart from look-alikes, and a search that finds nothing is an answer', async () => {
    await putFilm();
    web.played.machine('attic.lan', { search: { seen: [], lookAlikes: 2, isComplete: false } });
    expect(await find()).to.deep.include({ suggestions: [], lookedFor: 1, lookAlikes: 2, isComplete: false });
  });

  it('cannot be looked for without a film that lies here as it was read', async () => {
    expect(await failureOf(find())).to.have.property('code', 'conflict');
    const path = await putFilm();
    await writeFile(path, 'another size');
    expect(await failureOf(find()))
      .to.have.property('message')
      .that.contains('Sync the library first');
    expect(web.asked).not.to.include('find attic.lan');
  });
});
