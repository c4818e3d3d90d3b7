import { resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import codecModernization from '../rules/codec-modernization.js';
import containerModernize from '../rules/container-modernize.js';
import storageOptimization from '../rules/storage-optimization.js';
import { openRules, type Rules } from '../src/catalog/rules.js';
import { collectFacts, factsOf, LiveFacts } from '../src/domain/facts.js';
import type { LibraryItem } from '../src/domain/library.js';
import type { Facts, Rule, Subject } from '../src/domain/rule.js';
import { createLog } from '../src/lib/log.js';
import { figure, median, timed, type Figure } from './figure.js';
import { manyItems } from './items.js';

const COUNT = 100_000;
const ROUNDS = 3;
const CHANGES = 200;
const BUILT_IN = [codecModernization, containerModernize, storageOptimization] as unknown as Rule[];

/** All rules over 100,000 items in their watched thread, beside calling them directly. */
export async function benchRules(): Promise<Figure[]> {
  const items = manyItems(COUNT);
  const facts = collectFacts(items);
  const rules = await openRules({
    builtInDir: resolve(import.meta.dirname, '../rules'),
    userDir: null,
    log: createLog('silent'),
  });
  try {
    await runAll(rules, items.slice(0, 5000), facts);
    bare(items.slice(0, 5000), facts);
    const threaded: number[] = [];
    const blocked: number[] = [];
    const direct: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      direct.push(await timed(() => bare(items, facts)));
      const delay = monitorEventLoopDelay({ resolution: 1 });
      await new Promise((done) => setTimeout(done, 50));
      delay.enable();
      threaded.push(await timed(() => runAll(rules, items, facts)));
      delay.disable();
      blocked.push(delay.max / 1e6);
    }
    return [
      figure({
        id: 'rules-all',
        what: `every built-in rule over ${COUNT} items, sending them to the thread included`,
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
        goal: '<= 30 ms',
        holds: median(blocked) <= 30,
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
