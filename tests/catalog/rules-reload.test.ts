import { expect } from 'chai';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openPresets } from '../../src/catalog/presets.js';
import { openRules, type Rules } from '../../src/catalog/rules.js';
import { AppError } from '../../src/domain/errors.js';
import { collectFacts } from '../../src/domain/rules/facts.js';
import type { Preset } from '../../src/domain/presets/preset.js';
import type { Subject } from '../../src/domain/rules/rule.js';
import { createLog } from '../../src/lib/log.js';
import { anItem } from '../support/builders.js';

const builtInDir = resolve(import.meta.dirname, '../../rules');

const rule = (reason: string, body = ''): string => `
import { defineRule } from 'mediaflow/rule';
import { z } from 'zod';
export default defineRule({
  title: ${JSON.stringify(reason)},
  docs: { what: 'A.', why: 'B.', whenNotToUse: 'C.' },
  options: z.object({ preset: z.string().default('balanced') }),
  evaluate: (_, { preset }) => { ${body || `return { kind: 'review', preset: null, severity: 'low', reason: ${JSON.stringify(reason)} };`} },
});`;
const transcode = `return { kind: 'transcode', preset, severity: 'low', reason: 'Always' };`;
const subjects: Subject[] = [anItem()].flatMap((item) => item.files.map((file) => ({ item, file })));

describe('rules in the owner’s folder', () => {
  let dir: string;
  let rules: Rules;
  let presets: Preset[];
  let heard: string[];

  before(async () => {
    presets = (await openPresets({ builtInDir: resolve(builtInDir, '../presets'), userDir: null })).list();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-reload-'));
    heard = [];
  });
  afterEach(async () => {
    await rules.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function open(files: Record<string, string> = {}): Promise<void> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    const limits = { loadMs: 20_000, loadAllMs: 60_000, batchMs: 20_000 };
    rules = await openRules({
      ...{ builtInDir, userDir: dir, log: createLog('silent'), limits },
      presets: () => Promise.resolve(presets),
    });
  }
  const follow = (): void => {
    rules.watch((ids) => heard.push(...ids), { everyMs: 100, settleMs: 30 });
  };
  const reasonOf = async (id: string): Promise<string | null> => {
    const decisions = await rules.evaluate(subjects, [{ ruleId: id, options: {} }], collectFacts([anItem()]));
    return decisions[0]?.finding?.reason ?? null;
  };
  async function until(what: () => unknown): Promise<void> {
    while (!(await Promise.resolve(what()))) await new Promise((done) => setTimeout(done, 20));
  }
  const isKnown = (id: string): boolean => rules.list().some((info) => info.id === id);

  it('are there without a restart, follow their file, and go with it', async () => {
    await open({ 'stays.js': rule('Stays') });
    follow();
    await writeFile(join(dir, 'mine.js'), rule('First'));
    await until(() => isKnown('mine'));
    expect(await reasonOf('mine')).to.equal('First');
    await writeFile(join(dir, 'mine.js'), rule('Second'));
    await until(() => rules.get('mine').title === 'Second');
    expect(await reasonOf('mine')).to.equal('Second');
    await rm(join(dir, 'mine.js'));
    await until(() => !isKnown('mine'));
    expect(await reasonOf('stays')).to.equal('Stays');
    expect(heard).to.deep.equal(['mine', 'mine', 'mine']);
  });

  it('show what is wrong with them, and are well again once they are mended', async () => {
    await open({ 'mine.js': rule('Good') });
    follow();
    await writeFile(join(dir, 'mine.js'), rule('Better').slice(0, 120));
    await until(() => rules.get('mine').problem);
    expect(rules.get('mine')).to.include({ failures: 1 });
    expect(rules.get('mine').lastFailure?.message).to.equal(rules.get('mine').problem);
    expect(rules.get('mine').lastFailure?.at).to.match(/^\d{4}-\d\d-\d\dT/);
    await writeFile(join(dir, 'mine.js'), rule('Better'));
    await until(() => rules.get('mine').problem === null);
    expect(await reasonOf('mine')).to.equal('Better');
    // What went wrong before is still told of.
    expect(rules.get('mine')).to.include({ failures: 1 });
  });

  it('answer in their old version while the new one is read', async () => {
    await open({ 'mine.js': rule('Old') });
    follow();
    const seen = new Set<string | null>();
    await writeFile(join(dir, 'mine.js'), rule('New'));
    await until(async () => {
      seen.add(await reasonOf('mine'));
      return heard.length > 0;
    });
    expect(await reasonOf('mine')).to.equal('New');
    // Null: the question was under way while the rule was exchanged; whoever hears of the change asks again.
    for (const reason of seen) expect(reason).to.be.oneOf(['Old', 'New', null]);
    expect(rules.list().map(({ problem }) => problem)).to.deep.equal(rules.list().map(() => null));
  });

  it('stay when the folder is out of reach for a while', async () => {
    await open({ 'mine.js': rule('Mine') });
    follow();
    await rename(dir, `${dir}-away`);
    await new Promise((done) => setTimeout(done, 400));
    expect(await reasonOf('mine')).to.equal('Mine');
    await rename(`${dir}-away`, dir);
    await writeFile(join(dir, 'other.js'), rule('Other'));
    await until(() => isKnown('other'));
    expect(await reasonOf('mine')).to.equal('Mine');
  });

  it('are left out when they would find their own results, until another preset is chosen', async () => {
    const forever = rule('Forever', transcode);
    const onlyOld = rule('Old', `if (_.file.video?.codec !== 'h264') return null; ${transcode}`);
    await open({ 'forever.js': forever, 'old.js': onlyOld });
    expect(await reasonOf('forever')).to.equal(null);
    expect(rules.get('forever').problem).to.match(
      /What the preset balanced makes would be found again.*Choose another/,
    );
    expect(await reasonOf('old')).to.equal('Always');
    const refused = await rules.parseOptions('old', { preset: 'mobile-optimized' }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(AppError).with.property('code', 'invalid');
    expect((refused as AppError).fields['preset']).to.match(/mobile-optimized.*found again/);
    expect(await rules.parseOptions('old', { preset: 'storage-saver' })).to.deep.equal({ preset: 'storage-saver' });
    const missing = await rules.parseOptions('old', { preset: 'nothing' }).catch((error: unknown) => error);
    expect((missing as AppError).fields['preset']).to.match(/no preset nothing/);
    expect(rules.get('old').problem).to.equal(null);
  });

  it('leaves the built-in rules as they are', async () => {
    await open();
    for (const { id, origin } of rules.list()) {
      expect(origin).to.equal('built-in');
      expect(await rules.parseOptions(id, {}), id).to.deep.equal(rules.get(id).defaults);
    }
    const refused = await rules.parseOptions('hdr-to-sdr', { preset: 'balanced' }).catch((error: unknown) => error);
    expect(refused)
      .to.have.property('message')
      .that.matches(/balanced makes would be found again/);
  });
});
