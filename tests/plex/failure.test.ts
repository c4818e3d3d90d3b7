import { expect } from 'chai';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import { AppError } from '../../src/domain/errors.js';
import { createLog } from '../../src/lib/log.js';
import { transportFailure } from '../../src/plex/failure.js';
import { handMade, json, plexAt, send, TOKEN, type HandMade } from './hand-made-server.js';

const caught = async (task: Promise<unknown>): Promise<AppError> => {
  try {
    await task;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Everything a careless program might print of an error. */
function expectNoToken(error: AppError): void {
  const lines: string[] = [];
  createLog('info', { write: (line: string) => void lines.push(line) }).error({ err: error }, error.message);
  for (const text of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), lines.join('')])
    expect(text).not.to.contain(TOKEN);
}

describe('when Plex does not answer well', () => {
  let server: HandMade;
  let respond: (res: ServerResponse) => void;
  before(async () => {
    server = await handMade((_req, res) => {
      respond(res);
    });
  });
  after(() => server.stop());

  const PAGE = '<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>';
  const MAINTENANCE = '<Response code="503" title="Maintenance" status="running startup maintenance tasks" />';
  const bomb = `<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><MediaContainer size="0" title="&b;"/>`;
  const rows: [string, (res: ServerResponse) => void, string][] = [
    [
      '401',
      (res) => {
        send(res, 401, 'text/html', PAGE);
      },
      'plex_unauthorized',
    ],
    [
      '403',
      (res) => {
        send(res, 403, 'text/html', PAGE);
      },
      'plex_forbidden',
    ],
    [
      '404',
      (res) => {
        send(res, 404, 'text/html', PAGE);
      },
      'plex_not_found',
    ],
    [
      '429',
      (res) => {
        send(res, 429, 'text/html', '');
      },
      'plex_rate_limited',
    ],
    [
      '500',
      (res) => {
        send(res, 500, 'text/html', PAGE);
      },
      'plex_unavailable',
    ],
    [
      '503 without a word',
      (res) => {
        send(res, 503, 'text/html', '');
      },
      'plex_unavailable',
    ],
    [
      '503 for maintenance',
      (res) => {
        send(res, 503, 'text/xml', MAINTENANCE);
      },
      'plex_maintenance',
    ],
    [
      'a redirect',
      (res) => {
        res.writeHead(302, { Location: 'http://127.0.0.1:9/' }).end();
      },
      'plex_bad_answer',
    ],
    [
      'a teapot',
      (res) => {
        send(res, 418, 'text/html', '');
      },
      'plex_bad_answer',
    ],
    [
      'a sign-in page with 200',
      (res) => {
        send(res, 200, 'text/html', PAGE);
      },
      'plex_bad_answer',
    ],
    [
      'a sign-in page that claims to be JSON',
      (res) => {
        send(res, 200, 'application/json', PAGE);
      },
      'plex_bad_answer',
    ],
    [
      'half an answer',
      (res) => {
        send(res, 200, 'application/json', '{"MediaContainer":{"size":1,"Directory":[{');
      },
      'plex_bad_answer',
    ],
    [
      'an empty answer',
      (res) => {
        send(res, 200, 'application/json', '');
      },
      'plex_bad_answer',
    ],
    [
      'JSON of something else',
      (res) => {
        send(res, 200, 'application/json', '{"ok":true}');
      },
      'plex_bad_answer',
    ],
    [
      'JSON that is null',
      (res) => {
        send(res, 200, 'application/json', 'null');
      },
      'plex_bad_answer',
    ],
    [
      'fewer libraries than it says',
      (res) => {
        json(res, { size: 3, Directory: [] });
      },
      'plex_bad_answer',
    ],
    [
      'half an XML',
      (res) => {
        send(res, 200, 'text/xml', '<MediaContainer size="1"><Directory key="1"');
      },
      'plex_bad_answer',
    ],
    [
      'XML that does not close',
      (res) => {
        send(res, 200, 'text/xml', '<MediaContainer><a></b></MediaContainer>');
      },
      'plex_bad_answer',
    ],
    [
      'an entity bomb',
      (res) => {
        send(res, 200, 'text/xml', bomb);
      },
      'plex_bad_answer',
    ],
    [
      'XML of great depth',
      (res) => {
        send(res, 200, 'text/xml', `<MediaContainer>${'<a>'.repeat(100_000)}`);
      },
      'plex_bad_answer',
    ],
    [
      'XML of great depth in disguise',
      (res) => {
        send(res, 200, 'text/xml', `<MediaContainer>${'<a b="/>">'.repeat(50_000)}`);
      },
      'plex_bad_answer',
    ],
    [
      'far too much',
      (res) => {
        res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(HUGE);
      },
      'plex_bad_answer',
    ],
    [
      'a broken compression',
      (res) => {
        res.writeHead(200, { 'Content-Encoding': 'gzip' }).end('no gzip');
      },
      'plex_bad_answer',
    ],
    ['silence', () => undefined, 'plex_timeout'],
    [
      'a drip',
      (res) => {
        res.writeHead(200, { 'Content-Type': 'application/json' });
        drip(res);
      },
      'plex_timeout',
    ],
    [
      'a reset',
      (res) => {
        res.socket?.resetAndDestroy();
      },
      'plex_unreachable',
    ],
    [
      'a connection that ends in the middle',
      (res) => {
        res.writeHead(200, { 'Content-Length': 1000 }).write('{');
        setImmediate(() => res.destroy());
      },
      'plex_unreachable',
    ],
  ];
  const HUGE = gzipSync(Buffer.alloc(70_000_000, 32));
  function drip(res: ServerResponse): void {
    const timer = setInterval(() => res.write(' '), 20);
    res.once('close', () => {
      clearInterval(timer);
    });
  }

  for (const [name, answer, code] of rows)
    it(`${name} is ${code}`, async () => {
      respond = answer;
      const timeoutMs = code === 'plex_timeout' ? 300 : 20_000;
      const error = await caught(plexAt(server.url, { timeoutMs }).sections());
      expect(error.code, inspect(error)).to.equal(code);
      expect(error.message)
        .to.match(/Plex|address/)
        .and.match(/[.?]$/);
      expectNoToken(error);
    });

  it('nobody there is plex_unreachable', async () => {
    const gone = await handMade(() => undefined);
    await gone.stop();
    const error = await caught(plexAt(gone.url).sections());
    expect(error.code).to.equal('plex_unreachable');
    expectNoToken(error);
  });

  it('a name nobody knows is plex_unreachable, and says so', async () => {
    const error = await caught(plexAt('http://no-such-host.invalid:32400').sections());
    expect(error.code).to.equal('plex_unreachable');
    expectNoToken(error);
  });

  it('an address that is none is plex_unreachable', async () => {
    expect((await caught(plexAt('nonsense').sections())).code).to.equal('plex_unreachable');
  });

  it('http where https was meant is plex_unreachable with a hint', async () => {
    const error = await caught(plexAt(server.url.replace('http:', 'https:')).sections());
    expect(error.code).to.equal('plex_unreachable');
    expect(error.message).to.contain('http or https');
  });

  const codes: [string, string, RegExp][] = [
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'plex_unreachable', /plex\.direct/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'plex_unreachable', /secure connection/],
    ['CERT_HAS_EXPIRED', 'plex_unreachable', /secure connection/],
    ['ECONNREFUSED', 'plex_unreachable', /running/],
    ['ENOTFOUND', 'plex_unreachable', /DNS/],
    ['ETIMEDOUT', 'plex_timeout', /in time/],
  ];
  for (const [code, wanted, message] of codes)
    it(`${code} is ${wanted} with a sentence of its own`, () => {
      const request = { headers: { 'X-Plex-Token': TOKEN } };
      const error = transportFailure(
        Object.assign(new Error(`to ?X-Plex-Token=${TOKEN} ${TOKEN}`), { code, request }),
        TOKEN,
      );
      expect(error.code).to.equal(wanted);
      expect(error.message).to.match(message);
      expectNoToken(error);
    });

  it('a token that cannot be one is refused before it is sent', async () => {
    const before = server.seen.length;
    const error = await caught(plexAt(server.url, { token: 'a\r\nX-Evil: 1' }).sections());
    expect(error.code).to.equal('plex_unauthorized');
    expect(server.seen.length).to.equal(before);
  });

  it('a short trouble is tried through, a clear no is not asked again', async () => {
    let tries = 0;
    respond = (res) => {
      if (++tries < 3) send(res, 500, 'text/html', '');
      else json(res, { size: 0 });
    };
    expect(await plexAt(server.url).sections()).to.deep.equal([]);
    expect(tries).to.equal(3);
    tries = 0;
    respond = (res) => {
      tries++;
      send(res, 401, 'text/html', '');
    };
    await caught(plexAt(server.url).sections());
    expect(tries).to.equal(1);
  });

  it('what changes something is never sent twice', async () => {
    let tries = 0;
    respond = (res) => {
      tries++;
      send(res, 500, 'text/html', '');
    };
    expect((await caught(plexAt(server.url).analyze('7'))).code).to.equal('plex_unavailable');
    expect(tries).to.equal(1);
  });

  it('aborting throws the reason, while asking and while waiting for another try', async () => {
    const reason = new Error('enough');
    for (const answer of [
      (): void => undefined,
      (res: ServerResponse): void => {
        send(res, 500, 'text/html', '');
      },
    ]) {
      respond = answer;
      const abort = new AbortController();
      setTimeout(() => {
        abort.abort(reason);
      }, 60);
      const error: unknown = await plexAt(server.url)
        .sections(abort.signal)
        .catch((thrown: unknown) => thrown);
      expect(error).to.equal(reason);
    }
  });

  it('asks for no more than two things at a time', async () => {
    let now = 0;
    let most = 0;
    respond = (res) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        json(res, { size: 0 });
      }, 20);
    };
    const plex = plexAt(server.url);
    await Promise.all(Array.from({ length: 6 }, () => plex.sessions()));
    expect(most).to.equal(2);
  });
});

describe('another server at the same address', () => {
  it('is noticed before it sees the token', async () => {
    const server = await handMade((_req, res) => {
      json(res, { size: 0 });
    });
    try {
      const error = await caught(plexAt(server.url, { expectedServerId: 'f'.repeat(40) }).sections());
      expect(error.code).to.equal('plex_wrong_server');
      expect(server.seen).to.have.length(1);
      expect(JSON.stringify(server.seen)).not.to.contain(TOKEN);
    } finally {
      await server.stop();
    }
  });

  it('is asked who it is again once the connection was lost', async () => {
    let isLost = false;
    const server = await handMade((_req, res) => {
      if (isLost) res.socket?.resetAndDestroy();
      else json(res, { size: 0 });
    });
    const identities = (): number => server.seen.filter(({ url }) => url === '/identity').length;
    try {
      const plex = plexAt(server.url);
      await plex.sections();
      await plex.sections();
      expect(identities()).to.equal(1);
      isLost = true;
      await caught(plex.sections());
      isLost = false;
      const before = identities();
      await plex.sections();
      expect(identities()).to.equal(before + 1);
    } finally {
      await server.stop();
    }
  });

  it('never finds the token in an address', async () => {
    const server = await handMade((_req, res) => {
      json(res, { size: 0, totalSize: 0 });
    });
    try {
      const plex = plexAt(server.url);
      await plex.identity();
      await plex.sections();
      for await (const page of plex.items({ id: '1', type: 'show' }, { since: '2026-01-01T00:00:00Z' }))
        expect(page.items).to.deep.equal([]);
      await plex.details(['1', '2']);
      await plex.findByPath({ id: '1', type: 'movie' }, '/a b/c&d.mkv');
      await plex.refresh('1', '/a b/c&d #1');
      await plex.analyze('1');
      await plex.sessions();
      expect(server.seen.map(({ url }) => url).join('\n')).not.to.contain(TOKEN);
      const withToken = server.seen.filter(({ headers }) => headers['x-plex-token'] === TOKEN);
      expect(withToken).to.have.length(server.seen.filter(({ url }) => url !== '/identity').length);
      expect(server.seen.find(({ url }) => url.includes('refresh'))?.url).to.equal(
        '/library/sections/1/refresh?path=%2Fa%20b%2Fc%26d%20%231',
      );
    } finally {
      await server.stop();
    }
  });
});
