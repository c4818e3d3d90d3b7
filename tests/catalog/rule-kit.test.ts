import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openPresets } from '../../src/catalog/presets.js';
import { openRules } from '../../src/catalog/rules.js';
import { createLog } from '../../src/lib/log.js';

const root = resolve(import.meta.dirname, '../..');

describe('the kit for rules of one’s own', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-kit-'));
  });
  after(() => rm(dir, { recursive: true }));

  const run = (script: string, ...args: string[]) =>
    execa(process.execPath, [join(root, 'scripts', script), ...args, '--dir', dir], {
      ...{ reject: false, all: true, extendEnv: false },
      env: { PATH: process.env['PATH'] ?? '', HOME: dir },
    });

  it('writes a rule that MediaFlow takes, and nothing twice', async () => {
    const made = await run('new-rule.js', 'my-rule');
    expect(made.all).to.contain('my-rule.js').and.contain('rule:test');
    const again = await run('new-rule.js', 'my-rule');
    expect([again.exitCode, again.all]).to.deep.equal([
      2,
      `${join(dir, 'my-rule.js')} is there already. Nothing was written.`,
    ]);
    const taken = await run('new-rule.js', 'quality-gap');
    expect(taken.all).to.match(/built-in rule quality-gap/);
    const presets = await openPresets({ builtInDir: join(root, 'presets'), userDir: null });
    const rules = await openRules({
      ...{ builtInDir: join(root, 'rules'), userDir: dir, log: createLog('silent') },
      ...{ presets: () => Promise.resolve(presets.list()), limits: { loadMs: 20_000, loadAllMs: 60_000 } },
    });
    try {
      expect(rules.get('my-rule')).to.include({ origin: 'user', problem: null, title: 'Large 720p files' });
      expect(rules.list().filter(({ origin }) => origin === 'user')).to.have.length(1);
      expect(await rules.parseOptions('my-rule', {})).to.deep.equal({ preset: 'balanced', maxGb: 6 });
    } finally {
      await rules.close();
    }
  });

  it('runs its test, which can fail', async () => {
    const good = await run('test-rule.js', 'my-rule');
    expect(good.all).to.match(/pass 8/);
    expect(good.exitCode).to.equal(0);
    const file = join(dir, 'my-rule.js');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('<= maxGb', '> maxGb'));
    const bad = await run('test-rule.js');
    expect(bad.exitCode).to.equal(1);
    expect(bad.all).to.match(/nothing was found/);
    await writeFile(file, text);
  });

  it('lets an editor check the types', async () => {
    // One look at both takes as long as a look at one, which is long.
    const text = await readFile(join(dir, 'my-rule.js'), 'utf8');
    const wrong = join(dir, 'wrong-rule.js');
    await writeFile(wrong, text.replace('file.video.height', 'file.video.hight'));
    const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(dir, 'jsconfig.json')];
    const { all: said } = await execa(process.execPath, compiler, { reject: false, all: true });
    await rm(wrong);
    expect(said).to.match(/wrong-rule\.js.*'hight' does not exist/);
    const files = Array.from(said.matchAll(/^\S*?([\w-]+\.[jt]s)\(/gm), ([, name]) => name);
    expect([...new Set(files)]).to.deep.equal(['wrong-rule.js']);
  }).timeout(120_000);
});
