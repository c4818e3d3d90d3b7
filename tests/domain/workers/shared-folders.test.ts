import { expect } from 'chai';
import { pickSamples, suggestPaths, type SampleFile } from '../../../src/domain/workers/shared-folders.js';

const sample = (path: string, sizeBytes = 5): SampleFile => ({ path, sizeBytes });
const ROOTS = ['/data/films', '/data/tv'];

describe('samples for finding shared folders', () => {
  it('are of middle size, from as many folders as there are, of each root', () => {
    const films = Array.from({ length: 9 }, (_, at) => sample(`/data/films/F${at}/f.mkv`, at + 1));
    const tv = [sample('/data/tv/S/1.mkv', 10), sample('/data/tv/S/2.mkv', 11), sample('/data/tv/T/3.mkv', 50)];
    const picked = pickSamples([...films, ...tv, sample('/elsewhere/x.mkv')], ROOTS).map(({ path }) => path);
    expect(picked).to.deep.equal([
      ...['/data/films/F4/f.mkv', '/data/films/F3/f.mkv', '/data/films/F5/f.mkv', '/data/films/F2/f.mkv'],
      ...['/data/tv/S/2.mkv', '/data/tv/T/3.mkv', '/data/tv/S/1.mkv'],
    ]);
  });

  it('leave empty files and empty roots out', () => {
    expect(pickSamples([sample('/data/films/a.mkv', 0)], ROOTS)).to.deep.equal([]);
  });
});

describe('folders that two machines seem to see', () => {
  const samples = ['A/a.mkv', 'B/b.mkv', 'C/c.mkv'].map((path) => sample(`/data/films/${path}`));
  const seen = (...pairs: [string, string][]) => pairs.map(([here, there]) => ({ here, there }));

  it('are as much of the paths as differs, and say how many files agree', () => {
    const found = seen(['/data/films/A/a.mkv', '/mnt/nas/A/a.mkv'], ['/data/films/B/b.mkv', '/mnt/nas/B/b.mkv']);
    expect(suggestPaths(found, samples, ROOTS)).to.deep.equal([
      { here: '/data/films', there: '/mnt/nas', agreed: 2, of: 3 },
    ]);
  });

  it('are never more than a root of the library, even where the paths go on alike', () => {
    const found = seen(['/data/films/A/a.mkv', '/mnt/data/films/A/a.mkv']);
    expect(suggestPaths(found, samples, ROOTS)).to.deep.equal([
      { here: '/data/films', there: '/mnt/data/films', agreed: 1, of: 3 },
    ]);
  });

  it('are those that most files agree on, then the shortest', () => {
    const found = seen(
      ['/data/films/A/a.mkv', '/backup/A/a.mkv'],
      ...samples.flatMap(({ path }): [string, string][] => [
        [path, path.replace('/data/films', '/mnt/a-longer-name')],
        [path, path.replace('/data/films', '/mnt/nas')],
      ]),
    );
    expect(suggestPaths(found, samples, ROOTS)).to.deep.equal([
      { here: '/data/films', there: '/mnt/nas', agreed: 3, of: 3 },
    ]);
  });

  it('are not folders of which one file alone speaks: it may be a copy', () => {
    const alone = seen(['/data/films/A/a.mkv', '/home/me/Downloads/a.mkv']);
    expect(suggestPaths(alone, samples, ROOTS)).to.deep.equal([]);
    const two = [sample('/data/tv/S/1.mkv'), sample('/data/tv/S/2.mkv')];
    const both = two.map(({ path }) => ({ here: path, there: path.replace('/data/tv/S', '/srv/The Show') }));
    expect(suggestPaths(both, two, ROOTS)).to.deep.equal([
      { here: '/data/tv/S', there: '/srv/The Show', agreed: 2, of: 2 },
    ]);
  });

  it('may be a whole disk there', () => {
    expect(suggestPaths(seen(['/data/films/A/a.mkv', '/A/a.mkv']), samples, ROOTS)).to.deep.equal([
      { here: '/data/films', there: '/', agreed: 1, of: 3 },
    ]);
  });
});
