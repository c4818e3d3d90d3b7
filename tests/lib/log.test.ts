import { expect } from 'chai';
import { Writable } from 'node:stream';
import { createLog } from '../../src/lib/log.js';

describe('createLog', () => {
  const lines = (write: (log: ReturnType<typeof createLog>) => void): string => {
    const written: string[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString());
        done();
      },
    });
    write(createLog('info', sink));
    return written.join('');
  };

  it('hides secrets in fields, text, addresses and errors', () => {
    const secret = 'canary-9f2';
    const text = lines((log) => {
      log.info({ plex: { token: secret }, password: secret }, `GET /library?X-Plex-Token=${secret}&a=1`);
      log.info(`POST /hooks/plex/${secret}`);
      log.error({ err: new Error(`X-Api-Key: ${secret}`, { cause: new Error(`Bearer ${secret}`) }) }, 'failed');
    });
    expect(text).not.to.contain(secret);
    expect(text).to.contain('[hidden]');
  });
});
