import { expect } from 'chai';
import fc from 'fast-check';
import cron from 'node-cron';
import { whyNoCron } from '../../../src/domain/settings/cron.js';

describe('cron expressions', () => {
  for (const text of ['*/15 * * * *', '30 4 * * *', '0 5 * * 0', '0,30 8-18/2 1 jan-mar mon-fri', '*/5 * * * * *', '0 22-2 * * 7'])
    it(`takes ${text}`, () => {
      expect(whyNoCron(text)).to.equal(null);
      expect(cron.validate(text)).to.equal(true);
    }); // prettier-ignore

  const BAD = [
    '0-9999999 * * * *', '0-999999999999 * * * *', '* * * * 0-99999999', '60 * * * *', '0/0 * * * *', '*/0 * * * *', '*/61 * * * *',
    '5/10 * * * *', '1-2-3 * * * *', '*/1/2 * * * *', ', * * * *', '0 0 L * *', '0 0 1 jan sun#2', '@daily', 'every full moon', '',
    '* * * *', '* * * * * * *', '1e9 * * * *', '-1 * * * *', '0x10 * * * *', '٣ * * * *', `${'1,'.repeat(100)}1 * * * *`,
  ]; // prettier-ignore
  it(`refuses ${BAD.length} that are none, or more than they look`, () => {
    for (const text of BAD) expect(whyNoCron(text), text).to.be.a('string');
  });

  it('lets nothing through that takes the schedule more than sixty steps a field', () => {
    const value = fc.oneof(
      fc.integer({ min: -5, max: 99_999_999 }).map(String),
      fc.constantFrom('*', 'jan', 'sun', ''),
    );
    const element = fc
      .tuple(value, fc.option(value), fc.option(value))
      .map(([from, to, step]) => `${from}${to === null ? '' : `-${to}`}${step === null ? '' : `/${step}`}`);
    const expression = fc.array(
      fc.array(element, { minLength: 1, maxLength: 4 }).map((list) => list.join(',')),
      {
        minLength: 4,
        maxLength: 7,
      },
    );
    fc.assert(
      fc.property(expression, (fields) => {
        const text = fields.join(' ');
        if (whyNoCron(text) !== null) return true;
        return [...text.matchAll(/\d+/g)].every(([digits]) => Number(digits) <= 60);
      }),
      { numRuns: 500 },
    );
  });
});
