// The rules benchmark in a process of its own, as the program is started.
import { resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import audioOptimization from '../rules/audio-optimization.js';
import batchSimilar from '../rules/batch-similar.js';
import codecModernization from '../rules/codec-modernization.js';
import containerModernize from '../rules/container-modernize.js';
import duplicateDetection from '../rules/duplicate-detection.js';
import hdrToSdr from '../rules/hdr-to-sdr.js';
import qualityGap from '../rules/quality-gap.js';
import qualityOverkill from '../rules/quality-overkill.js';
import storageOptimization from '../rules/storage-optimization.js';
import { openPresets } from '../src/catalog/presets.js';
import { openRules, type Rules } from '../src/catalog/rules.js';
import { collectFacts, factsOf, LiveFacts } from '../src/domain/rules/facts.js';
import type { LibraryItem } from '../src/domain/library/library.js';
import type { Facts, Rule, Subject } from '../src/domain/rules/rule.js';
import { createLog } from '../src/lib/log.js';
import { answer } from './child.js';
import { figure, median, timed, type Figure } from './figure.js';
import { manyItems } from './items.js';

const COUNT = 100_000;
const ROUNDS = 3;
const CHANGES = 200;
const BUILT_IN = [
  ...[audioOptimization, batchSimilar, codecModernization, containerModernize, duplicateDetection],
  ...[hdrToSdr, qualityGap, qualityOverkill, storageOptimization],
] as unknown as Rule[];

/** Films and episodes; one in ten held twice, HDR in 4K, lossless sound, old containers. The same every time. */
function mixedItems(count: number): LibraryItem[] {
  return manyItems(count).map((item, n) => {
    const [file] = item.files;
    if (!file?.video) return item;
    const isUhd = file.video.width === 3840;
    const hdr = isUhd ? (['hdr10', 'sdr', 'dolby-vision', 'hlg'] as const)[(n >> 2) % 4] : 'sdr';
    const [track] = file.audio;
    const audio = track && n % 3 === 0 ? [{ ...track, codec: 'truehd', channels: 8 }, track] : file.audio;
    const path = n % 11 === 0 ? file.path.replace('.mkv', '.avi') : file.path;
    const mine = { ...file, path, audio, video: { ...file.video, hdr: hdr ?? 'sdr' } };
    const smaller = {
      ...mine,
      id: `${file.id}-b`,
      path: `${path}.720p.mkv`,
      video: { ...mine.video, width: 1280, height: 720 },
    };
    const isEpisode = n % 2 === 0;
    const about = isEpisode
      ? {
          type: 'episode' as const,
          show: `Show ${n >> 5}`,
          season: 1,
          episode: (n >> 1) % 16,
          guid: `plex://episode/${n}`,
        }
      : { guid: `plex://movie/${n - (n % 20 === 1 ? 2 : 0)}` };
    return { ...item, ...about, files: n % 10 === 4 ? [mine, smaller] : [mine] };
  });
}

/** All rules over 100,000 items in their watched thread, beside calling them directly. */
async function measureRules(): Promise<Figure[]> {
  const items = mixedItems(COUNT);
  const facts = collectFacts(items);
  const presets = await openPresets({ builtInDir: resolve(import.meta.dirname, '../presets'), userDir: null });
  const rules = await openRules({
    builtInDir: resolve(import.meta.dirname, '../rules'),
    userDir: null,
    log: createLog('silent'),
    presets: () => Promise.resolve(presets.list()),
  });
  try {
    await runAll(rules, items.slice(0, 5000), facts);
    bare(items.slice(0, 5000), facts);
    const rssBefore = process.memoryUsage.rss();
    let highest = rssBefore;
    const sampler = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 50);
    const threaded: number[] = [];
    const blocked: number[] = [];
    const direct: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      direct.push(await timed(() => bare(items, facts)));
      const delay = monitorEventLoopDelay({ resolution: 1 });
      await new Promise((done) => setTimeout(done, 50));
      delay.enable();
      const before = await rules.threadMs();
      await runAll(rules, items, facts);
      threaded.push((await rules.threadMs()) - before);
      delay.disable();
      blocked.push(delay.max / 1e6);
    }
    clearInterval(sampler);
    return [
      figure({
        id: 'rules-memory',
        what: `growth of the process while all rules looked at ${COUNT} items`,
        value: (highest - rssBefore) / 1e6,
        unit: 'MB',
        yardstick: 'the process before, the library in it',
        yardstickValue: rssBefore / 1e6,
        goal: '<= 100 MB',
        holds: highest - rssBefore <= 100e6,
      }),
      figure({
        id: 'rules-all',
        what: `all nine rules over ${COUNT} mixed items: what their thread worked, receiving and answering included`,
        value: median(threaded),
        unit: 'ms',
        yardstick: 'the same rules called directly',
        yardstickValue: median(direct),
        goal: '<= 2000 ms',
        holds: median(threaded) <= 2000,
      }),
      figure({
        id: 'rules-blocked',
        what: 'longest block of the event loop meanwhile',
        value: median(blocked),
        unit: 'ms',
        yardstick: 'the same rules called directly',
        yardstickValue: median(direct),
        goal: '<= 25 ms',
        holds: median(blocked) <= 25,
      }),
      await oneItem(rules, items),
    ];
  } finally {
    await rules.close();
  }
}

function* subjectsOf(items: readonly LibraryItem[]): Generator<Subject> {
  for (const item of items) for (const file of item.files) yield { item, file };
}

const callsOf = (rules: Rules) => rules.list().map(({ id }) => ({ ruleId: id, options: {} }));

async function runAll(rules: Rules, items: readonly LibraryItem[], facts: Facts): Promise<number> {
  let findings = 0;
  for await (const part of rules.evaluateMany(subjectsOf(items), callsOf(rules), facts))
    findings += part.findings.length;
  return findings;
}

function bare(items: readonly LibraryItem[], { snapshot, copiesOf }: Facts): number {
  const facts = factsOf(snapshot, copiesOf);
  const rules = BUILT_IN.map((rule) => ({ rule, options: rule.options.parse({}) }));
  let findings = 0;
  for (const subject of subjectsOf(items))
    for (const { rule, options } of rules) if (rule.evaluate(subject, options, facts)) findings++;
  return findings;
}

/** What one new item costs once its library is known: its share of the facts, and the word of every rule. */
async function oneItem(rules: Rules, items: readonly LibraryItem[]): Promise<Figure> {
  const live = new LiveFacts(() => null);
  for (const item of items) live.set(item.id, item);
  live.snapshot();
  const some = items.slice(0, CHANGES);
  const each: number[] = [];
  for (const item of some) {
    each.push(
      await timed(() => {
        live.set(item.id, { ...item, plays: item.plays + 1 });
        return rules.evaluate([...subjectsOf([item])], callsOf(rules), {
          snapshot: live.snapshot(),
          copiesOf: (id) => live.copiesOf(id),
        });
      }),
    );
  }
  const pass = await timed(() => collectFacts(items));
  return figure({
    id: 'rules-one-item',
    what: `facts and every rule for one changed item of ${COUNT} (median)`,
    value: median(each),
    unit: 'ms',
    yardstick: 'collecting the facts anew',
    yardstickValue: pass,
    goal: '<= 5 ms',
    holds: median(each) <= 5,
  });
}

answer(await measureRules());
