import { expect } from 'chai';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../../src/store/audit.js';

describe('AuditLog', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'audit-'))));
  afterEach(() => rm(dir, { recursive: true }));
  let at = '2026-11-30T23:59:59.000Z';
  const openLog = (): AuditLog => new AuditLog(join(dir, 'data'), () => new Date(at));
  const entry = (object: string) => ({ who: 'owner', action: 'replace file', object });
  const linesOf = async (month: string): Promise<string[]> =>
    (await readFile(join(dir, 'data', `audit-${month}.jsonl`), 'utf8')).trimEnd().split('\n');

  it('only ever appends, in order, a file a month', async () => {
    const log = openLog();
    await Promise.all(['a', 'b', 'c'].map((object) => log.append(entry(object))));
    await openLog().append(entry('d'));
    at = '2026-12-01T00:00:00.000Z';
    await log.append(entry('e'));
    expect(await readdir(join(dir, 'data'))).to.have.members(['audit-2026-11.jsonl', 'audit-2026-12.jsonl']);
    const november = (await linesOf('2026-11')).map((line) => (JSON.parse(line) as { object: string }).object);
    expect(november).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('leaves a line that a crash cut short to itself', async () => {
    at = '2026-11-30T23:59:59.000Z';
    await openLog().append(entry('a'));
    await appendFile(join(dir, 'data', 'audit-2026-11.jsonl'), '{"at":"2026-11');
    await openLog().append(entry('b'));
    const lines = await linesOf('2026-11');
    expect(lines).to.have.length(3);
    expect(JSON.parse(lines[2] ?? '')).to.include({ object: 'b' });
  });
});
