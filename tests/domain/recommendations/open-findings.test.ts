import { expect } from 'chai';
import fc from 'fast-check';
import { workOf } from '../../../src/domain/recommendations/encode-time.js';
import { Outcomes, promiseRatio } from '../../../src/domain/recommendations/outcomes.js';
import { OpenFindings, type OpenFinding } from '../../../src/domain/recommendations/open-findings.js';
import { Preset } from '../../../src/domain/presets/preset.js';
import { aFile, aJob, aRecommendation } from '../../support/builders.js';

const preset = Preset.parse({
  id: 'p',
  title: 'P',
  description: 'D',
  container: 'mkv',
  video: { codec: 'hevc', quality: 23 },
  audio: { codec: 'copy' },
});

interface Told {
  file: number;
  rule: string;
  saves: number;
  isOpen: boolean;
}

const told: fc.Arbitrary<Told> = fc.record({
  file: fc.nat(5),
  rule: fc.constantFrom('a', 'b', 'c'),
  saves: fc.nat(1000),
  isOpen: fc.boolean(),
});

function finding({ file, rule, saves }: Omit<Told, 'isOpen'>, change: object = {}): OpenFinding {
  const row = aRecommendation({
    id: `i.${file}.${rule}`,
    itemId: 'i',
    fileId: String(file),
    ruleId: rule,
    savesBytes: saves,
    savesLowBytes: Math.floor(saves / 2),
    savesHighBytes: saves * 2,
    priority: saves / 10,
    ...change,
  });
  return { row, group: 'h264/1080', work: workOf(aFile({ durationMs: (file + 1) * 1000 }), preset) };
}

const megapixels = (open: OpenFindings): number =>
  open.sums().work.reduce((sum, work) => sum + (work.kind === 'encode' ? work.megapixels : 0), 0);

describe('the sums of what is open', () => {
  it('are those of counting everything anew, whatever came, changed and went', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 60 }), (all) => {
        const open = new OpenFindings();
        const now = new Map<string, Told>();
        for (const one of all) {
          const id = `i.${one.file}.${one.rule}`;
          open.set(id, one.isOpen ? finding(one) : null);
          if (one.isOpen) now.set(id, one);
          else now.delete(id);
        }
        const best = new Map<number, number>();
        for (const { file, saves } of now.values()) best.set(file, Math.max(best.get(file) ?? 0, saves));
        const sums = open.sums();
        expect(sums.findings).to.equal(now.size);
        expect(sums.files).to.equal(best.size);
        expect(sums.savesBytes).to.equal([...best.values()].reduce((sum, saves) => sum + saves, 0));
        const inRules = [...sums.byRule.values()].reduce((sum, { savesBytes }) => sum + savesBytes, 0);
        expect(inRules).to.equal([...now.values()].reduce((sum, { saves }) => sum + saves, 0));
        expect([...sums.byRule.values()].every(({ findings }) => findings > 0)).to.equal(true);
        const expected = [...best.keys()].reduce((sum, file) => sum + (1920 * 1080 * (file + 1) * 23.976) / 1e6, 0);
        expect(megapixels(open)).to.be.closeTo(expected, 1e-3);
        const byPriority = [...now.values()].map(({ saves }) => saves / 10).sort((a, b) => b - a);
        expect(open.top(3).map(({ priority }) => priority)).to.deep.equal(byPriority.slice(0, 3));
      }),
    );
  });

  it('count of a group only what its files do not promise by themselves', () => {
    const open = new OpenFindings();
    open.set('1', finding({ file: 1, rule: 'a', saves: 300 }));
    const group = { codec: 'h264', resolution: '1080', files: 9 } as const;
    open.set('g', finding({ file: 9, rule: 'batch', saves: 1000 }, { group, itemId: '', fileId: '' }));
    expect(open.sums()).to.include({ savesBytes: 1000, findings: 2, files: 1 });
    open.set('2', finding({ file: 2, rule: 'a', saves: 900 }));
    expect(open.sums().savesBytes).to.equal(1200);
    open.set('1', null);
    open.set('2', null);
    expect(open.sums()).to.include({ savesBytes: 1000, lowBytes: 500, highBytes: 2000 });
    open.set('g', null);
    expect(open.sums()).to.include({ savesBytes: 0, findings: 0 });
  });

  it('tell how many rest on finished jobs', () => {
    const open = new OpenFindings();
    open.set('1', finding({ file: 1, rule: 'a', saves: 300 }, { basis: 'learned' }));
    open.set('2', finding({ file: 2, rule: 'a', saves: 300 }, { basis: 'pair' }));
    open.set('3', finding({ file: 3, rule: 'a', saves: 0 }, { basis: 'exact' }));
    expect(open.sums()).to.include({ learned: 1, promising: 2 });
  });
});

describe('kept promises', () => {
  const done = aJob({ state: 'done', sizeBeforeBytes: 1000, sizeAfterBytes: 400, expectedSavesBytes: 500 });
  const of = (promises: Outcomes) => promises.byRule().get('codec-modernization');

  it('compare what was promised with what was saved', () => {
    const promises = new Outcomes();
    promises.note(done, 600);
    promises.note(done, 600);
    promises.note({ ...done, id: 'job-2' }, 300);
    expect(of(promises)).to.include({ jobs: 2, promisedBytes: 1000, achievedBytes: 900, failed: 0 });
    expect(promiseRatio(of(promises) as never)).to.equal(0.9);
  });

  it('count a failure until the job is tried again and ends well', () => {
    const promises = new Outcomes();
    promises.note({ ...done, state: 'failed' }, null);
    promises.note({ ...done, id: 'job-2', state: 'skipped' }, null);
    expect(of(promises)).to.include({ jobs: 0, failed: 1, skipped: 1 });
    promises.note({ ...done, state: 'queued' }, null);
    expect(of(promises)).to.include({ failed: 0, skipped: 1 });
    promises.note(done, 600);
    expect(of(promises)).to.include({ jobs: 1, failed: 0, achievedBytes: 600 });
  });

  it('take back what the owner took back, and count nothing that replaced no file', () => {
    const promises = new Outcomes();
    promises.note(done, 600);
    promises.note({ ...done, id: 'job-2' }, null);
    expect(of(promises)).to.include({ jobs: 1, promisedBytes: 500, achievedBytes: 600, restored: 0 });
    promises.note(done, 'restored');
    expect(of(promises)).to.include({ jobs: 0, promisedBytes: 0, achievedBytes: 0, restored: 1 });
  });

  it('say nothing of jobs that no rule asked for', () => {
    const promises = new Outcomes();
    promises.note({ ...done, ruleId: null }, 600);
    promises.note({ ...done, expectedSavesBytes: null }, 600);
    expect([...promises.byRule()]).to.deep.equal([]);
  });
});
