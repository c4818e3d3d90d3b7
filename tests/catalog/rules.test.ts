import { expect } from 'chai';
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findRuleFiles } from '../../src/catalog/rules-files.js';
import { openRules, type OpenRulesOptions, type Rules } from '../../src/catalog/rules.js';
import { AppError } from '../../src/domain/errors.js';
import { collectFacts } from '../../src/domain/rules/facts.js';
import type { Decision, Subject } from '../../src/domain/rules/rule.js';
import { createLog } from '../../src/lib/log.js';
import { anItem } from '../support/builders.js';

const builtInDir = resolve(import.meta.dirname, '../../rules');
const BUILT_IN = readdirSync(builtInDir)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .sort();

/** An item that `codec-modernization` flags. */
const legacy = (id = '01234567-1', title = 'Old Film'): ReturnType<typeof anItem> =>
  anItem({ id, ratingKey: id, title, file: { id: `p-${id}`, video: { codec: 'mpeg4' } } });
const subjectsOf = (...items: ReturnType<typeof anItem>[]): Subject[] =>
  items.flatMap((item) => item.files.map((file) => ({ item, file })));

const rule = (evaluate: string, before = '', options = 'z.object({})'): string => `
import { defineRule } from 'mediaflow/rule';
import { z } from 'zod';
${before}
export default defineRule({
  title: 'Mine',
  docs: { what: 'A.', why: 'B.', whenNotToUse: 'C.' },
  options: ${options},
  evaluate: ${evaluate},
});`;
const FLAG = `({ item }) => ({ kind: 'review', preset: null, severity: 'low', reason: 'Seen ' + item.title })`;

describe('rules', () => {
  let dir: string;
  let builtIn: Rules;
  const open: Rules[] = [];

  async function rulesWith(
    files: Record<string, string>,
    limits: OpenRulesOptions['limits'] = { batchMs: 2000, loadMs: 4000, loadAllMs: 60_000, memoryMb: 64 },
  ): Promise<Rules> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    const rules = await openRules({ builtInDir, userDir: dir, log: createLog('silent'), limits });
    open.push(rules);
    return rules;
  }
  const callAll = (rules: Rules, ...items: ReturnType<typeof anItem>[]): Promise<Decision[]> =>
    rules.evaluate(
      subjectsOf(...items),
      rules.list().map(({ id }) => ({ ruleId: id, options: {} })),
      collectFacts(items),
    );
  const yes = (decisions: Decision[]): string[] =>
    decisions.filter(({ finding }) => finding).map(({ ruleId, itemId }) => `${ruleId} ${itemId}`);
  const problemOf = (rules: Rules, id: string): string => rules.get(id).problem ?? 'no problem';

  before(async () => {
    builtIn = await openRules({ builtInDir, userDir: null, log: createLog('silent') });
  });
  after(() => builtIn.close());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-rules-'));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((rules) => rules.close()));
    await rm(dir, { recursive: true });
  });

  it('knows the built-in ones: texts, options as JSON schema, defaults', () => {
    const rules = builtIn;
    expect(rules.list().map(({ id }) => id)).to.deep.equal(BUILT_IN);
    expect(rules.list().map(({ problem }) => problem)).to.deep.equal(BUILT_IN.map(() => null));
    const info = rules.get('storage-optimization');
    expect(info.title).to.equal('Shrink the largest files');
    expect(info.defaults).to.deep.equal({ preset: 'storage-saver', storageOptTopN: 20, storageOptMinSizeGb: 20 });
    expect(info.optionsSchema['properties']).to.have.nested.property('storageOptTopN.type', 'integer');
    expect(() => rules.get('nothing'))
      .to.throw(AppError)
      .with.property('code', 'not_found');
  });

  it('answers yes and no for every file, and remembers how long a rule took', async () => {
    const rules = builtIn;
    const decisions = await callAll(rules, legacy(), anItem({ file: { video: { codec: 'hevc' } } }));
    expect(decisions).to.have.length(2 * BUILT_IN.length);
    expect(yes(decisions)).to.deep.equal(['codec-modernization 01234567-1']);
    expect(rules.get('codec-modernization').lastRunMs).to.be.a('number');
  });

  it('checks options with a message per field and fills in defaults', async () => {
    const rules = builtIn;
    expect(await rules.parseOptions('codec-modernization', { minSizeMb: 5 })).to.deep.equal({
      preset: 'balanced',
      h264: true,
      mbpsAt1080p: 10,
      minSizeMb: 5,
    });
    const error = await rules
      .parseOptions('codec-modernization', { mbpsAt1080p: 'much', h264: 1 })
      .catch((e: unknown) => e);
    expect(error).to.be.instanceOf(AppError).with.property('code', 'invalid');
    expect((error as AppError).fields).to.have.keys('mbpsAt1080p', 'h264');
  });

  it("runs the owner's rules from any folder: mediaflow/rule and zod are there, the environment is not", async () => {
    const real = join(dir, 'real');
    await mkdir(real);
    await writeFile(join(real, 'mine.js'), rule(FLAG));
    await writeFile(
      join(real, 'nosy.js'),
      rule(`() => ({ kind: 'review', preset: null, severity: 'low', reason: 'n=' + Object.keys(process.env).length })`),
    );
    await writeFile(
      join(real, 'plain.mjs'),
      `import { z } from 'zod';
export default { title: 'Plain', docs: { what: 'A.', why: 'B.', whenNotToUse: 'C.' },
  options: z.object({ min: z.number().default(3).meta({ title: 'Least' }) }), evaluate: () => undefined };`,
    );
    await symlink(real, join(dir, 'link'));
    const rules = await openRules({ builtInDir, userDir: join(dir, 'link'), log: createLog('silent') });
    open.push(rules);
    expect(rules.get('mine')).to.include({ origin: 'user', problem: null });
    expect(rules.get('plain').defaults).to.deep.equal({ min: 3 });
    const decisions = await callAll(rules, legacy());
    expect(yes(decisions)).to.deep.equal(['codec-modernization', 'mine', 'nosy'].map((id) => `${id} 01234567-1`));
    expect(decisions.find(({ ruleId }) => ruleId === 'nosy')?.finding?.reason).to.equal('n=0');
  });

  it('goes on without a rules folder that is gone', async () => {
    const { files, problem } = await findRuleFiles({ builtInDir, userDir: join(dir, 'gone') });
    expect(files).to.have.length(BUILT_IN.length);
    expect(problem).to.match(/cannot be read/);
  });

  const BAD: Record<string, { text: string; problem: RegExp }> = {
    'does not parse': { text: 'export default {', problem: /unexpected end of input/i },
    'imports what is not there': { text: `import 'lodash-of-mine'; export default {};`, problem: /lodash-of-mine/ },
    'imports the disk': { text: `import 'node:fs'; export default {};`, problem: /may not import node:fs/i },
    'imports code out of a text': {
      text: `import 'data:text/javascript,import "node:fs"'; export default {};`,
      problem: /may not import data:/i,
    },
    'asks the process for the disk': {
      text: `process.getBuiltinModule('node:fs').readdirSync('/'); export default {};`,
      problem: /getBuiltinModule is not a function/i,
    },
    'ends another process': {
      text: `process.kill(process.ppid, 0); export default {};`,
      problem: /kill is not a function/i,
    },
    'uses the network': {
      text: `await fetch('http://127.0.0.1:9/'); export default {};`,
      problem: /fetch is not a function/i,
    },
    'throws while loading': { text: `throw new Error('no luck');`, problem: /no luck/i },
    'never finishes loading': {
      text: `await new Promise(() => setInterval(() => {}, 1000));`,
      problem: /finish loading/,
    },
    'exports nothing': { text: `export const rule = {};`, problem: /default export/ },
    'has the wrong shape': { text: `export default { title: 'Mine' };`, problem: /docs.*options.*evaluate/i },
    'has an option without a default': {
      text: rule(FLAG, '', 'z.object({ least: z.number() })'),
      problem: /default.*least/,
    },
    throws: { text: rule(`() => { throw new Error('ouch'); }`), problem: /ouch/i },
    'answers nonsense': { text: rule(`() => ({ kind: 'explode', reason: '' })`), problem: /not valid.*kind/ },
    'answers with a promise': { text: rule(`async () => null`), problem: /not valid/ },
    'changes what it is shown': {
      text: rule(`({ item }) => { item.title = 'x'; return null; }`),
      problem: /read only/,
    },
  };
  it('leaves out every rule that is wrong, says why, and the others answer', async () => {
    const files = Object.values(BAD).map(({ text }, n) => [`bad-${n}.js`, text] as const);
    const rules = await rulesWith({ ...Object.fromEntries(files), 'good.js': rule(FLAG) });
    const decisions = await callAll(rules, legacy());
    Object.entries(BAD).forEach(([title, { problem }], n) => {
      expect(problemOf(rules, `bad-${n}`), title).to.match(problem);
    });
    expect(yes(decisions)).to.deep.equal(['codec-modernization 01234567-1', 'good 01234567-1']);
    expect(decisions.some(({ ruleId }) => ruleId.startsWith('bad'))).to.equal(false);
    expect(problemOf(rules, 'good')).to.equal('no problem');
  });

  const DEADLY: Record<string, { text: string; problem: RegExp }> = {
    'loops while loading': { text: `for (;;);`, problem: /longer than/ },
    'loops for ever': { text: rule(`() => { for (;;); }`), problem: /longer than/ },
    'eats memory': {
      text: rule(`() => { const all = []; for (;;) all.push(Array.from({ length: 10000 }, (_, n) => ({ n }))); }`),
      problem: /more than 64 MB|longer than/,
    },
    'ends the process': { text: rule(`() => process.exit(3)`), problem: /ended the thread/ },
    'fails later, out of turn': {
      text: rule(FLAG, `setTimeout(() => { throw new Error('too late'); }, 1); `),
      problem: /too late/,
    },
  };
  for (const [title, { text, problem }] of Object.entries(DEADLY)) {
    it(`survives a rule that ${title}; the others answer`, async () => {
      const rules = await rulesWith({ 'bad.js': text, 'good.js': rule(FLAG) });
      // What fails out of turn needs a moment to do so.
      for (let tries = 0; rules.get('bad').problem === null && tries < 200; tries++) await callAll(rules, legacy());
      expect(problemOf(rules, 'bad')).to.match(problem);
      const decisions = await callAll(rules, legacy(), legacy('01234567-2', 'Other'));
      expect(yes(decisions)).to.deep.equal([
        'codec-modernization 01234567-1',
        'good 01234567-1',
        'codec-modernization 01234567-2',
        'good 01234567-2',
      ]);
      expect(problemOf(rules, 'good')).to.equal('no problem');
    });
  }

  it('gives the decisions of the others back when a rule breaks the thread half-way', async () => {
    const rules = await rulesWith({
      'bad.js': rule(`({ item }) => { if (item.title === 'Bad') for (;;); return null; }`),
      'good.js': rule(FLAG),
    });
    const items = Array.from({ length: 1200 }, (_, n) => legacy(`x-${n}`, n === 700 ? 'Bad' : `Film ${n}`));
    const findings: Decision[] = [];
    const calls = ['bad', 'good'].map((ruleId) => ({ ruleId, options: {} }));
    for await (const part of rules.evaluateMany(subjectsOf(...items), calls, collectFacts([])))
      findings.push(...part.findings);
    expect(problemOf(rules, 'bad')).to.match(/longer than/);
    expect(findings.map(({ itemId }) => itemId)).to.deep.equal(items.map(({ id }) => id));
  });

  it('gives a rule that failed while running another chance when its options are saved', async () => {
    const text = rule(
      `(_, { calm }) => { if (calm) return null; for (;;); }`,
      '',
      'z.object({ calm: z.boolean().default(false) })',
    );
    const rules = await rulesWith({ 'moody.js': text });
    await callAll(rules, legacy());
    expect(problemOf(rules, 'moody')).to.match(/longer than/);
    const options = await rules.parseOptions('moody', { calm: true });
    expect(problemOf(rules, 'moody')).to.equal('no problem');
    const decisions = await rules.evaluate(subjectsOf(legacy()), [{ ruleId: 'moody', options }], collectFacts([]));
    expect(decisions).to.have.length(1);
  });

  it('keeps ids apart: built-in names are taken, odd names are refused', async () => {
    for (const name of ['codec-modernization.js', 'My Rule.js', 'twice.js', 'twice.mjs', 'notes.txt'])
      await writeFile(join(dir, name), '');
    const { files } = await findRuleFiles({ builtInDir, userDir: dir });
    const mine = files.filter(({ origin }) => origin === 'user').map(({ id, problem }) => `${id}: ${problem ?? ''}`);
    expect(mine).to.have.length(4);
    expect(mine[0]).to.match(/^user-my-rule: .*Rename/);
    expect(mine[1]).to.match(/^user-codec-modernization: .*built-in rule/);
    expect(mine[2]).to.equal('twice: ');
    expect(mine[3]).to.match(/^user-twice: .*another file/);
  });

  it('does not let many slow rules hold up the start', async () => {
    const files = Object.fromEntries(['a', 'b', 'c', 'd'].map((id) => [`${id}.js`, 'for (;;);']));
    const rules = await rulesWith(files, { loadMs: 100, loadAllMs: 1000, batchMs: 2000 });
    expect(problemOf(rules, 'a')).to.match(/longer than/);
    expect(problemOf(rules, 'd')).to.match(/too long|longer than/);
    expect(yes(await callAll(rules, legacy()))).to.deep.equal(['codec-modernization 01234567-1']);
  });

  it('never throws, whatever the file and the options', async () => {
    const rules = builtIn;
    const codec = fc.constantFrom('h264', 'hevc', 'mpeg4', 'mpeg2video', 'vc1', 'wmv3', 'av1', '', 'msmpeg4v3');
    const amount = fc.oneof(fc.constant(0), fc.nat(200_000_000), fc.integer({ min: 0, max: 2 ** 52 }));
    const video = fc.option(
      fc.record({
        codec,
        width: fc.nat(8192),
        height: fc.nat(8192),
        bitrateKbps: fc.option(amount),
        bitDepth: fc.option(fc.constantFrom(8, 10, 12)),
        hdr: fc.constantFrom(
          'sdr' as const,
          'hdr10' as const,
          'hdr10plus' as const,
          'hlg' as const,
          'dolby-vision' as const,
        ),
        fps: fc.option(fc.nat(120)),
      }),
    );
    const item = fc
      .record({
        video,
        sizeBytes: amount,
        path: fc.string(),
        bitrateKbps: fc.option(amount),
        optimized: fc.boolean(),
        stackedParts: fc.integer({ min: 1, max: 3 }),
      })
      .map((file) => anItem({ file }));
    const options = fc.record({
      mbpsAt1080p: fc.integer({ min: 1, max: 100 }),
      minSizeMb: fc.nat(1000),
      h264: fc.boolean(),
      storageOptTopN: fc.integer({ min: 1, max: 1000 }),
      storageOptMinSizeGb: fc.integer({ min: 1, max: 500 }),
      transportStreams: fc.boolean(),
      preset: fc.constantFrom('balanced', 'remux'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 30 }), options, async (items, chosen) => {
        const calls = BUILT_IN.map((ruleId) => ({ ruleId, options: chosen }));
        const decisions = await rules.evaluate(subjectsOf(...items), calls, collectFacts(items));
        expect(rules.list().map(({ problem }) => problem)).to.deep.equal(BUILT_IN.map(() => null));
        expect(decisions).to.have.length(BUILT_IN.length * items.length);
      }),
      { numRuns: 60 },
    );
  });
});
