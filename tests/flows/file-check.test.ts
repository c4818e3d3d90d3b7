import { expect } from 'chai';
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { Problem } from '../../src/domain/health/problem.js';
import { Clips } from '../support/clips.js';
import { Stage } from '../support/stage.js';

const clipOf = (seconds: number): string[] => [
  ...['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=25:d=${seconds}`, '-c:v', 'mpeg4', '-q:v', '2'],
];
/** New Year's night: no test runs then. */
const NEVER = '0 0 1 1 *';
const LONG_AGO = new Date('2020-01-01T00:00:00Z');

describe('files behind the back of Plex', () => {
  let clips: Clips;
  let stage: Stage;
  const paths: Record<string, string> = {};

  before(async () => {
    clips = await Clips.open();
  });
  after(() => clips.close());
  beforeEach(async () => {
    stage = await Stage.set({ webhook: false });
    for (const title of ['Same', 'Other'])
      paths[title] = await stage.add(`Films/${title} (2000)/${title}.mkv`, await clips.make('one.mkv', clipOf(1)));
    await stage.plex.scan();
    await stage.startApp();
    await stage.setToWork({ mode: 'recommend' });
    await stage.api('PUT', '/api/settings', { plex: { syncCron: NEVER, fullSyncCron: NEVER } });
    await stage.until('it is read', () => item('Other') !== undefined);
    await stage.until('it is calm', () => stage.app?.context.notifications.status().caughtUpAt !== null);
  });
  afterEach(() => stage.strike());

  const item = (title: string): LibraryItem | undefined =>
    [...(stage.app?.context.store.library.values() ?? [])].find((row) => row.title === title);
  const scans = (): string[] =>
    stage.plex.requests.filter(({ path }) => path.endsWith('/refresh')).map(({ query }) => query['path'] ?? '');
  const problems = async (): Promise<Problem[]> =>
    (await stage.api<{ problems: Problem[] }>('GET', '/api/health')).problems.filter(({ id }) =>
      id.startsWith('files.'),
    );
  const lookAtAll = async (): Promise<void> => {
    await stage.until('a sync can begin', async () => {
      const { status } = await stage.ask('POST', '/api/plex/sync', { mode: 'full' });
      return status === 200;
    });
  };

  it('are noticed when they were exchanged, and Plex is asked to look at that folder', async () => {
    const path = paths['Other'] ?? '';
    const longer = await clips.make('two.mkv', clipOf(2));
    await rm(path);
    await stage.add('Films/Other (2000)/Other.mkv', longer);
    await utimes(path, LONG_AGO, LONG_AGO);
    const { size } = await stat(path);
    expect(await problems()).to.deep.equal([]);
    await lookAtAll();
    const [problem] = await stage.until('health says so', async () => {
      const found = await problems();
      return found.length > 0 ? found : null;
    });
    expect(problem).to.include({ id: 'files.changed', link: `/library/${item('Other')?.id ?? ''}` });
    expect(problem?.summary).to.match(/^1 file changed behind Plex, such as that of Other/);
    await stage.until('the new file is read', () => item('Other')?.files[0]?.sizeBytes === size);
    expect(scans()).to.deep.equal(['/share/Media/Films/Other (2000)']);
    await lookAtAll();
    await stage.until('all is well', async () => (await problems()).length === 0);
  });

  it('that are gone are told, and Plex is not made to forget them', async () => {
    await rm(paths['Other'] ?? '');
    await lookAtAll();
    const [problem] = await stage.until('health says so', async () => {
      const found = await problems();
      return found.length > 0 ? found : null;
    });
    expect(problem?.id).to.equal('files.gone');
    expect(problem?.summary).to.match(/does not find, such as that of Other/);
    expect(scans()).to.deep.equal([]);
    expect(item('Other')?.state).to.equal('present');
  });

  it('that are still being written are left in peace', async () => {
    await writeFile(paths['Other'] ?? '', 'half a film');
    await rm(paths['Same'] ?? '');
    await lookAtAll();
    await stage.until('the other was noticed', async () => (await problems()).length === 1);
    expect((await problems())[0]?.id).to.equal('files.gone');
    expect(scans()).to.deep.equal([]);
  });
});
