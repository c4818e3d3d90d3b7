import { expect } from 'chai';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemsOfAudit } from '../../src/store/audit-check.js';
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

  it('is noticed when it is damaged, but for what a crash cut short', async () => {
    at = '2026-11-30T23:59:59.000Z';
    const data = join(dir, 'data');
    const file = join(data, 'audit-2026-11.jsonl');
    await openLog().append(entry('a'));
    await appendFile(file, '{"at":"2026-11-30T23:5');
    await openLog().append(entry('b'));
    expect(await problemsOfAudit(data)).to.deep.equal([]);
    for (const damage of ['\0\0\0\0\n', 'garbage\n', '{"some":"thing"}\n']) {
      const before = await readFile(file);
      await appendFile(file, damage);
      const [problem] = await problemsOfAudit(data);
      expect(problem?.summary, damage).to.match(/^Line 4 of the audit file audit-2026-11.jsonl cannot be read/);
      await writeFile(file, before);
    }
    await rm(file);
    await mkdir(file);
    expect(await problemsOfAudit(data).catch((error: unknown) => (error as Error).message)).to.contain(
      `a folder in place of the data file ${file}`,
    );
  });
});
