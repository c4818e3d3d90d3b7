import { expect } from 'chai';
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { Document } from '../../src/store/document.js';

describe('Document', () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'document-'));
    path = join(dir, 'value.json');
  });
  afterEach(() => rm(dir, { recursive: true }));
  const Value = z.object({ n: z.int().default(0) });
  const open = () => Document.open(dir, 'value.json', Value, {});

  it('holds the last of many values put at once', async () => {
    const document = await open();
    await Promise.all(Array.from({ length: 50 }, (_, n) => document.put({ n })));
    expect(JSON.parse(await readFile(path, 'utf8'))).to.deep.equal({ n: 49 });
  });

  it('goes back to what the disk holds, not to another value that was refused', async () => {
    const document = await open();
    await document.put({ n: 1 });
    await rename(path, `${path}.kept`);
    await mkdir(path);
    const first = document.put({ n: 2 });
    await new Promise(setImmediate);
    const outcomes = await Promise.allSettled([first, document.put({ n: 3 })]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    expect(document.value).to.deep.equal({ n: 1 });
    await rmdir(path);
    await rename(`${path}.kept`, path);
    await document.put({ n: 4 });
    expect((await open()).value).to.deep.equal({ n: 4 });
  });

  it('sets a damaged file aside and starts from the defaults', async () => {
    await writeFile(path, '{"n": "many"}');
    const document = await open();
    expect(document.value).to.deep.equal({ n: 0 });
    expect(document.damaged).to.include({ file: 'value.json', rows: null });
    expect(document.damaged?.message).to.match(/^n: /);
  });

  it('sets aside an object that has nothing to do with it, instead of taking it for the defaults', async () => {
    await writeFile(path, '{"name": "another program", "version": 3}');
    expect((await open()).damaged).to.include({ file: 'value.json', rows: null });
    await writeFile(path, '{"n": 5, "ofALaterVersion": 3}');
    expect((await open()).value).to.deep.equal({ n: 5 });
  });
});
