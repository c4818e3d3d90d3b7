import { expect } from 'chai';
import { resolve } from 'node:path';
import { openPresets } from '../../../src/catalog/presets.js';
import { openRules, type Rules } from '../../../src/catalog/rules.js';
import type { Hdr } from '../../../src/domain/library/media.js';
import type { LibraryItem } from '../../../src/domain/library/library.js';
import { Analyzer } from '../../../src/engine/recommendations/analyze.js';
import { newId } from '../../../src/lib/ids.js';
import { createLog } from '../../../src/lib/log.js';
import { film, World } from '../../support/library-world.js';

const root = resolve(import.meta.dirname, '../../..');
const CODECS = ['h264', 'hevc', 'mpeg2video', 'vc1', 'mpeg4', 'av1', 'wmv3'];
const SIZES = [
  [1920, 1080],
  [3840, 2160],
  [1280, 720],
  [720, 576],
  [640, 480],
] as const;
const CONTAINERS = ['mkv', 'mp4', 'avi', 'wmv', 'mpegts'];
const SOUNDS = [
  ['ac3', 6],
  ['truehd', 8],
  ['aac', 2],
  ['flac', 6],
  ['dts', 6],
] as const;
const HDRS: readonly Hdr[] = ['sdr', 'sdr', 'hdr10', 'dolby-vision'];

/** One of a list, by number; each list has its own step so that the combinations vary. */
const pick = <T>(list: readonly T[], at: number, step: number): T => list[Math.floor(at / step) % list.length] as T;

/** A film whose every property follows from its number; each seventh has a twin. */
function aMixedFilm(at: number): LibraryItem {
  const [width, height] = pick(SIZES, at, 3);
  const codec = pick(CODECS, at, 1);
  const container = pick(CONTAINERS, at, 2);
  const [sound, channels] = pick(SOUNDS, at, 4);
  const mbps = 1 + ((at * 37) % 60);
  const number = at % 7 === 0 ? at : at - (at % 7 === 1 ? 1 : 0);
  return film(String(at), {
    title: `Film ${number}`,
    guid: `plex://movie/${number}`,
    plays: at % 4,
    addedAt: new Date(Date.parse('2026-01-01') + at * 3_600_000).toISOString(),
    file: {
      container,
      path: `/share/1/Film ${at}.${container === 'mpegts' ? 'ts' : container}`,
      localPath: `/local/Film ${at}.${container === 'mpegts' ? 'ts' : container}`,
      sizeBytes: Math.round((mbps * 1e6 * 6600) / 8),
      bitrateKbps: mbps * 1000,
      video: {
        codec,
        width,
        height,
        bitrateKbps: at % 9 === 0 ? null : mbps * 950,
        hdr: width === 3840 ? pick(HDRS, at, 5) : 'sdr',
        bitDepth: width === 3840 ? 10 : 8,
      },
      audio: [
        { codec: sound, channels, bitrateKbps: at % 2 === 0 ? null : 640, language: 'eng', title: null, profile: null },
      ],
    },
  });
}

describe('the built-in rules over a mixed library', () => {
  let world: World;
  let rules: Rules;
  let analyzer: Analyzer;

  before(async function () {
    this.timeout(180_000);
    world = await World.open();
    await world.store.library.putMany(Array.from({ length: 300 }, (_, at) => aMixedFilm(at)));
    const log = createLog('silent');
    rules = await openRules({ builtInDir: resolve(root, 'rules'), userDir: null, log });
    const presets = await openPresets({ builtInDir: resolve(root, 'presets'), userDir: null });
    const { store, bus, now, automation } = world;
    analyzer = new Analyzer({ store, bus, log, now, newId, rules, presets, automation });
    await analyzer.start();
  });
  after(async () => {
    await analyzer.stop();
    await rules.close();
    await world.close();
  });

  it('find something, and nothing new the second time', async () => {
    const first = await analyzer.library('owner');
    expect(first).to.include({ items: 300, error: null, added: first.findings, changed: 0, removed: 0 });
    expect(first.findings).to.be.greaterThan(100);
    const rows = JSON.stringify([...world.store.recommendations.values()]);
    const second = await analyzer.library('schedule');
    expect(second).to.include({ items: 300, findings: first.findings, added: 0, changed: 0, removed: 0 });
    expect(second.savesBytes).to.equal(first.savesBytes);
    expect(JSON.stringify([...world.store.recommendations.values()])).to.equal(rows);
    const single = await analyzer.items(['01234567-7', '01234567-8'], 'webhook');
    expect(single).to.include({ added: 0, changed: 0, removed: 0 });
  });

  it('find in a dry run exactly what they find in earnest', async () => {
    await analyzer.library('owner');
    const open = world.store.recommendations.where(({ state }) => state === 'open' || state === 'merged');
    const silent: string[] = [];
    for (const { id, perGroup } of rules.list()) {
      const { matches, looked, savesBytes, samples } = await analyzer.try({ ruleId: id });
      const found = open.filter(({ ruleId }) => ruleId === id);
      const files = found.reduce((sum, { group }) => sum + (group?.files ?? 1), 0);
      expect(matches, id).to.equal(files);
      expect(looked, id).to.equal(300);
      if (!perGroup) expect(savesBytes, id).to.equal(found.reduce((sum, row) => sum + row.savesBytes, 0));
      const reasons = new Set(found.map(({ reason }) => reason));
      for (const { reason } of samples) expect(reasons, id).to.include(reason);
      if (matches === 0) silent.push(id);
    }
    expect(silent, 'rules that found nothing, so nothing was compared').to.deep.equal([]);
  });

  it('say the same of one title as of the whole library', async () => {
    await analyzer.library('owner');
    for (const key of [0, 7, 8, 91, 100, 215]) {
      const itemId = `01234567-${key}`;
      const decided = (await analyzer.decide(itemId)).filter(
        ({ finding, ruleId }) => finding !== null && !rules.get(ruleId).perGroup,
      );
      const open = world.store.recommendations.where(
        (row) => row.itemId === itemId && (row.state === 'open' || row.state === 'merged'),
      );
      expect(decided.map(({ ruleId }) => ruleId).sort()).to.deep.equal(open.map(({ ruleId }) => ruleId).sort());
    }
  });
});
