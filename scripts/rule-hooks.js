// Lets a rule in any folder import what MediaFlow gives it at run time: `mediaflow/rule`, `mediaflow/rule-test` and `zod`.
import { register } from 'node:module';

register(
  `data:text/javascript,${encodeURIComponent(`
let places;
export function initialize(given) { places = given; }
export function resolve(specifier, context, next) {
  const place = places.files[specifier];
  if (place !== undefined) return next(place, context);
  return next(specifier, specifier === 'zod' ? { ...context, parentURL: places.parent } : context);
}`)}`,
  {
    data: {
      parent: import.meta.url,
      files: {
        'mediaflow/rule': new URL('../src/domain/rule.ts', import.meta.url).href,
        'mediaflow/rule-test': new URL('../tests/support/rule-test.ts', import.meta.url).href,
      },
    },
  },
);
