import { expect } from 'chai';
import { join } from 'node:path';
import { openPresets } from '../../../src/catalog/presets.js';
import type { Presets } from '../../../src/domain/presets/presets.js';
import { mergedPreset, presetOfJob } from '../../../src/domain/presets/merge.js';
import { alsoPresetsOf, mergedIn, mergeOfFile } from '../../../src/domain/recommendations/merge.js';
import type { Recommendation } from '../../../src/domain/recommendations/recommendation.js';
import { aRecommendation } from '../../support/builders.js';

const AT = '2026-03-01T00:00:00.000Z';
/** By the rule: what it would do, and how much it promises. */
const RULES = {
  'codec-modernization': { kind: 'transcode', presetId: 'balanced', savesBytes: 6e9 },
  'storage-optimization': { kind: 'transcode', presetId: 'storage-saver', savesBytes: 8e9 },
  'audio-optimization': { kind: 'transcode', presetId: 'audio-saver', savesBytes: 9e9 },
  'container-modernize': { kind: 'remux', presetId: 'remux', savesBytes: 0 },
  'quality-gap': { kind: 'search', presetId: null, savesBytes: 0 },
} as const;
type RuleId = keyof typeof RULES;

const of = (ruleId: RuleId, change: Partial<Recommendation> = {}): Recommendation =>
  aRecommendation({ id: `i.f.${ruleId}`, ruleId, ...RULES[ruleId], ...change });

describe('what several rules say of one file', () => {
  let presets: Presets;
  before(async () => {
    presets = await openPresets({ builtInDir: join(import.meta.dirname, '../../../presets'), userDir: null });
  });

  const after = (rows: readonly Recommendation[]): Recommendation[] => {
    const changed = new Map(mergeOfFile(rows, presets, AT).map((row) => [row.id, row]));
    return rows.map((row) => changed.get(row.id) ?? row);
  };
  const told = (rows: readonly Recommendation[]): Record<string, string> =>
    Object.fromEntries(
      rows.map(({ ruleId, state, mergedInto }) => [ruleId, mergedInto ? `${state} ${mergedInto}` : state]),
    );

  it('is one recommendation: an encode stands for new sound and a new container, whatever they promise', () => {
    const rows = after([
      of('container-modernize'),
      of('audio-optimization'),
      of('codec-modernization'),
      of('quality-gap'),
    ]);
    expect(told(rows)).to.deep.equal({
      'codec-modernization': 'open',
      'audio-optimization': 'merged i.f.codec-modernization',
      'container-modernize': 'merged i.f.codec-modernization',
      // It asks for no job.
      'quality-gap': 'open',
    });
    const leader = rows.find(({ ruleId }) => ruleId === 'codec-modernization') ?? of('quality-gap');
    expect(alsoPresetsOf(leader, mergedIn(leader, rows)).sort()).to.deep.equal(['audio-saver', 'remux']);
  });

  it('is led by the larger saving among encodes, and by new sound where nothing is encoded', () => {
    expect(told(after([of('codec-modernization'), of('storage-optimization')]))).to.deep.equal({
      'codec-modernization': 'merged i.f.storage-optimization',
      'storage-optimization': 'open',
    });
    expect(told(after([of('container-modernize'), of('audio-optimization')]))).to.deep.equal({
      'container-modernize': 'merged i.f.audio-optimization',
      'audio-optimization': 'open',
    });
  });

  it('is left alone when nothing changes, or when only one rule speaks', () => {
    const merged = after([of('container-modernize'), of('codec-modernization')]);
    expect(mergeOfFile(merged, presets, AT)).to.deep.equal([]);
    expect(mergeOfFile([of('container-modernize')], presets, AT)).to.deep.equal([]);
  });

  it('follows the better one that comes later, and the next one when that goes', () => {
    const audio = after([of('container-modernize'), of('audio-optimization')]);
    const encode = after([...audio, of('codec-modernization')]);
    expect(told(encode)).to.deep.equal({
      'container-modernize': 'merged i.f.codec-modernization',
      'audio-optimization': 'merged i.f.codec-modernization',
      'codec-modernization': 'open',
    });
    const gone = encode.map((row) =>
      row.ruleId === 'codec-modernization' ? { ...row, state: 'closed' as const } : row,
    );
    expect(told(after(gone))).to.deep.equal({
      'container-modernize': 'merged i.f.audio-optimization',
      'audio-optimization': 'open',
      'codec-modernization': 'closed',
    });
  });

  it('is decided as a whole: what was merged stays with what was decided, and comes back with it', () => {
    const rows = after([of('container-modernize'), of('codec-modernization')]);
    const decided = { snoozed: {}, dismissed: {}, approved: { jobId: 'j' }, closed: { jobId: 'j' } } as const;
    for (const [state, more] of Object.entries(decided)) {
      const led = rows.map((row) => (row.state === 'open' ? { ...row, ...more, state: state as 'snoozed' } : row));
      expect(mergeOfFile(led, presets, AT), state).to.deep.equal([]);
      // What is found later was not decided with it.
      const later = after([...led, of('audio-optimization')]);
      expect(told(later)['audio-optimization'], state).to.equal('open');
      expect(told(later)['container-modernize'], state).to.equal('merged i.f.codec-modernization');
    }
  });

  it('has one open recommendation that makes a job, whatever came before, and loses none', () => {
    const ids = Object.keys(RULES) as RuleId[];
    const states = ['open', 'merged', 'snoozed', 'dismissed', 'closed', 'approved'] as const;
    let seed = 20_261_201;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    for (let run = 0; run < 2000; run++) {
      const rows = ids.flatMap((ruleId): Recommendation[] => {
        if (random(3) === 0) return [];
        const state = states[random(states.length)] ?? 'open';
        const mergedInto = state === 'merged' ? `i.f.${ids[random(ids.length)] ?? ''}` : null;
        return [of(ruleId, { state, mergedInto, jobId: random(2) === 0 ? 'j' : null })];
      });
      const result = after(rows);
      const open = result.filter(({ state, presetId }) => state === 'open' && presetId !== null);
      expect(open.length, JSON.stringify(told(rows))).to.be.at.most(1);
      expect(mergeOfFile(result, presets, AT), JSON.stringify(told(rows))).to.deep.equal([]);
      for (const row of result) {
        if (row.state !== 'merged') continue;
        const leader = result.find(({ id }) => id === row.mergedInto);
        // Nothing hides behind what is neither in front of the owner nor decided.
        if (leader?.state === 'closed') expect(leader.jobId, JSON.stringify(told(rows))).not.to.equal(null);
        expect(leader?.state, JSON.stringify(told(rows))).to.be.oneOf([
          'open',
          'snoozed',
          'dismissed',
          'approved',
          'closed',
        ]);
      }
    }
  });

  it('makes one recipe: video of the first, a container and sound that it leaves as they are of the others', () => {
    const [balanced, mobile] = [presets.get('balanced'), presets.get('mobile-optimized')];
    const [audio, remux] = [presets.get('audio-saver'), presets.get('remux')];
    expect(mergedPreset(balanced, [audio, remux])).to.deep.equal({ ...balanced, container: 'mkv', audio: audio.audio });
    expect(mergedPreset(mobile, [audio, remux]), 'what it says itself stands').to.deep.equal(mobile);
    const sdr = mergedPreset(balanced, [presets.get('hdr-to-sdr'), presets.get('storage-saver')]);
    expect(sdr.video).to.deep.equal({ ...balanced.video, toneMap: 'sdr', bitDepth: '8' });
    expect(sdr.audio, 'another encode adds nothing').to.deep.equal(balanced.audio);
    expect(mergedPreset(audio, [presets.get('hdr-to-sdr')]).video, 'nothing is encoded').to.deep.equal(audio.video);
    expect(presetOfJob({ presetId: 'balanced', alsoPresetIds: ['remux', 'gone'] }, presets).container).to.equal('mkv');
    expect(presetOfJob({ presetId: 'balanced', alsoPresetIds: [] }, presets)).to.equal(balanced);
  });
});
