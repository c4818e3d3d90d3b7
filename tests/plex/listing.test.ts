import { expect } from 'chai';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../src/domain/errors.js';
import type { Section } from '../../src/domain/library/library.js';
import { aFilm, handMade, json, plexAt, type HandMade } from './hand-made-server.js';

const FILMS: Pick<Section, 'id' | 'type'> = { id: '1', type: 'movie' };
const EPISODES: Pick<Section, 'id' | 'type'> = { id: '2', type: 'show' };

describe('reading a list page by page', () => {
  let server: HandMade;
  let respond: (res: ServerResponse, query: URLSearchParams, req: IncomingMessage) => void;
  before(async () => {
    server = await handMade((req, res, url) => {
      respond(res, url.searchParams, req);
    });
  });
  beforeEach(() => {
    server.seen.length = 0;
  });
  after(() => server.stop());

  const startOf = (query: URLSearchParams): number => Number(query.get('X-Plex-Container-Start'));
  const sizeOf = (query: URLSearchParams): number => Number(query.get('X-Plex-Container-Size'));
  const films = (count: number): Record<string, unknown>[] => Array.from({ length: count }, (_, n) => aFilm(n + 1));
  /** An honest server that never gives more than `most` at a time. */
  const serve =
    (all: () => Record<string, unknown>[], most = Infinity) =>
    (res: ServerResponse, query: URLSearchParams): void => {
      const items = all();
      const Metadata = items.slice(startOf(query), startOf(query) + Math.min(most, sizeOf(query)));
      json(res, { size: Metadata.length, totalSize: items.length, offset: startOf(query), Metadata });
    };
  const read = async (section = FILMS, since?: string): Promise<{ keys: string[]; totals: number[] }> => {
    const keys: string[] = [];
    const totals: number[] = [];
    for await (const { items, total } of plexAt(server.url).items(section, since === undefined ? {} : { since })) {
      keys.push(...items.map(({ ratingKey }) => ratingKey));
      totals.push(total);
    }
    return { keys, totals };
  };
  const refusal = async (): Promise<AppError> => {
    try {
      await read();
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  };
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n + 1));

  it('asks with start, size, type and a sort that stands still', async () => {
    respond = serve(() => films(1200));
    const { keys, totals } = await read();
    expect(keys).to.deep.equal(numbers(1200));
    expect(totals).to.deep.equal([1200, 1200, 1200]);
    const queries = server.seen
      .filter(({ url }) => url.includes('/all'))
      .map(({ url }) => new URL(url, 'http://x').searchParams);
    expect(queries.map(startOf)).to.deep.equal([0, 500, 1000]);
    for (const query of queries) {
      expect(sizeOf(query)).to.equal(500);
      expect(query.get('type')).to.equal('1');
      expect(query.get('sort')).to.equal('id');
    }
  });

  it('asks a show library for episodes', async () => {
    respond = serve(() => [aFilm(1, { type: 'episode' })]);
    expect((await read(EPISODES)).keys).to.deep.equal(['1']);
    expect(server.seen.at(-1)?.url).to.contain('type=4');
  });

  it('advances by what came when that is less than was asked for', async () => {
    respond = serve(() => films(100), 30);
    expect((await read()).keys).to.deep.equal(numbers(100));
  });

  it('takes an empty library for one', async () => {
    respond = serve(() => []);
    expect(await read()).to.deep.equal({ keys: [], totals: [0] });
  });

  it('understands a server that does not count', async () => {
    respond = (res, query) => {
      const Metadata = films(1000).slice(startOf(query), startOf(query) + sizeOf(query));
      json(res, { size: Metadata.length, ...(Metadata.length === 0 ? {} : { Metadata }) });
    };
    expect((await read()).keys).to.deep.equal(numbers(1000));
  });

  it('understands a server that counts in a header', async () => {
    respond = (res, query) => {
      const Metadata = films(700).slice(startOf(query), startOf(query) + sizeOf(query));
      res.setHeader('X-Plex-Container-Total-Size', '700');
      json(res, { size: Metadata.length, Metadata });
    };
    expect((await read()).keys).to.deep.equal(numbers(700));
  });

  it('understands a server that gives everything at once', async () => {
    respond = (res) => {
      json(res, { size: 900, Metadata: films(900) });
    };
    expect((await read()).keys).to.deep.equal(numbers(900));
  });

  it('gives an item once, however often it comes', async () => {
    const all = [...films(600), aFilm(3), aFilm(4)];
    respond = (res, query) => {
      const Metadata = all.slice(startOf(query), startOf(query) + sizeOf(query));
      json(res, { size: Metadata.length, totalSize: 600, Metadata });
    };
    expect((await read()).keys).to.deep.equal(numbers(600));
  });

  it('reads again what moved up when something was removed meanwhile', async () => {
    let all = films(1400);
    respond = (res, query) => {
      if (startOf(query) === 500) all = all.filter(({ ratingKey }) => Number(ratingKey) > 3);
      serve(() => all)(res, query);
    };
    const { keys } = await read();
    expect(keys.map(Number).sort((a, b) => a - b)).to.deep.equal(numbers(1400).map(Number));
    expect(new Set(keys).size).to.equal(keys.length);
  });

  // Two pages are on their way at a time, and a server may take them in any order.
  for (const [first, second] of [
    [500, 1000],
    [1000, 500],
  ] as const)
    it(`misses nothing when something was removed after the page at ${first} and before the one at ${second}`, async () => {
      let all = films(2200);
      let hasAnswered: () => void = () => undefined;
      const answered = new Promise<void>((resolve) => (hasAnswered = resolve));
      respond = (res, query) => {
        const start = startOf(query);
        const isSecond = start === second && all.length === 2200;
        void (isSecond ? answered : Promise.resolve()).then(() => {
          if (isSecond) all = all.slice(3);
          serve(() => all)(res, query);
          if (start === first) hasAnswered();
        });
      };
      const { keys } = await read();
      expect(keys.map(Number).sort((a, b) => a - b)).to.deep.equal(numbers(2200).map(Number));
    });

  it('lets go of what it asked ahead when items moved meanwhile', async () => {
    let all = films(2200);
    const answered = new Promise<void>((resolve) => {
      respond = (res, query) => {
        const before = all;
        const isSecond = startOf(query) === 500 && all.length === 2200;
        void (isSecond ? answered : Promise.resolve()).then(() => {
          // As many as a page holds, so that the page behind begins where it did.
          if (isSecond) all = all.slice(500);
          serve(() => (isSecond ? all : before))(res, query);
          if (startOf(query) === 1000) resolve();
        });
      };
    });
    const { keys, totals } = await read();
    expect(keys).to.have.lengthOf(2200);
    expect(totals).to.deep.equal([2200, ...totals.slice(1).map(() => 1700)]);
  });

  it('asks of what changed no more than one page ahead', async () => {
    const times = (n: number) => ({ updatedAt: n < 700 ? 2_000_000_000 : 1_000_000, addedAt: 1_000_000 });
    respond = serve(() => films(1700).map((film, n) => ({ ...film, ...times(n) })));
    await read(FILMS, new Date(1_900_000_000_000).toISOString());
    const starts = server.seen
      .filter(({ url }) => url.includes('/all'))
      .map(({ url }) => startOf(new URL(url, 'http://x').searchParams));
    expect(starts).to.include(500);
    expect(starts).not.to.include(1000);
  });

  it('finds what is added at the end meanwhile', async () => {
    let all = films(600);
    respond = (res, query) => {
      if (startOf(query) === 500) all = films(1100);
      serve(() => all)(res, query);
    };
    expect((await read()).keys).to.deep.equal(numbers(1100));
  });

  const liars: [string, typeof respond][] = [
    [
      'an empty first page',
      (res) => {
        json(res, { size: 0, totalSize: 100 });
      },
    ],
    [
      'an empty second page',
      (res, query) => {
        const Metadata = startOf(query) === 0 ? films(500) : [];
        json(res, { size: Metadata.length, totalSize: 900, ...(Metadata.length > 0 ? { Metadata } : {}) });
      },
    ],
    [
      'a page that says more than it holds',
      (res) => {
        json(res, { size: 5, totalSize: 5, Metadata: films(3) });
      },
    ],
    [
      'the same page for ever',
      (res) => {
        json(res, { size: 500, totalSize: 5000, Metadata: films(500) });
      },
    ],
    [
      'the same short page for ever',
      (res) => {
        json(res, { size: 7, totalSize: 5000, Metadata: films(7) });
      },
    ],
    [
      'the same page, and no count',
      (res) => {
        json(res, { size: 500, Metadata: films(500) });
      },
    ],
    [
      'fewer different items than it counts',
      (res) => {
        json(res, { size: 3, totalSize: 3, Metadata: [aFilm(1), aFilm(1), aFilm(2)] });
      },
    ],
    [
      'no list at all',
      (res) => {
        json(res, { totalSize: 12 });
      },
    ],
  ];
  for (const [name, answer] of liars)
    it(`does not believe ${name}`, async () => {
      respond = answer;
      expect((await refusal()).code).to.equal('plex_bad_answer');
    });

  it('stops asking when the reader has enough', async () => {
    respond = serve(() => films(5000));
    for await (const page of plexAt(server.url).items(FILMS)) {
      expect(page.items).to.have.length(500);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Of ten: the one that was read, and the two that were on their way.
    expect(server.seen.filter(({ url }) => url.includes('/all')).length).to.be.lessThan(4);
  });

  it('throws the reason when it is aborted between pages', async () => {
    respond = serve(() => films(5000));
    const abort = new AbortController();
    const reason = new Error('enough');
    const reading = (async (): Promise<void> => {
      for await (const page of plexAt(server.url).items(FILMS, { signal: abort.signal }))
        if (page.items.length > 0) abort.abort(reason);
    })();
    expect(await reading.catch((error: unknown) => error)).to.equal(reason);
  });

  describe('since a time', () => {
    const SINCE = new Date(1_700_001_000 * 1000).toISOString();
    const EDGE = 1_700_001_000 - 300;

    it('asks for what was changed and what was added, 300 s back', async () => {
      respond = serve(() => []);
      await read(FILMS, SINCE);
      await read(EPISODES, SINCE);
      const asked = server.seen.filter(({ url }) => url.includes('/all')).map(({ url }) => url);
      expect(asked).to.have.length(4);
      expect(asked[0]).to.contain(`updatedAt%3E%3E=${EDGE}`);
      expect(asked[1]).to.contain(`addedAt%3E%3E=${EDGE}`);
      expect(asked[2]).to.contain(`episode.updatedAt%3E%3E=${EDGE}`);
      expect(asked[3]).to.contain(`episode.addedAt%3E%3E=${EDGE}`);
    });

    it('gives an item of both lists once', async () => {
      respond = serve(() => [
        aFilm(1, { addedAt: EDGE + 5, updatedAt: EDGE + 5 }),
        aFilm(2, { addedAt: 1, updatedAt: EDGE }),
      ]);
      expect((await read(FILMS, SINCE)).keys).to.deep.equal(['1', '2']);
    });

    it('takes an item that was added later although it was changed long ago', async () => {
      respond = serve(() => [
        aFilm(1, { addedAt: EDGE + 5, updatedAt: 1 }),
        aFilm(2, { addedAt: EDGE + 5, updatedAt: undefined }),
      ]);
      expect((await read(FILMS, SINCE)).keys).to.deep.equal(['1', '2']);
    });

    it('leaves out the old when the server ignores the filter, and stops early when it is sorted', async () => {
      const newestFirst = films(4000).reverse();
      respond = serve(() => newestFirst);
      const { keys } = await read(FILMS, new Date((1_700_003_900 + 300) * 1000).toISOString());
      expect(keys).to.deep.equal(numbers(4000).reverse().slice(0, 101));
      const asked = server.seen.filter(({ url }) => url.includes('/all'));
      const starts = asked.map(({ url }) => startOf(new URL(url, 'http://x').searchParams));
      // One page more may be on its way already.
      expect(Math.max(...starts)).to.be.at.most(500);
    });

    it('reads to the end when the server ignores filter and order', async () => {
      respond = serve(() => films(1300));
      expect((await read(FILMS, SINCE)).keys).to.have.length(1300 - 700 + 1);
    });

    it('does not believe an empty page here either', async () => {
      respond = (res) => {
        json(res, { size: 0, totalSize: 5 });
      };
      const error: unknown = await read(FILMS, SINCE).catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'plex_bad_answer' });
    });

    it('refuses a time that is none', async () => {
      const error: unknown = await read(FILMS, 'yesterday').catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'invalid' });
    });
  });

  describe('details', () => {
    it('come in batches of 50 without a refresh, and what is gone is absent', async () => {
      respond = (res, _query, req) => {
        const ids = decodeURIComponent(new URL(req.url ?? '', 'http://x').pathname.split('/').at(-1) ?? '').split(',');
        const Metadata = ids.filter((id) => id !== '7').map((id) => aFilm(Number(id)));
        json(res, { size: Metadata.length, librarySectionID: 9, Metadata });
      };
      const found = await plexAt(server.url).details([...numbers(120), '3']);
      expect(found).to.have.length(119);
      expect(found[0]?.sectionId).to.equal('9');
      const asked = server.seen.filter(({ url }) => url.includes('/metadata/')).map(({ url }) => url);
      expect(asked).to.have.length(3);
      for (const url of asked) expect(url).to.contain('skipRefresh=1');
    });

    it('survive a server that answers 404 for the whole batch because of one', async () => {
      respond = (res, _query, req) => {
        const ids = (new URL(req.url ?? '', 'http://x').pathname.split('/').at(-1) ?? '').split(',');
        if (ids.includes('7')) res.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>404</html>');
        else json(res, { size: ids.length, librarySectionID: 1, Metadata: ids.map((id) => aFilm(Number(id))) });
      };
      const found = await plexAt(server.url).details(numbers(20));
      expect(found.map(({ ratingKey }) => ratingKey)).to.deep.equal(numbers(20).filter((key) => key !== '7'));
    });

    it('are never asked for without an id', async () => {
      respond = serve(() => films(3));
      const error: unknown = await plexAt(server.url)
        .details([''])
        .catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'invalid' });
      expect(await plexAt(server.url).details([])).to.deep.equal([]);
    });

    it('of one item are looked for twice before it counts as gone', async () => {
      let looks = 0;
      respond = (res) => {
        if (++looks === 1) json(res, { size: 0 });
        else json(res, { size: 1, librarySectionID: 1, Metadata: [aFilm(5)] });
      };
      expect((await plexAt(server.url).item('5'))?.ratingKey).to.equal('5');
      respond = (res) => {
        json(res, { size: 0 });
      };
      expect(await plexAt(server.url).item('5')).to.be.null;
    });

    it('of an item that cannot be had are an error, never nothing', async () => {
      respond = (res) => {
        res.writeHead(500).end();
      };
      const error: unknown = await plexAt(server.url)
        .item('5')
        .catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'plex_unavailable' });
    });
  });

  it('never takes half an answer for nobody watching', async () => {
    respond = (res) => {
      json(res, { size: 1 });
    };
    const error: unknown = await plexAt(server.url)
      .sessions()
      .catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'plex_bad_answer' });
  });

  it('sends POST for a scan where GET is not known', async () => {
    for (const status of [404, 405]) {
      server.seen.length = 0;
      respond = (res, _query, req) => {
        res.writeHead(req.method === 'POST' ? 200 : status).end();
      };
      await plexAt(server.url).refresh('1', '/media/A Film (1999)/');
      const asked = server.seen.filter(({ url }) => url.includes('/refresh'));
      expect(asked.map(({ method }) => method)).to.deep.equal(['GET', 'POST']);
      expect(asked[0]?.url).to.match(/path=%2Fmedia%2FA%20Film%20\(1999\)$/);
    }
  });

  it('never scans a whole library by accident', async () => {
    respond = (res) => {
      res.writeHead(200).end();
    };
    const error: unknown = await plexAt(server.url)
      .refresh('1', '')
      .catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'invalid' });
    expect(server.seen).to.deep.equal([]);
  });
});
