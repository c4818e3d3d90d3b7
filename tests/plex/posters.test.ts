import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { THUMB } from '../../src/demo/plex/artwork.js';
import { AppError } from '../../src/domain/errors.js';
import { pictureTypeOf } from '../../src/domain/library/poster.js';
import { PlexServer } from '../../src/plex/server.js';
import { handMade, oncePerConnection, plexAt, send, TOKEN, type HandMade } from './hand-made-server.js';

const PATH = '/library/metadata/7/thumb/1700000000';
const sendBytes = (res: ServerResponse, body: Buffer, type = 'image/jpeg'): void => {
  res.writeHead(200, { 'Content-Type': type }).end(body);
};
const refusal = async (promise: Promise<unknown>): Promise<AppError> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(AppError);
  return error as AppError;
};

describe('posters of a Plex server', () => {
  let plex: HandMade;
  let answer: (res: ServerResponse, url: URL) => void;
  beforeEach(async () => {
    plex = await handMade((_req, res, url) => {
      answer(res, url);
    });
  });
  afterEach(() => plex.stop());

  it('come scaled, with the token in a header only', async () => {
    answer = (res) => {
      sendBytes(res, THUMB);
    };
    const poster = await plexAt(plex.url).poster(PATH, 'small');
    expect(poster.type).to.equal('image/jpeg');
    expect(Buffer.from(poster.bytes).equals(THUMB)).to.equal(true);
    const [, asked] = plex.seen;
    const url = new URL(asked?.url ?? '', plex.url);
    expect(url.pathname).to.equal('/photo/:/transcode');
    expect(Object.fromEntries(url.searchParams)).to.deep.equal({
      url: PATH,
      width: '240',
      height: '360',
      minSize: '1',
      upscale: '0',
    });
    expect(asked?.headers['x-plex-token']).to.equal(TOKEN);
    for (const { url: address } of plex.seen) expect(address).not.to.contain(TOKEN);
  });

  it('come over another connection when the one that was kept is gone', async () => {
    const { handle, gone } = oncePerConnection((res) => {
      sendBytes(res, THUMB);
    });
    answer = handle;
    const server = plexAt(plex.url);
    await Promise.all([1, 2, 3].map(() => server.poster(PATH, 'small')));
    for (let n = 0; n < 4; n++) expect((await server.poster(PATH, 'small')).type).to.equal('image/jpeg');
    expect(gone()).to.be.above(0);
  });

  it('come as they are when Plex does not scale', async () => {
    for (const [status, type] of [
      [404, 'text/html'],
      [403, 'text/html'],
      [500, 'text/html'],
      [200, 'text/html'],
    ] as const) {
      answer = (res, { pathname }) => {
        if (pathname === PATH) sendBytes(res, THUMB);
        else send(res, status, type, '<html>no</html>');
      };
      expect((await plexAt(plex.url).poster(PATH, 'large')).bytes).to.have.length(THUMB.length);
    }
  });

  it('are refused when they are no picture, whatever they say they are', async () => {
    const wrong: [string, string | Buffer, string][] = [
      ['text/html', '<!doctype html><form>Sign in</form>', 'plex_bad_answer'],
      ['image/jpeg', '<!doctype html><form>Sign in</form>', 'plex_bad_answer'],
      ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'plex_bad_answer'],
      ['text/html', THUMB, 'plex_bad_answer'],
      ['image/jpeg', '', 'plex_bad_answer'],
    ];
    for (const [type, body, code] of wrong) {
      answer = (res) => {
        sendBytes(res, Buffer.from(body), type);
      };
      expect((await refusal(plexAt(plex.url).poster(PATH, 'small'))).code, type).to.equal(code);
    }
  });

  it('are given up at 5 MB, however large they are', async () => {
    let sent = 0;
    answer = (res) => {
      res.writeHead(200, { 'Content-Type': 'image/jpeg' });
      res.write(THUMB);
      const block = randomBytes(1_000_000);
      const more = (): void => {
        if (res.destroyed || sent > 50_000_000) return void res.end();
        sent += block.length;
        res.write(block, more);
      };
      more();
    };
    expect((await refusal(plexAt(plex.url).poster(PATH, 'small'))).message).to.contain('far larger');
    expect(sent).to.be.below(40_000_000);
  });

  it('are not there when Plex says so', async () => {
    answer = (res) => {
      send(res, 404, 'text/html', 'Not Found');
    };
    expect((await refusal(plexAt(plex.url).poster(PATH, 'small'))).code).to.equal('plex_not_found');
  });

  it('are not asked for at an address that is none of a picture in the library', async () => {
    answer = (res) => {
      sendBytes(res, THUMB);
    };
    const paths = [
      'http://evil.example/x.jpg', '//evil.example/x.jpg', '/library/../:/prefs', '/library/metadata/7/../../../identity',
      '/library/metadata/7/thumb?X=1', '/library/metadata/7/thumb#x', '/:/prefs', '/status/sessions', '/library//x', '/library/%2e%2e/x', '',
      '/library/metadata/7/thumb\r\nX: y', '\\\\host\\share',
    ]; // prettier-ignore
    for (const path of paths) {
      expect((await refusal(plexAt(plex.url).poster(path, 'small'))).code, path).to.equal('plex_not_found');
    }
    expect(plex.seen).to.deep.equal([]);
  });

  it('keep nobody waiting for a server that hangs: the next one is refused at once, without asking', async () => {
    answer = () => undefined;
    const server = plexAt(plex.url, { timeoutMs: 150 });
    expect((await refusal(server.poster(PATH, 'small'))).code).to.equal('plex_timeout');
    const asked = plex.seen.length;
    answer = (res) => {
      sendBytes(res, THUMB);
    };
    const more = await Promise.all(Array.from({ length: 30 }, () => refusal(server.poster(PATH, 'small'))));
    expect(new Set(more.map(({ code }) => code))).to.deep.equal(new Set(['plex_timeout']));
    expect(plex.seen).to.have.length(asked);
  });

  it('are read three at a time', async () => {
    const open: ServerResponse[] = [];
    let most = 0;
    answer = (res) => {
      most = Math.max(most, open.push(res));
      // Long enough for a fourth to come, if it were let through.
      setTimeout(() => {
        sendBytes(res, THUMB);
        open.splice(open.indexOf(res), 1);
      }, 20);
    };
    const server = plexAt(plex.url);
    await Promise.all(Array.from({ length: 12 }, (_, at) => server.poster(`/library/metadata/${at}/thumb/1`, 'small')));
    expect(most).to.equal(3);
  });

  it('stop when nobody wants them any more', async () => {
    answer = () => undefined;
    const gone = new AbortController();
    const waiting = plexAt(plex.url).poster(PATH, 'small', gone.signal);
    gone.abort(new Error('nobody is here'));
    const error: unknown = await waiting.catch((reason: unknown) => reason);
    expect((error as Error).message).to.equal('nobody is here');
  });

  it('come from the simulated server too', async () => {
    const simulated = new SimulatedPlex({ sections: [{ id: '1', title: 'Films', type: 'movie', locations: [] }] });
    await simulated.start();
    simulated.loadSynthetic(1);
    const server = new PlexServer({ url: simulated.url, token: simulated.token, clientId: 'c', version: '1' });
    const [item] = await server.details([simulated.items()[0]?.ratingKey ?? '']);
    const { type } = await server.poster(item?.thumb ?? '', 'large');
    expect(type).to.equal('image/jpeg');
    expect(simulated.requests.at(-1)?.path).to.equal('/photo/:/transcode');
    await simulated.stop();
  });
});

describe('what bytes are', () => {
  it('knows the pictures that browsers draw, and nothing else', () => {
    const types = (texts: string[]): (string | null)[] =>
      texts.map((text) => pictureTypeOf(Buffer.from(text, 'latin1')));
    expect(
      types(['\xff\xd8\xff\xe0', '\x89PNG\r\n\x1a\n', 'GIF89a', 'RIFF\x01\x02\x03\x04WEBPVP8 ', '\0\0\0\x20ftypavif']),
    ).to.deep.equal(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif']);
    expect(types(['', 'GIF', '<svg', '%PDF-1.4', 'RIFF1234WAVE', '\0\0\0\x20ftypmp42', ' \xff\xd8\xff'])).to.deep.equal(
      Array(7).fill(null),
    );
  });
});
