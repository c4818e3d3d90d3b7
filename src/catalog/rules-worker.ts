import { register } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { factsOf } from '../domain/rules/facts.js';
import type { LibraryItem } from '../domain/library/library.js';
import { Finding, type LibraryFacts, type Rule } from '../domain/rules/rule.js';
import { loopProblem } from '../domain/rules/loop.js';
import { refusedFields } from '../lib/plain-refusals.js';
import type {
  Answer,
  Ask,
  CheckAnswer,
  EvaluateAnswer,
  LoadAnswer,
  ParseAnswer,
  ThreadPlaces,
} from './rules-protocol.js';

/**
 * The thread in which rules run. It may die at any time; the main thread then reads from `state` which rule was
 * running. It is started without environment, so a rule sees no secrets.
 */
const places = workerData as ThreadPlaces;
const state = new Int32Array(places.state);
const rules = new Map<number, Rule>();

/**
 * Lets a rule in any folder import `mediaflow/rule` and `zod`, the same ones that are used here, and keeps the
 * owner's rules, and whatever they import, from Node's modules and from code that lies in no file. A rule is a module,
 * whatever a `package.json` near it says, or none: nobody has to guess, and some loaders guess wrong. Source text, because
 * Node runs it in a thread of its own.
 */
const HOOKS = `
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
let places;
export function initialize(given) { places = given; }
export function resolve(specifier, context, next) {
  if (specifier === 'mediaflow/rule') return next(places.rule, context);
  if (specifier === 'zod') return next(specifier, { ...context, parentURL: places.parent });
  if (isTheirs(context.parentURL ?? 'node:') && (isBuiltin(specifier) || /^(?!file:)[a-z][a-z0-9+.-]+:/i.test(specifier)))
    throw new Error('a rule may only think: it may not import ' + specifier.slice(0, 100));
  return next(specifier, context);
}
function isTheirs(url) {
  if (url.startsWith('node:')) return false;
  return !url.startsWith(places.own) || (places.userDir !== null && url.startsWith(places.userDir));
}
export async function load(url, context, next) {
  if (places.userDir === null || !url.startsWith(places.userDir) || !new URL(url).pathname.endsWith('.js')) return next(url, context);
  return { format: 'module', source: await readFile(new URL(url)), shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
  data: {
    ...{ rule: places.rule, parent: places.parent, userDir: places.userDir },
    // The folder in which everything of ours lies, with the libraries.
    own: import.meta.resolve('zod').replace(/node_modules\/.*$/, ''),
  },
});
keepToThinking();

/**
 * Takes from this thread what leads past the modules: to Node's own, to other processes, to the network. This keeps
 * mistakes in; it is no wall against a rule that means harm.
 */
function keepToThinking(): void {
  const taken: [object, readonly string[]][] = [
    [process, ['getBuiltinModule', 'binding', '_linkedBinding', 'dlopen', 'kill', '_kill']],
    [globalThis, ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']],
  ];
  for (const [owner, names] of taken) {
    for (const name of names) Object.defineProperty(owner, name, { value: undefined });
  }
}

const Shape = z.object({
  title: z.string().min(1).max(80),
  docs: z.object({ what: z.string().min(1), why: z.string().min(1), whenNotToUse: z.string().min(1) }),
  options: z.custom<z.ZodObject>(
    (value) => (value as { _zod?: { def?: { type?: string } } } | null)?._zod?.def?.type === 'object',
    'must be a z.object(...)',
  ),
  perGroup: z.literal(true).optional(),
  evaluate: z.custom<Rule['evaluate']>((value) => typeof value === 'function', 'must be a function'),
});

const LONGEST_REASON = 400;

/** Tells the watching main thread that another rule runs from here on. */
function mark(rule: number): void {
  Atomics.store(state, 0, rule);
  Atomics.add(state, 1, 1);
}

const issuesOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.') || 'the rule'}: ${message}`).join('; ');

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return issuesOf(error);
  return error instanceof Error ? error.message : String(error);
}

async function load(rule: number, url: string, limitMs: number): Promise<LoadAnswer> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => {
      reject(new Error(`it did not finish loading within ${limitMs} ms`));
    }, limitMs).unref();
  });
  const module = (await Promise.race([import(url), late])) as { default?: unknown };
  if (module.default === undefined)
    throw new Error('it has no default export; write export default defineRule({ ... })');
  const shape = Shape.parse(module.default);
  const defaults = shape.options.safeParse({});
  if (!defaults.success) throw new Error(`every option needs a default (${issuesOf(defaults.error)})`);
  rules.set(rule, module.default as Rule);
  return {
    title: shape.title,
    docs: shape.docs,
    perGroup: shape.perGroup === true,
    optionsSchema: plain(z.toJSONSchema(shape.options, { io: 'input', unrepresentable: 'any' })),
    defaults: plain(defaults.data),
  };
}

/** Only what JSON can hold, so that nothing of the rule leaves this thread. */
const plain = (value: unknown): Record<string, z.core.util.JSONType> =>
  JSON.parse(JSON.stringify(value)) as Record<string, z.core.util.JSONType>;

function ruleOf(number: number): Rule {
  const rule = rules.get(number);
  if (!rule) throw new Error('it is not loaded');
  return rule;
}

function parse(rule: number, options: Record<string, unknown>): ParseAnswer {
  const parsed = ruleOf(rule).options.safeParse(options);
  if (parsed.success) return { options: plain(parsed.data) };
  return { fields: refusedFields(ruleOf(rule).options, parsed.error) };
}

function check({ rule: number, options, presets, limitMs }: Ask & { kind: 'check' }): CheckAnswer {
  const rule = ruleOf(number);
  const parsed = rule.options.safeParse(options);
  // Options that do not fit are told of when the rule runs.
  if (!parsed.success) return { loop: null };
  const end = performance.now() + limitMs;
  return { loop: loopProblem(rule, parsed.data, presets, () => performance.now() > end) };
}

/** A rule that changed what it was shown would mislead the rules after it. */
function freeze(item: LibraryItem): void {
  for (const file of item.files) {
    for (const part of [file.video, file.audio, file.subtitles, file]) if (part) Object.freeze(part);
  }
  Object.freeze(item.files);
  Object.freeze(item);
}

function evaluate(ask: Ask & { kind: 'evaluate' }): EvaluateAnswer {
  const { items, picks, calls, facts, copies, reasons } = ask;
  items.forEach(freeze);
  for (const others of copies.values()) others.forEach(freeze);
  const known = factsOf(facts, (itemId) => copies.get(itemId) ?? []);
  const answer: EvaluateAnswer = { findings: [], refusals: [], ms: [], problems: [] };
  calls.forEach(({ rule, options }, call) => {
    mark(rule);
    const start = performance.now();
    try {
      const { found, refused } = look(ruleOf(rule), options, { items, picks, facts: known, reasons });
      for (const [pick, finding] of found) answer.findings.push([call, pick, finding]);
      for (const [pick, reason] of refused) answer.refusals.push([call, pick, reason]);
    } catch (error) {
      answer.problems.push([call, messageOf(error)]);
    }
    answer.ms.push(performance.now() - start);
  });
  return answer;
}

function look(
  rule: Rule,
  raw: Record<string, unknown>,
  {
    items,
    picks,
    facts,
    reasons,
  }: Pick<Ask & { kind: 'evaluate' }, 'items' | 'picks' | 'reasons'> & {
    facts: LibraryFacts;
  },
): { found: [number, Finding][]; refused: [number, string][] } {
  const options = rule.options.safeParse(raw);
  if (!options.success) throw new Error(`its options do not fit any more (${issuesOf(options.error)})`);
  const found: [number, Finding][] = [];
  const refused: [number, string][] = [];
  picks.forEach(([itemIndex, fileIndex], pick) => {
    const item = items[itemIndex];
    const file = item?.files[fileIndex];
    if (!item || !file) return;
    const finding: unknown = rule.evaluate({ item, file }, options.data, facts);
    if (finding === null || finding === undefined) {
      const reason = reasons ? reasonOf(() => rule.whyNot?.({ item, file }, options.data, facts)) : null;
      if (reason !== null) refused.push([pick, reason]);
      return;
    }
    const checked = Finding.safeParse(finding);
    if (!checked.success) throw new Error(`it returned something that is not valid (${issuesOf(checked.error)})`);
    found.push([pick, checked.data]);
  });
  return { found, refused };
}

/** What it says, if anything: a rule that cannot explain itself is none the worse for it. */
function reasonOf(explain: () => unknown): string | null {
  try {
    const reason = explain();
    return typeof reason === 'string' && reason !== '' ? reason.slice(0, LONGEST_REASON) : null;
  } catch {
    return null;
  }
}

async function answer(ask: Ask): Promise<LoadAnswer | ParseAnswer | CheckAnswer | EvaluateAnswer> {
  switch (ask.kind) {
    case 'load':
      mark(ask.rule);
      return load(ask.rule, ask.url, ask.limitMs);
    case 'parse':
      mark(ask.rule);
      return parse(ask.rule, ask.options);
    case 'check':
      mark(ask.rule);
      return check(ask);
    case 'evaluate':
      return evaluate(ask);
  }
}

async function reply(ask: Ask): Promise<void> {
  let sent: Answer<LoadAnswer | ParseAnswer | CheckAnswer | EvaluateAnswer>;
  try {
    sent = { answer: await answer(ask) };
  } catch (error) {
    sent = { problem: messageOf(error) };
  }
  mark(-1);
  parentPort?.postMessage(sent);
}

parentPort?.on('message', (ask: Ask) => void reply(ask));
parentPort?.postMessage('ready');
