import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config.js';

describe('readConfig', () => {
  it('has defaults for everything', () => {
    expect(readConfig({})).to.include({ port: 9876, host: '0.0.0.0', urlBase: '', apiKey: null });
  });

  it('reads a value from a file and trims one newline', () => {
    const dir = mkdtempSync(join(tmpdir(), 'config-'));
    writeFileSync(join(dir, 'token'), 'abc\n');
    expect(readConfig({ MEDIAFLOW_PLEX_TOKEN_FILE: join(dir, 'token') }).secrets.plexToken?.value).to.equal('abc');
    expect(readConfig({ FILE__MEDIAFLOW_PLEX_TOKEN: join(dir, 'token') }).secrets.plexToken?.value).to.equal('abc');
    rmSync(dir, { recursive: true });
    expect(() => readConfig({ MEDIAFLOW_PLEX_TOKEN_FILE: join(dir, 'token') })).to.throw(
      'MEDIAFLOW_PLEX_TOKEN_FILE names the file',
    );
  });

  it('takes path mappings apart and locks them', () => {
    const { settings, lockedBy } = readConfig({
      MEDIAFLOW_PATH_MAPPINGS: '/share/Media=/data/media;/share/TV=/data/tv',
    });
    expect(settings.paths?.mappings).to.deep.equal([
      { from: '/share/Media', to: '/data/media' },
      { from: '/share/TV', to: '/data/tv' },
    ]);
    expect(lockedBy['paths.mappings']).to.equal('MEDIAFLOW_PATH_MAPPINGS');
  });

  for (const [name, value] of Object.entries({
    PORT: 'eighty',
    MEDIAFLOW_PLEX_URL: 'ftp://plex',
    MEDIAFLOW_API_KEY: 'short',
    MEDIAFLOW_URL_BASE: 'no slash',
    MEDIAFLOW_PATH_MAPPINGS: '/only-one-side',
  })) {
    it(`names ${name} when it is wrong`, () => {
      expect(() => readConfig({ [name]: value })).to.throw(name);
    });
  }
});
