// Lets a rule in any folder import what MediaFlow gives it at run time: `mediaflow/rule`, `mediaflow/rule-test` and `zod`.
// A rule and its test are modules, whatever a `package.json` near them says, or none.
import { register } from 'node:module';

register(
  `data:text/javascript,${encodeURIComponent(`
import { readFile } from 'node:fs/promises';
let places;
export function initialize(given) { places = given; }
export function resolve(specifier, context, next) {
  const place = places.files[specifier];
  if (place !== undefined) return next(place, context);
  return next(specifier, specifier === 'zod' ? { ...context, parentURL: places.parent } : context);
}
export async function load(url, context, next) {
  const isTheirs = url.startsWith('file:') && !url.startsWith(places.own) && !url.includes('/node_modules/');
  if (!isTheirs || !new URL(url).pathname.endsWith('.js')) return next(url, context);
  return { format: 'module', source: await readFile(new URL(url)), shortCircuit: true };
}`)}`,
  {
    data: {
      parent: import.meta.url,
      own: new URL('..', import.meta.url).href,
      files: {
        'mediaflow/rule': new URL('../src/domain/rules/rule.ts', import.meta.url).href,
        'mediaflow/rule-test': new URL('../tests/support/rule-test.ts', import.meta.url).href,
      },
    },
  },
);
