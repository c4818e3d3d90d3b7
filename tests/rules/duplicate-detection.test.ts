import { expect } from 'chai';
import fc from 'fast-check';
import rule from '../../rules/duplicate-detection.js';
import { collectFacts, factsOf } from '../../src/domain/rules/facts.js';
import type { LibraryItem } from '../../src/domain/library/library.js';
import type { AudioStream, MediaFile, VideoStream } from '../../src/domain/library/media.js';
import { aFile, anItem } from '../support/builders.js';
import { ruleTest } from '../support/rule-test.js';

type Change = Partial<Omit<MediaFile, 'video'>> & { video?: Partial<VideoStream> | null };

/** A file with an id and a name of its own. */
const file = (n: number, change: Change = {}): MediaFile =>
  aFile({ id: `f-${n}`, path: `/share/A Film (1999)/A Film (1999) ${n}.mkv`, ...change });
/** One title that holds these. */
const merged = (...files: MediaFile[]): LibraryItem => anItem({ files });
/** A title of its own for each of these: the same film, by its guid. */
const apart = (n: number, one: MediaFile, change: Partial<LibraryItem> = {}): LibraryItem =>
  anItem({ id: `item-${n}`, ratingKey: `${n}`, files: [one], ...change });
const named = (n: number, name: string, change: Change = {}): MediaFile =>
  file(n, { path: `/share/Films/${name}`, ...change });
const sound = (
  codec: string,
  channels: number,
  language: string | null = 'eng',
  profile: string | null = null,
): AudioStream => ({
  codec,
  channels,
  bitrateKbps: null,
  language,
  title: null,
  profile,
});
const HD = { width: 1280, height: 720 };
const UHD = { width: 3840, height: 2160 };

ruleTest('duplicate-detection', rule, {
  flags: {
    'the smaller picture': {
      item: merged(file(1, { video: HD }), file(2)),
      finding: {
        kind: 'review',
        preset: null,
        severity: 'medium',
        keep: { itemId: '01234567-101', fileId: 'f-2' },
        reason:
          'Held 2 times; the version that stays has 1080p instead of 720p (1080p, 14 Mbit/s H.264, 5.1 sound, against 720p, 14 Mbit/s H.264, 5.1 sound here), and this one takes 12 GB',
      },
    },
    'a copy in a title of its own': {
      item: apart(1, file(1, { video: HD })),
      library: [apart(2, file(2))],
      finding: { keep: { itemId: 'item-2', fileId: 'f-2' } },
    },
    'a copy without HDR': {
      item: merged(file(1, { video: UHD }), file(2, { video: { ...UHD, codec: 'hevc', hdr: 'dolby-vision' } })),
      finding: { keep: { itemId: '01234567-101', fileId: 'f-2' } },
    },
    'a WEBRip beside a Blu-ray': {
      item: merged(named(1, 'A Film (1999) WEBRip.mkv'), named(2, 'A Film (1999) Bluray-1080p.mkv')),
      finding: {},
    },
    'a Blu-ray encode beside the remux': {
      item: merged(named(1, 'A Film 1999 BluRay x264.mkv'), named(2, 'A Film 1999 BluRay REMUX.mkv')),
      finding: {},
    },
    'a cinema recording, whatever its size': {
      item: merged(
        named(1, 'A Film 1999 HDCAM.mkv'),
        named(2, 'A Film 1999 DVDRip.avi', { video: { width: 720, height: 404 } }),
      ),
      finding: { keep: { itemId: '01234567-101', fileId: 'f-2' } },
    },
    'fewer bits of the same codec': {
      item: merged(file(1, { video: { bitrateKbps: 4000 } }), file(2)),
      finding: {},
    },
    'more bits of an older codec that are worth less': {
      item: merged(
        file(1, { video: { codec: 'mpeg2video', bitrateKbps: 9000 } }),
        file(2, { video: { codec: 'hevc', bitrateKbps: 6000 } }),
      ),
      finding: { keep: { itemId: '01234567-101', fileId: 'f-2' } },
    },
    'lossy sound beside lossless': {
      item: merged(file(1), file(2, { audio: [sound('truehd', 6)] })),
      finding: {},
    },
    'stereo beside surround': { item: merged(file(1, { audio: [sound('aac', 2)] }), file(2)), finding: {} },
    'the larger of two that are alike': {
      item: merged(file(1, { sizeBytes: 21e9 }), file(2)),
      finding: { severity: 'high', keep: { itemId: '01234567-101', fileId: 'f-2' } },
    },
    'the second of two that are the same': {
      item: merged(file(1), file(2)),
      file: 1,
      finding: { severity: 'medium', keep: { itemId: '01234567-101', fileId: 'f-1' } },
    },
    'a small file': {
      item: merged(file(1, { sizeBytes: 1e9, video: HD }), file(2)),
      finding: { severity: 'low' },
    },
    'the smaller one of 4K and 1080p when told so': {
      item: merged(file(1), file(2, { video: UHD })),
      options: { keepBest4kAnd1080: false },
      finding: { keep: { itemId: '01234567-101', fileId: 'f-2' } },
    },
    'a copy in another library when told so': {
      item: apart(1, file(1, { video: HD })),
      library: [apart(2, file(2), { sectionId: '2' })],
      options: { acrossLibraries: true },
      finding: { keep: { itemId: 'item-2', fileId: 'f-2' } },
    },
    'one with a language of its own when told so': {
      item: merged(file(1, { video: HD, audio: [sound('ac3', 6, 'ger')] }), file(2)),
      options: { keepLanguages: false },
      finding: {},
    },
    'one whose streams were not read': {
      item: merged(file(1, { video: { ...HD, bitrateKbps: null }, audio: [], detailed: false }), file(2)),
      finding: {},
    },
    'an episode': {
      item: merged(
        named(1, 'Show - S01E01 - HDTV-720p.mkv', { video: HD }),
        named(2, 'Show - S01E01-1080p WEB-DL.mkv'),
      ),
      finding: {},
    },
    'a worse copy beside another cut that is longer': {
      item: merged(file(1, { video: HD }), file(2), file(3, { durationMs: 9_000_000 })),
      finding: { keep: { itemId: '01234567-101', fileId: 'f-2' } },
    },
    'an unknown codec': { item: merged(file(1, { video: { codec: 'vvc', ...HD } }), file(2)), finding: {} },
  },
  ignores: {
    'the version that stays': { item: merged(file(1), file(2, { video: HD })), whyNot: /best of 2 versions/ },
    'the first of two that are the same': { item: merged(file(1), file(2)), whyNot: /best of 2/ },
    'a title held once': { item: merged(file(1)), whyNot: /No other version/ },
    'a copy in another library': {
      item: apart(1, file(1, { video: HD })),
      library: [apart(2, file(2), { sectionId: '2' })],
      whyNot: /in another library/,
    },
    'another edition in a title of its own': {
      item: apart(1, file(1, { video: HD })),
      library: [apart(2, file(2), { edition: "Director's Cut" })],
      whyNot: /No other version/,
    },
    'another edition by its name': {
      item: merged(named(1, 'A Film (1999) {edition-Extended}.mkv', { video: HD }), named(2, 'A Film (1999).mkv')),
      whyNot: /another cut, edition/,
    },
    'a directors cut by its name': {
      item: merged(named(1, "A Film (1999) Director's Cut.mkv", { video: HD }), named(2, 'A Film (1999).mkv')),
    },
    '3D': { item: merged(named(1, 'A Film (1999) 3D H-SBS.mkv', { video: HD }), named(2, 'A Film (1999).mkv')) },
    'one in 4K and one smaller': { item: merged(file(1), file(2, { video: UHD })), whyNot: /class of resolution/ },
    'another server': {
      item: apart(1, file(1, { video: HD })),
      library: [apart(2, file(2), { serverId: 'f'.repeat(40) })],
    },
    'another film': {
      item: apart(1, file(1, { video: HD })),
      library: [apart(2, file(2), { guid: 'plex://movie/other' })],
    },
    'an optimized version': {
      item: merged(file(1, { video: HD, optimized: true }), file(2)),
      whyNot: /small devices/,
    },
    'the original of an optimized version': { item: merged(file(1), file(2, { video: UHD, optimized: true })) },
    'stacked parts': { item: merged(file(1, { stackedParts: 2, video: HD }), file(2)), whyNot: /several parts/ },
    'a file with two episodes': {
      item: merged(named(1, 'Show S01E01E02.mkv', { video: HD }), named(2, 'Show S01E01.mkv')),
      whyNot: /several episodes/,
    },
    'a file with a range of episodes': {
      item: merged(named(1, 'Show S01E01-E02.mkv', { video: HD }), named(2, 'Show S01E01.mkv')),
      whyNot: /several episodes/,
    },
    'a file with a short range of episodes': {
      item: merged(named(1, 'Show S01E01-02.mkv', { video: HD }), named(2, 'Show S01E01.mkv')),
      whyNot: /several episodes/,
    },
    'an episode beside a file with several': {
      item: merged(named(1, 'Show S01E01.mkv', { video: HD }), named(2, 'Show 1x01-1x02.mkv')),
    },
    'a sample': { item: merged(named(1, 'a-film-sample.mkv', { video: HD }), file(2)), whyNot: /sample/ },
    'a trailer': { item: merged(named(1, 'A Film (1999)-trailer.mkv', { video: HD }), file(2)), whyNot: /sample/ },
    'an extra by its folder': {
      item: merged(named(1, 'A Film (1999)/Featurettes/Making it.mkv', { video: HD }), file(2)),
      whyNot: /extra/,
    },
    'what is far shorter': { item: merged(file(1, { video: HD, durationMs: 120_000 }), file(2)), whyNot: /cut/ },
    'another cut': {
      item: merged(file(1, { video: HD, durationMs: 6_000_000 }), file(2, { durationMs: 6_600_000 })),
      whyNot: /another cut/,
    },
    'the same file listed twice in a title': {
      item: merged(file(1, { path: '/share/a.mkv' }), file(2, { path: '/share/a.mkv', video: HD })),
      file: 1,
    },
    'the same file listed in two titles': {
      item: apart(2, file(2, { path: '/share/a.mkv' })),
      library: [apart(1, file(1, { path: '/share/a.mkv' })), apart(3, file(3, { video: UHD }))],
    },
    'an unknown video': { item: merged(file(1, { video: null }), file(2)), whyNot: /not read/ },
    'a picture without size': { item: merged(file(1, { video: { width: 0, height: 0 } }), file(2)) },
    'an unknown size': { item: merged(file(1, { sizeBytes: 0, video: HD }), file(2)), whyNot: /size or its length/ },
    'an unknown length': { item: merged(file(1, { durationMs: 0, video: HD }), file(2)), whyNot: /size or its length/ },
    'sound in a language that the better version lacks': {
      item: merged(file(1, { video: HD, audio: [sound('ac3', 6, 'ger')] }), file(2)),
      whyNot: /sound in ger/,
    },
  },
});

describe('copies of a title', () => {
  const [length, name] = [
    fc.constantFrom(0, 6_000_000, 6_300_000, 6_600_000, 7_500_000),
    fc.constantFrom('', ' WEBRip', ' REMUX', ' HDCAM'),
  ];
  const copies = fc
    .array(
      fc.record({
        length,
        name,
        codec: fc.constantFrom('h264', 'hevc', 'mpeg2video', 'vvc'),
        size: fc.constantFrom<[number, number]>([3840, 2160], [1920, 1080], [1920, 800], [1280, 720], [720, 576]),
        kbps: fc.option(fc.integer({ min: 500, max: 60_000 })),
        hdr: fc.constantFrom('sdr' as const, 'hdr10' as const, 'dolby-vision' as const),
        channels: fc.constantFrom(0, 2, 6, 8),
        sizeBytes: fc.constantFrom(0, 2_000_000_000, 9_000_000_000, 40_000_000_000),
        title: fc.nat(3),
        path: fc.nat(9),
      }),
      { minLength: 2, maxLength: 8 },
    )
    .map((all) => {
      const files = all.map((one, n) => ({
        title: one.title,
        file: file(n, {
          path: `/share/A Film (1999)${one.name} ${one.path}.mkv`,
          durationMs: one.length,
          sizeBytes: one.sizeBytes,
          audio: [sound('ac3', one.channels)],
          video: { codec: one.codec, width: one.size[0], height: one.size[1], bitrateKbps: one.kbps, hdr: one.hdr },
        }),
      }));
      return [0, 1, 2, 3]
        .map((title) =>
          anItem({ id: `item-${title}`, files: files.filter((one) => one.title === title).map((one) => one.file) }),
        )
        .filter(({ files: own }) => own.length > 0);
    });
  const options = fc.record({
    acrossLibraries: fc.boolean(),
    keepBest4kAnd1080: fc.boolean(),
    keepLanguages: fc.boolean(),
  });

  it('leave one best copy, which is never flagged, whoever is asked and in whatever order', () => {
    fc.assert(
      fc.property(copies, options, fc.boolean(), (items, chosen, backwards) => {
        const answers = (order: LibraryItem[]): Map<string, string | null> => {
          const { snapshot, copiesOf } = collectFacts(order);
          const facts = factsOf(snapshot, copiesOf);
          return new Map(
            order.flatMap((item) =>
              item.files.map((one): [string, string | null] => [
                one.id,
                rule.evaluate({ item, file: one }, chosen, facts)?.keep?.fileId ?? null,
              ]),
            ),
          );
        };
        const found = answers(items);
        const turned = items.map((item) => ({ ...item, files: [...item.files].reverse() }));
        const again = answers(backwards ? turned.reverse() : items);
        const pathOf = new Map(items.flatMap(({ files }) => files.map(({ id, path }) => [id, path])));
        for (const [id, keep] of found) {
          expect(again.get(id), 'the same answer in another order').to.equal(keep);
          if (keep === null) continue;
          expect(found.get(keep), 'the one that stays is not flagged').to.equal(null);
          expect(pathOf.get(keep), 'no other name of the same file').to.not.equal(pathOf.get(id));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('of which there are many, one stays', () => {
    const items = Array.from({ length: 6 }, (_, n) =>
      apart(n, file(n, { video: { bitrateKbps: 2000 + 700 * ((n * 5) % 6) } })),
    );
    const { snapshot, copiesOf } = collectFacts(items);
    const facts = factsOf(snapshot, copiesOf);
    const kept = items.map(
      (item) => rule.evaluate({ item, file: item.files[0] ?? file(0) }, rule.options.parse({}), facts)?.keep,
    );
    expect(kept.filter((keep) => keep === undefined)).to.have.length(1);
    expect(new Set(kept.filter((keep) => keep !== undefined).map(({ fileId }) => fileId))).to.have.property('size', 1);
  });
});
