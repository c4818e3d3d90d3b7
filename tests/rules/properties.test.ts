import { expect } from 'chai';
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { openPresets } from '../../src/catalog/presets.js';
import { videoKbps } from '../../src/domain/recommendations/codec-worth.js';
import { collectFacts, factsOf } from '../../src/domain/rules/facts.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { MediaFile } from '../../src/domain/library/media.js';
import type { Preset } from '../../src/domain/presets/preset.js';
import { foundAgain, loopProblem } from '../../src/domain/rules/loop.js';
import { Finding, type LibraryFacts, type Rule } from '../../src/domain/rules/rule.js';
import { aFile, anItem } from '../support/builders.js';

/** Of all rules together; `ALL_PROFILES=1` shows as many to each of them. */
const RUNS = 10_000;
const dir = resolve(import.meta.dirname, '../../rules');
const ids = readdirSync(dir)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));

/** Rules by their id. */
const rules = new Map<string, Rule>();
let presets: Preset[] = [];

const codec = fc.constantFrom(
  ...['h264', 'hevc', 'av1', 'vp9', 'mpeg4', 'mpeg2video', 'mpeg1video', 'msmpeg4v3', 'vc1', 'wmv3', 'theora'],
  ...['vvc', 'prores', '', 'unknown', '__proto__', 'constructor'],
);
const count = fc.oneof(fc.constant(0), fc.nat(200_000_000), fc.integer({ min: 0, max: 2 ** 52 }));
const kbps = fc.option(
  fc.oneof(fc.constant(0), fc.nat(60_000), fc.nat(400_000), fc.double({ min: 0, max: 1e9, noNaN: true })),
);
const side = fc.oneof(fc.constantFrom(720, 576, 1280, 1920, 800, 1080, 2160, 3840), fc.nat(8192));
const text = fc.option(fc.oneof(fc.constantFrom('Dolby Atmos', 'DTS-HD MA', 'ma', 'eng'), fc.string({ maxLength: 8 })));
const video = fc.option(
  fc.record({
    codec,
    width: side,
    height: side,
    bitrateKbps: kbps,
    bitDepth: fc.option(fc.constantFrom(8, 10, 12)),
    hdr: fc.constantFrom(
      'sdr' as const,
      'hdr10' as const,
      'hdr10plus' as const,
      'hlg' as const,
      'dolby-vision' as const,
    ),
    fps: fc.option(fc.constantFrom(0, 23.976, 25, 50, 60)),
  }),
  { freq: 12 },
);
const track = fc.record({
  codec: fc.constantFrom('truehd', 'dts', 'flac', 'pcm_s24le', 'mlp', 'ac3', 'eac3', 'aac', 'opus', '', 'dca'),
  channels: fc.constantFrom(0, 1, 2, 6, 7, 8, 16),
  bitrateKbps: kbps,
  language: text,
  title: text,
  profile: text,
});
const name = fc.constantFrom(
  'a.mkv',
  'A Film (1999) REMUX.mkv',
  'b.avi',
  'c.TS',
  'Show S01E01-E02.mkv',
  'x-sample.mp4',
  '',
  '.',
  'd.wmv',
);
const file = fc
  .record({
    id: fc.constantFrom('1', '2', '3'),
    path: fc.oneof({ weight: 4, arbitrary: name.map((one) => `/share/${one}`) }, { weight: 1, arbitrary: fc.string() }),
    sizeBytes: fc.oneof(
      count,
      fc.integer({ min: 20, max: 90 }).map((gb) => gb * 1e9),
    ),
    durationMs: fc.oneof(fc.constantFrom(0, 1, 6_600_000, 6_700_000), fc.nat(14_000_000)),
    bitrateKbps: kbps,
    container: fc.constantFrom('mkv', 'mp4', 'mov', 'avi', 'mpegts', ''),
    video,
    audio: fc.array(track, { maxLength: 3 }),
    detailed: fc.boolean(),
    optimized: fc.boolean().map((is) => is),
    stackedParts: fc.constantFrom(1, 1, 1, 2),
  })
  .map(({ video: picture, ...rest }) => aFile({ ...rest, video: picture }));
const item = fc
  .record({
    files: fc.uniqueArray(file, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
    plays: fc.nat(5),
    id: fc.nat(3),
  })
  .map(({ id, ...rest }) => anItem({ ...rest, id: `item-${id}` }));

/** Any options that the rule's own schema takes. */
function optionsOf(rule: Rule): fc.Arbitrary<Record<string, unknown>> {
  const { properties = {} } = z.toJSONSchema(rule.options, { io: 'input' });
  const each = Object.entries(properties).map(([key, schema]): [string, fc.Arbitrary<unknown>] => {
    if (typeof schema !== 'object') return [key, fc.constant(undefined)];
    const { type, minimum = 0, maximum = 1000 } = schema;
    if (key === 'preset') return [key, fc.constantFrom(schema.default, ...presets.map(({ id }) => id))];
    if (type === 'boolean') return [key, fc.boolean()];
    if (type === 'integer') return [key, fc.integer({ min: minimum, max: maximum })];
    if (type === 'number') return [key, fc.double({ min: minimum, max: maximum, noNaN: true })];
    throw new Error(`how is ${key} drawn at random?`);
  });
  return fc.record(Object.fromEntries(each), { requiredKeys: [] });
}

/** Eight channels of 24 bit at 96 kHz. */
const MOST_LOSSLESS_KBPS = 18_432;
/** What the lossy codecs can hold at most: by their specifications; AAC at 96 kHz in eight channels, Opus in four pairs. */
const MOST_LOSSY_KBPS: ReadonlyMap<string, number> = new Map([
  ['aac', 4608],
  ['ac3', 640],
  ['eac3', 6144],
  ['opus', 2040],
]);

/** As large as its bit rates and its length say: a size that nothing explains, or a sound that nothing makes, is no film. */
function sized(drawn: MediaFile): MediaFile {
  const audio = drawn.audio.map((track) => ({
    ...track,
    bitrateKbps:
      track.bitrateKbps === null
        ? null
        : Math.min(MOST_LOSSY_KBPS.get(track.codec) ?? MOST_LOSSLESS_KBPS, track.bitrateKbps),
  }));
  const one = { ...drawn, audio };
  const rate = (videoKbps(one) ?? 8000) + one.audio.reduce((sum, { bitrateKbps }) => sum + (bitrateKbps ?? 0), 0);
  return { ...one, sizeBytes: Math.round((rate * one.durationMs) / 8) };
}

const eager: LibraryFacts = {
  ...{ averageBitrateKbps: () => 9000, averageWorthKbps: () => 9000, sizeRank: () => 1, similar: () => 99_999 },
  copiesOf: () => [],
};

describe('any rule, any file, any options', () => {
  before(async () => {
    for (const id of ids) {
      const module = (await import(`${dir}/${id}.ts`)) as { default: Rule };
      rules.set(id, module.default);
    }
    presets = (await openPresets({ builtInDir: resolve(dir, '../presets'), userDir: null })).list();
  });

  it('knows nine rules or more', () => {
    expect(rules.size).to.be.at.least(9);
  });

  for (const id of ids) {
    it(`${id} never throws, finds what parses, says the same twice, and can say why not`, () => {
      const rule = rules.get(id);
      if (!rule) throw new Error(`there is no rule ${id}`);
      fc.assert(
        fc.property(
          fc.array(item, { minLength: 1, maxLength: 2 }),
          optionsOf(rule),
          fc.boolean(),
          (items, raw, isEager) => {
            const options = rule.options.parse(raw);
            const unique = [...new Map(items.map((one) => [one.id, one])).values()];
            const { snapshot, copiesOf } = collectFacts(unique);
            const facts = isEager
              ? { ...eager, copiesOf: (one: LibraryItem) => copiesOf(one.id) }
              : factsOf(snapshot, copiesOf);
            for (const one of unique)
              for (const looked of one.files) {
                const subject = { item: one, file: looked };
                const before = JSON.stringify(subject);
                const finding = rule.evaluate(subject, options, facts);
                expect(rule.evaluate(subject, options, facts)).to.deep.equal(finding);
                expect(JSON.stringify(subject)).to.equal(before);
                const said = finding ? Finding.parse(finding).reason : (rule.whyNot?.(subject, options, facts) ?? '');
                expect(said)
                  .to.match(/\S/)
                  .and.not.match(/undefined|NaN|Infinity|\[object/);
                if (finding)
                  expect(finding.preset === null).to.equal(finding.kind === 'review' || finding.kind === 'search');
              }
          },
        ),
        { numRuns: process.env['ALL_PROFILES'] ? RUNS : Math.ceil(RUNS / ids.length) },
      );
    });

    it(`${id} never finds what came out of its own proposal, with any options that may be saved`, () => {
      const rule = rules.get(id);
      if (!rule) throw new Error(`there is no rule ${id}`);
      const verdicts = new Map<string, string | null>();
      const mayBeSaved = (options: Record<string, unknown>): boolean => {
        const key = JSON.stringify(options);
        if (!verdicts.has(key)) verdicts.set(key, loopProblem(rule, options, presets));
        return verdicts.get(key) === null;
      };
      fc.assert(
        fc.property(optionsOf(rule), fc.array(item, { minLength: 20, maxLength: 40 }), (raw, items) => {
          const options = rule.options.parse(raw);
          if (!mayBeSaved(options)) return;
          for (const one of items)
            for (const looked of one.files.map(sized))
              expect(
                foundAgain(rule, { subject: { item: one, file: looked }, options, presets, facts: eager }),
              ).to.equal(null);
        }),
        { numRuns: process.env['ALL_PROFILES'] ? 500 : 25 },
      );
    });

    it(`${id} may be saved as it is delivered`, () => {
      const rule = rules.get(id);
      expect(rule && loopProblem(rule, rule.options.parse({}), presets)).to.equal(null);
    });
  }
});
