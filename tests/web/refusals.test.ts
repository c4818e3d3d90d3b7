import { expect } from 'chai';
import fc from 'fast-check';
import { z } from 'zod';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Settings } from '../../src/domain/settings/settings.js';
import { refusalMessage, refusedFields } from '../../src/lib/plain-refusals.js';
import { routes } from '../../src/web/routes.js';
import { API_KEY, startWeb, type WebTest } from '../support/web.js';

/** What zod says by itself. */
const RAW =
  /invalid (input|option|string|key|element|url|number)|expected (?:string|number|int|boolean|array|object|record|one)|received |too (small|big)|unrecognized|[<>]=|discriminator/i;

interface Shape {
  properties?: Record<string, Shape>;
  anyOf?: Shape[];
  oneOf?: Shape[];
  items?: Shape;
}

/** Wrong kinds, wrong sizes, and what is missing, wherever a schema takes something. */
const anything = fc.oneof(
  fc.constantFrom(undefined, null, '', -1, 1.5, Number.NaN, 1e12, true, 'x'.repeat(5000), [], [1], {}, { kind: 'key' }),
  fc.string({ maxLength: 5 }),
  fc.integer(),
);

function wrongFor(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  const branches = [...(shape.anyOf ?? []), ...(shape.oneOf ?? [])];
  const deeper =
    depth > 3
      ? []
      : [
          ...branches.map((branch) => wrongFor(branch, depth + 1)),
          ...(shape.items ? [fc.array(wrongFor(shape.items, depth + 1), { maxLength: 2 })] : []),
          ...(shape.properties
            ? [fc.record(Object.fromEntries(Object.entries(shape.properties).map(([name, one]) => [name, wrongFor(one, depth + 1)])), { requiredKeys: [] })] // prettier-ignore
            : []),
        ];
  return deeper.length > 0 ? fc.oneof(anything, ...deeper.map((arbitrary) => ({ arbitrary, weight: 3 }))) : anything;
}

const shapeOf = (schema: z.ZodType): Shape => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape;

describe('what is wrong with a field', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb();
  });
  after(() => web.stop());
  const refusal = (schema: z.ZodType, given: unknown): Record<string, string> => {
    const { error } = schema.safeParse(given);
    return error ? refusedFields(schema, error) : {};
  };

  it('is never said in the words of the validator, whatever is sent to whatever action or rule', async () => {
    const dir = resolve(import.meta.dirname, '../../rules');
    const files = readdirSync(dir).filter((file) => file.endsWith('.ts'));
    const rules = await Promise.all(
      files.map(
        async (file) => (await import(pathToFileURL(join(dir, file)).href)) as { default: { options: z.ZodType } },
      ),
    );
    const schemas = new Set([
      ...routes.map(({ action }) => action.input),
      ...rules.map((rule) => rule.default.options),
      Settings,
    ]);
    let said = 0;
    for (const schema of schemas) {
      fc.assert(
        fc.property(wrongFor(shapeOf(schema)), (given) => {
          const fields = refusal(schema, given);
          said += Object.keys(fields).length;
          for (const text of [...Object.values(fields), refusalMessage(fields)]) {
            expect(text).not.to.match(RAW);
            expect(text, 'a sentence').to.match(/^[A-Z0-9/].*[.?]$/s);
          }
        }),
        { numRuns: 60 },
      );
    }
    expect(said).to.be.greaterThan(1000);
  });

  it('names the field and its range', () => {
    expect(
      refusal(Settings, { safety: { quarantineDays: 0, dryRun: 'x' }, queue: { concurrency: Number.NaN } }),
    ).to.deep.equal({
      'safety.quarantineDays': 'Keep originals for days must be a whole number between 1 and 365.',
      'safety.dryRun': 'Dry run must be true or false.',
      'queue.concurrency': 'Jobs at a time must be a whole number between 0 and 16.',
    });
  });

  it('stands in the answer of the API and on the page, with what to do', async () => {
    const send = (path: string, method: string, body: object): Promise<Response> =>
      fetch(web.url + path, { method, headers: { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }); // prettier-ignore
    const answer = await send('/api/settings', 'PUT', { safety: { quarantineDays: 900 } });
    const { error } = (await answer.json()) as { error: { message: string; fields: Record<string, string> } };
    const sentence = 'Keep originals for days must be a whole number between 1 and 365.';
    expect(error).to.deep.include({ message: `${sentence} Correct it and try again.` });
    expect(error.fields).to.deep.equal({ 'safety.quarantineDays': sentence });
    const nothing = await send('/api/tags', 'POST', {});
    expect(await nothing.text())
      .to.contain('Name is missing.')
      .and.not.match(RAW);
  });
});
