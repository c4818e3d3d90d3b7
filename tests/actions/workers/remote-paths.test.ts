import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whatLiesOn, withMachines } from '../../../src/actions/workers/remote-paths.js';
import type { AppError } from '../../../src/domain/errors.js';
import { Worker } from '../../../src/domain/workers/worker.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore, type Store } from '../../../src/store/store.js';

const aMachine = (id: string, name: string, hostKey: string | null): Worker =>
  Worker.parse({
    ...{ id, name, hostKey, kind: 'ssh', host: `${id}.local`, username: 'media', authKind: 'key' },
    createdAt: '2026-03-01T00:00:00.000Z',
  });

describe('folders on other machines', () => {
  let dir: string;
  let store: Store;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-far-'));
    store = await openStore({ dir, log: createLog('silent'), now: () => new Date('2026-03-01T00:00:00.000Z') });
    await store.workers.put(aMachine('my-nas', 'My NAS', 'SHA256:abc'));
    await store.workers.put(aMachine('shed', 'Shed', null));
  });
  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  const toOf = (to: string): string | undefined => withMachines({ store }, [{ from: '/share', to }])[0]?.to;
  const refusalOf = (to: string): string => {
    try {
      return `it became ${toOf(to) ?? ''}`;
    } catch (error) {
      return (error as AppError).message;
    }
  };

  it('are known by the name or the id of their machine', () => {
    expect(toOf('/ssh:My NAS/volume1/Films')).to.equal('/ssh:my-nas/volume1/Films');
    expect(toOf('/ssh:MY-NAS/volume1')).to.equal('/ssh:my-nas/volume1');
    expect(toOf('/ssh:my-nas')).to.equal('/ssh:my-nas');
    expect(toOf('/data/media')).to.equal('/data/media');
  });

  it('need a machine that is known and confirmed', () => {
    expect(refusalOf('/ssh:attic/films')).to.match(/there is no worker called attic. Add it under Workers first/);
    expect(refusalOf('/ssh:Shed/films')).to.match(/confirm the host key of Shed/);
  });

  it('keep their machine from being removed', async () => {
    expect(whatLiesOn({ store }, 'my-nas')).to.equal(null);
    await store.quarantine.put({
      ...{ id: 'e', kind: 'replaced', keepItemId: '', jobId: 'j', itemId: 'i', title: 'Film', state: 'kept' },
      ...{ originalPath: '/ssh:my-nas/volume1/f.avi', replacementPath: '/ssh:my-nas/volume1/f.mkv' },
      storedPath: '/ssh:my-nas/volume1/.mediaflow/quarantine/e/f.avi',
      ...{ replacementSha256: '', sizeBytes: 2, replacementSizeBytes: 1, sha256: '', endedAt: null },
      fingerprint: { dev: '1', ino: '1', sizeBytes: 2, mtimeNs: '0', nlink: 1 },
      ...{ keptAt: '2026-03-01T00:00:00.000Z', purgeAt: '2026-04-01T00:00:00.000Z' },
    });
    expect(whatLiesOn({ store }, 'my-nas')).to.match(/^One original is kept there/);
    await store.settings.change({ paths: { mappings: [{ from: '/share/Media', to: '/ssh:my-nas/volume1' }] } });
    expect(whatLiesOn({ store }, 'my-nas')).to.match(/^\/share\/Media of Plex is mapped to it/);
    expect(whatLiesOn({ store }, 'shed')).to.equal(null);
  });
});
