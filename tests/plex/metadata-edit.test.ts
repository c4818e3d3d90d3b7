import { expect } from 'chai';
import fc from 'fast-check';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import type { SimulatedItem } from '../../src/demo/plex/model.js';
import { AppError } from '../../src/domain/errors.js';
import {
  EDIT_FIELDS,
  MetadataEdit,
  type EditOutcome,
  type ItemMetadata,
} from '../../src/domain/library/metadata-edit.js';
import { assertBounded, editRequests } from '../../src/plex/edit-requests.js';
import { PlexServer } from '../../src/plex/server.js';

const edit = (what: object): MetadataEdit => MetadataEdit.parse(what);

const item = (change: Partial<ItemMetadata> = {}): ItemMetadata => ({
  ratingKey: '101',
  sectionKey: '1',
  type: 'movie',
  title: 'A Film',
  titleSort: 'A Film',
  summary: '',
  studio: '',
  contentRating: '',
  genres: [],
  labels: [],
  collections: [],
  locked: [],
  ...change,
});

describe('requests for edits', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  const names = fc.array(word, { maxLength: 4 });
  const anItem: fc.Arbitrary<ItemMetadata> = fc.record({
    ratingKey: fc.integer({ min: 1, max: 400 }).map(String),
    sectionKey: fc.constantFrom('1', '2', '17'),
    type: fc.constantFrom('movie' as const, 'episode' as const),
    title: word,
    titleSort: word,
    summary: word,
    studio: fc.constantFrom('', 'A24'),
    contentRating: fc.constantFrom('', 'PG'),
    genres: fc.subarray(['Drama', 'Comedy', 'Crime, or not']),
    labels: fc.subarray(['Keep', 'KIDS']),
    collections: names,
    locked: fc.subarray([...EDIT_FIELDS]),
  });
  const lock = fc.constantFrom('auto', 'lock', 'unlock');
  const aText = fc.record({ value: fc.oneof(fc.constant(''), word), clear: fc.boolean(), lock });
  const aTag = fc.record({
    mode: fc.constantFrom('add', 'remove', 'replace', 'clear'),
    tags: fc.oneof(names, fc.subarray(['drama', 'Keep', 'kids', 'New'])),
    lock,
  });
  const anEdit = fc
    .record({
      title: aText, titleSort: aText, summary: aText, studio: aText, contentRating: aText,
      genres: aTag, labels: aTag, collections: aTag,
    })
    .map((what) => MetadataEdit.safeParse(what).data)
    .filter((what) => what !== undefined); // prettier-ignore

  it('always name their titles, at most 100, only those asked for and each that needs it once', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anItem, { selector: (one) => one.ratingKey, maxLength: 350 }),
        anEdit,
        (items, what) => {
          const requests = editRequests(items, what);
          const byKey = new Map(items.map((one) => [one.ratingKey, one]));
          const named: string[] = [];
          for (const { path, query, ratingKeys } of requests) {
            const id = query['id'];
            expect(id).to.match(/^[1-9]\d*(,[1-9]\d*)*$/);
            const ids = String(id).split(',');
            expect(ids.length).to.be.within(1, 100);
            expect(ids).to.deep.equal(ratingKeys);
            expect(Object.keys(query).slice(0, 2)).to.deep.equal(['type', 'id']);
            expect(Object.keys(query).length).to.be.above(2);
            for (const key of ids) {
              const own = byKey.get(key);
              expect(path).to.equal(`/library/sections/${own?.sectionKey ?? ''}/all`);
              expect(query['type']).to.equal(own?.type === 'movie' ? 1 : 4);
            }
            for (const name of Object.keys(query).slice(2))
              expect(name).to.match(
                /^((title|titleSort|summary|studio|contentRating)\.value|\w+\.locked|(genre|label|collection)\[\d*\]\.tag\.tag-?)$/,
              );
            named.push(...ids);
          }
          expect(new Set(named).size).to.equal(named.length);
          const silent = items.filter(({ ratingKey }) => !named.includes(ratingKey));
          // Whoever is in no request needs nothing: alone it would not be in one either.
          for (const one of silent) expect(editRequests([one], what)).to.deep.equal([]);
          for (const key of named) expect(editRequests([byKey.get(key) ?? item()], what)).to.have.length(1);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are not made for an item whose id could mean anything else', () => {
    for (const ratingKey of ['', '0', ' 1', '1,2', '1/2', '..', 'all', '1 ', '-1', '1e3', '101\n'])
      expect(() => editRequests([item({ ratingKey })], edit({ studio: { value: 'A24' } })), ratingKey).to.throw(
        AppError,
      );
    for (const sectionKey of ['', 'all', '1/all', '../2'])
      expect(() => editRequests([item({ sectionKey })], edit({ studio: { value: 'A24' } })), sectionKey).to.throw(
        AppError,
      );
  });

  it('are held back at the last moment when their ids are not what they seem', () => {
    const [good] = editRequests([item(), item({ ratingKey: '102' })], edit({ studio: { value: 'A24' } }));
    if (!good) throw new Error('No request was built');
    assertBounded(good);
    const { id, ...without } = good.query;
    expect(id).to.equal('101,102');
    const bad = [
      { ...good, query: without },
      { ...good, query: { ...without, ID: '101,102' } },
      { ...good, query: { ...good.query, id: '' } },
      { ...good, query: { ...good.query, id: '101,102,103' } },
      { ...good, query: { ...good.query, id: '101' } },
      { ...good, query: { ...good.query, type: '' } },
      { ...good, ratingKeys: [] },
      { ...good, ratingKeys: [], query: { ...good.query, id: '' } },
      { ...good, ratingKeys: ['101', '101'], query: { ...good.query, id: '101,101' } },
      { ...good, path: '/library/sections/all/all' },
      { ...good, path: '/library/sections/1/all?x=1' },
    ];
    for (const request of bad)
      expect(() => {
        assertBounded(request);
      }, JSON.stringify(request)).to.throw(AppError, /held back/);
  });

  it('send the whole list of tags, and take tags away with a list that is encoded twice', () => {
    const [added] = editRequests([item({ genres: ['Drama'] })], edit({ genres: { tags: 'Crime, drama' } }));
    expect(added?.query).to.deep.equal({
      type: 1, id: '101', 'genre[0].tag.tag': 'Drama', 'genre[1].tag.tag': 'Crime', 'genre.locked': 1,
    }); // prettier-ignore
    const [removed] = editRequests(
      [item({ genres: ['Sword & Sorcery', 'Crime, or not', 'Drama'] })],
      edit({ genres: { mode: 'remove', tags: ['crime, or NOT', 'sword & sorcery'], lock: 'unlock' } }),
    );
    expect(removed?.query).to.deep.equal({
      type: 1,
      id: '101',
      'genre[0].tag.tag': 'Drama',
      'genre[].tag.tag-': 'Sword%20%26%20Sorcery,Crime%2C%20or%20not',
      'genre.locked': 0,
    });
  });

  it('take a hundred titles at once, and need only one request for them', () => {
    const items = Array.from({ length: 250 }, (_, n) => item({ ratingKey: String(n + 1) }));
    const requests = editRequests(items, edit({ labels: { tags: 'Keep' } }));
    expect(requests.map(({ ratingKeys }) => ratingKeys.length)).to.deep.equal([100, 100, 50]);
  });

  it('stay short enough for an address, whatever the text', () => {
    const items = Array.from({ length: 250 }, (_, n) => item({ ratingKey: String(1_000_000 + n) }));
    const long = '電影'.repeat(330);
    const requests = editRequests(items, edit({ summary: { value: long } }));
    for (const { query } of requests) {
      const { length } = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('=')).join('&'); // prettier-ignore
      expect(length).to.be.below(8000);
    }
    expect(requests.flatMap(({ ratingKeys }) => ratingKeys)).to.deep.equal(items.map(({ ratingKey }) => ratingKey));
    expect(MetadataEdit.safeParse({ summary: { value: '電影'.repeat(400) } }).success).to.equal(false);
  });
});

for (const format of ['json', 'xml'] as const)
  describe(`an edit of a Plex that speaks ${format}`, function () {
    this.timeout(180_000);
    let plex: SimulatedPlex;
    let server: PlexServer;
    beforeEach(async () => {
      const place = (name: string) => [{ serverPath: `/share/${name}`, localPath: `/nowhere/${name}` }];
      plex = new SimulatedPlex({
        format,
        sections: [
          { id: '1', title: 'Films', type: 'movie', locations: place('Films') },
          { id: '2', title: 'Shows', type: 'show', locations: place('Shows') },
        ],
      });
      await plex.start();
      plex.loadSynthetic(260);
      server = new PlexServer({ url: plex.url, token: plex.token, clientId: 'c', version: '1' });
    });
    afterEach(() => plex.stop());

    const all = (): SimulatedItem[] => plex.items();
    const keys = (count: number): string[] => all().slice(0, count).map(({ ratingKey }) => ratingKey); // prettier-ignore
    const one = (at = 0): SimulatedItem => all()[at] ?? expect.fail('no item');
    /** Everything about an item that an edit could touch. */
    const shot = ({ title, labels, collections, details, updatedAt }: SimulatedItem): string =>
      JSON.stringify([title, labels, collections, details, updatedAt]);
    const run = async (ratingKeys: string[], what: object, signal?: AbortSignal): Promise<Map<string, EditOutcome>> => {
      const told: EditOutcome[] = [];
      for await (const outcomes of server.metadata.edit(ratingKeys, edit(what), signal)) told.push(...outcomes);
      expect(new Set(told.map(({ ratingKey }) => ratingKey)).size).to.equal(told.length);
      return new Map(told.map((outcome) => [outcome.ratingKey, outcome]));
    };
    const states = (outcomes: Map<string, EditOutcome>): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const { state } of outcomes.values()) counts[state] = (counts[state] ?? 0) + 1;
      return counts;
    };
    const puts = (): number => plex.requests.filter(({ method }) => method === 'PUT').length;

    it('touches no item but those asked for, even while some of them vanish', async () => {
      const asked = keys(230);
      const others = all().slice(230);
      const before = others.map(shot);
      for (const key of asked.slice(5, 9)) plex.remove(key);
      plex.edits.refuse = () => {
        // Between the reading and the edit another one goes: Plex refuses the whole list.
        if (puts() === 1) plex.remove(asked[20] ?? '');
        return null;
      };
      const outcomes = await run(asked, { labels: { tags: 'Keep' }, collections: { tags: 'Summer' } });
      expect(states(outcomes)).to.deep.equal({ done: 225, failed: 5 });
      expect(outcomes.get(asked[5] ?? '')?.reason).to.match(/no longer/);
      expect(outcomes.get(asked[20] ?? '')?.reason).to.match(/no longer/);
      expect(others.map(shot)).to.deep.equal(before);
      expect(plex.edits.reached.filter((key) => !asked.includes(key))).to.deep.equal([]);
      expect(plex.edits.reached.length).to.equal(225);
      expect(plex.collections.titled('Summer').children).to.have.length(225);
    });

    it('adds, removes and replaces tags, whether Plex adds or replaces', async () => {
      for (const tagsReplace of [false, true]) {
        plex.edits.tagsReplace = tagsReplace;
        const [a, b] = [one(), one(1)];
        a.details = { titleSort: '', summary: '', studio: '', contentRating: '', genres: ['Drama', 'Old, but gold'], locked: [] }; // prettier-ignore
        b.details = { ...a.details, genres: ['Crime'] };
        const both = [a.ratingKey, b.ratingKey];
        expect(states(await run(both, { genres: { tags: 'Comedy,drama' } }))).to.deep.equal({ done: 2 });
        expect(a.details.genres).to.deep.equal(['Drama', 'Old, but gold', 'Comedy']);
        expect(b.details.genres.map((tag) => tag.toLowerCase())).to.deep.equal(['crime', 'comedy', 'drama']);
        expect(a.details.locked).to.deep.equal(['genre']);
        const gone = { mode: 'remove', tags: ['old, BUT gold', 'comedy'] };
        expect(states(await run(both, { genres: gone }))).to.deep.equal({ done: 2 });
        expect(a.details.genres).to.deep.equal(['Drama']);
        expect(states(await run(both, { genres: { mode: 'replace', tags: 'War' } }))).to.deep.equal({ done: 2 });
        expect([a.details.genres, b.details.genres]).to.deep.equal([['War'], ['War']]);
        expect(states(await run(both, { genres: { mode: 'clear', lock: 'unlock' } }))).to.deep.equal({ done: 2 });
        expect([a.details.genres, a.details.locked]).to.deep.equal([[], []]);
      }
    });

    it('writes texts, locks, and leaves alone what is so already', async () => {
      const [a] = keys(1);
      const what = {
        title: { value: 'Äö & "x" + 100 %' },
        studio: { value: 'A24', lock: 'unlock' },
        summary: { lock: 'lock' },
      };
      expect((await run([a ?? ''], what)).get(a ?? '')?.changes).to.deep.equal([
        { field: 'title', before: 'Film 0', after: 'Äö & "x" + 100 %', isLocked: false, willBeLocked: true },
        { field: 'summary', before: '', after: '', isLocked: false, willBeLocked: true },
        { field: 'studio', before: '', after: 'A24', isLocked: false, willBeLocked: false },
      ]);
      expect(one().title).to.equal('Äö & "x" + 100 %');
      const sent = puts();
      expect(states(await run([a ?? ''], what))).to.deep.equal({ unchanged: 1 });
      expect(puts()).to.equal(sent);
      expect((await server.metadata.read([a ?? '']))[0]?.locked).to.deep.equal(['title', 'summary']);
    });

    it('says what Plex did not take, and what it shows instead', async () => {
      plex.edits.deaf.add('studio');
      const outcome = (await run(keys(1), { studio: { value: 'A24' }, labels: { tags: 'Keep' } })).get(
        keys(1)[0] ?? '',
      );
      expect(outcome?.state).to.equal('not_taken');
      expect(outcome?.open).to.deep.equal([
        { field: 'studio', before: '', after: 'A24', isLocked: false, willBeLocked: true },
      ]);
      expect(one().labels).to.deep.equal(['Keep']);
    });

    it('goes on after a block that fails, and looks before it says so', async () => {
      let edits = 0;
      plex.edits.refuse = () => {
        edits++;
        if (edits === 1) return { status: 500 };
        // Done, but nobody hears of it.
        return edits === 2 ? { status: 503, late: true } : null;
      };
      const asked = keys(260);
      const outcomes = await run(asked, { labels: { tags: 'Keep' } });
      expect(states(outcomes)).to.deep.equal({ failed: 100, done: 160 });
      expect(outcomes.get(asked[0] ?? '')?.reason).to.match(/an error of its own \(500\)/);
      expect(outcomes.get(asked[0] ?? '')?.open).to.have.length(1);
      expect(all().filter(({ labels }) => labels.includes('Keep')).length).to.equal(160);
    });

    it('sends nothing while Plex cannot be read', async () => {
      plex.fault = 500;
      const outcomes = await run(keys(260), { labels: { tags: 'Keep' } });
      expect(states(outcomes)).to.deep.equal({ failed: 260 });
      expect(puts()).to.equal(0);
    });

    it('stops between two requests, and tells of everything that was sent', async () => {
      const stop = new AbortController();
      plex.edits.refuse = () => {
        if (puts() === 2) stop.abort(new Error('enough'));
        return null;
      };
      const told: EditOutcome[] = [];
      let reason: unknown;
      try {
        for await (const outcomes of server.metadata.edit(keys(260), edit({ labels: { tags: 'Keep' } }), stop.signal))
          told.push(...outcomes);
      } catch (error) {
        reason = error;
      }
      expect(reason).to.have.property('message', 'enough');
      const changed = all().filter(({ labels }) => labels.includes('Keep')).map(({ ratingKey }) => ratingKey); // prettier-ignore
      const done = told.filter(({ state }) => state === 'done').map(({ ratingKey }) => ratingKey);
      expect(done).to.deep.equal(changed);
      expect(puts()).to.equal(2);
      expect(told.length).to.equal(200);
    });

    it('tells nothing of titles whose request was never sent', async () => {
      const stop = new AbortController();
      for (const [at, film] of all().slice(0, 10).entries()) film.labels = [`Own ${at}`];
      plex.edits.refuse = () => {
        if (puts() === 2) stop.abort(new Error('enough'));
        return null;
      };
      const told: EditOutcome[] = [];
      const work = async (): Promise<void> => {
        for await (const outcomes of server.metadata.edit(keys(10), edit({ labels: { tags: 'Keep' } }), stop.signal))
          told.push(...outcomes);
      };
      const error = await work().then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).to.have.property('message', 'enough');
      expect(told.map(({ state }) => state)).to.deep.equal(['done', 'done']);
      expect(puts()).to.equal(2);
    });

    it('refuses what could mean the whole library before anything is sent', async () => {
      const refused = async (ratingKeys: string[], what: object): Promise<void> => {
        const error = await run(ratingKeys, what).then(() => null, (thrown: unknown) => thrown); // prettier-ignore
        expect(error, JSON.stringify([ratingKeys, what]))
          .to.be.instanceOf(AppError)
          .and.have.property('code', 'invalid');
      };
      await refused([...keys(2), ''], { labels: { tags: 'x' } });
      await refused(['1,2'], { labels: { tags: 'x' } });
      await refused(keys(2), { title: { value: 'The same' } });
      await refused(keys(2), {});
      expect(states(await run([], { labels: { tags: 'x' } }))).to.deep.equal({});
      expect(plex.requests.filter(({ method }) => method === 'PUT')).to.deep.equal([]);
    });
  });

describe('the simulated Plex, when it is edited', () => {
  let plex: SimulatedPlex;
  beforeEach(async () => {
    const place = (name: string) => [{ serverPath: `/share/${name}`, localPath: `/nowhere/${name}` }];
    plex = new SimulatedPlex({
      sections: [
        { id: '1', title: 'Films', type: 'movie', locations: place('Films') },
        { id: '2', title: 'Shows', type: 'show', locations: place('Shows') },
      ],
    });
    await plex.start();
    plex.loadSynthetic(5);
  });
  afterEach(() => plex.stop());
  const put = async (query: string, section = '1'): Promise<[number, string]> => {
    const url = `${plex.url}/library/sections/${section}/all?${query}&X-Plex-Token=${plex.token}`;
    const response = await fetch(url, { method: 'PUT' });
    return [response.status, await response.text()];
  };

  it('edits the whole library without an id, or with one that is misspelt', async () => {
    expect(await put('type=1&studio.value=All')).to.deep.equal([200, '']);
    expect(plex.edits.reached).to.have.length(5);
    const [first] = plex.items();
    expect(await put(`type=1&Id=${first?.ratingKey ?? ''}&studio.value=All`)).to.deep.equal([200, '']);
    expect(plex.edits.reached).to.have.length(10);
  });

  it('answers 400 for another kind or library and 404 for an item that is gone, and changes nothing then', async () => {
    const [first, second] = plex.items();
    const ids = `${first?.ratingKey ?? ''},${second?.ratingKey ?? ''}`;
    expect((await put(`type=4&id=${ids}&studio.value=x`))[0]).to.equal(400);
    expect((await put(`type=1&id=${ids}&studio.value=x`, '2'))[0]).to.equal(400);
    expect((await put(`type=1&id=${ids},999999&studio.value=x`))[0]).to.equal(404);
    expect(plex.edits.reached).to.deep.equal([]);
    expect((await put(`type=1&id=${ids}&studio.value=x`))[0]).to.equal(200);
    expect(plex.edits.reached).to.have.length(2);
  });
});
