import { expect } from 'chai';
import fc from 'fast-check';
import { isInside, localRootOf, toLocalPath, toServerPath } from '../../../src/domain/settings/paths.js';

const mappings = [
  { from: '/share/TV', to: '/data/tv' },
  { from: '/share/TV/Kids/', to: '/kids' },
  { from: 'O:\\Media', to: '/mnt/o' },
];

describe('path mapping', () => {
  const cases: [string, string | null][] = [
    ['/share/TV/Show/a.mkv', '/data/tv/Show/a.mkv'],
    ['/share/TV', '/data/tv'],
    ['/share/TV2/a.mkv', null],
    ['/share/TV/Kids/b.mkv', '/kids/b.mkv'],
    ['o:\\media\\Films\\c.mkv', '/mnt/o/Films/c.mkv'],
    ['/share/TV/../secret', null],
    ['', null],
  ];
  for (const [server, local] of cases) {
    it(`maps ${JSON.stringify(server)} to ${String(local)}`, () => {
      expect(toLocalPath(server, mappings)).to.equal(local);
    });
  }

  it('goes there and back for any name', () => {
    const name = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((text) => !text.includes('/') && !text.includes('\0') && text !== '..' && text !== '.');
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (parts) => {
        const server = `/share/TV/${parts.join('/')}`;
        const local = toLocalPath(server, [{ from: '/share/TV', to: '/data/tv' }]);
        expect(toServerPath(local ?? '', [{ from: '/share/TV', to: '/data/tv' }])).to.equal(server);
      }),
    );
  });

  it('knows the folder that bounds a file', () => {
    expect(localRootOf('/kids/b.mkv', mappings)).to.equal('/kids');
    expect(localRootOf('/etc/passwd', mappings)).to.equal(null);
    expect(isInside('/data/tv2/x', '/data/tv')).to.equal(false);
  });
});
