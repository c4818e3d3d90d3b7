import { expect } from 'chai';
import { fieldsOf, hostileValues, seeded } from '../support/hostile-inputs.js';
import { fuzzInputs, InputProgram } from '../support/input-run.js';

/** One after the other over all fields, so that each known text meets some of them. */
const VALUES = 200;

describe('hostile texts in every field of the API', function () {
  this.timeout(240_000);
  it('are refused or taken, and break nothing', async () => {
    const program = await InputProgram.start();
    try {
      const fields = fieldsOf(await program.document());
      const values = hostileValues(VALUES, seeded(1));
      const attacks = fields.map((field, at) => ({ field, value: values[(at * 7) % VALUES] ?? '' }));
      const { wrong, runs, byPerson } = await fuzzInputs(program, attacks);
      expect(wrong).to.deep.equal([]);
      expect(runs).to.be.greaterThan(300);
      expect(byPerson, 'to rows that take no API key').to.be.greaterThan(0);
    } finally {
      await program.stop();
    }
  });
});
