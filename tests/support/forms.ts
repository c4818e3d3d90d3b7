import { load, type Cheerio } from 'cheerio';
import type { Element } from 'domhandler';
import type { Context } from '../../src/actions/action.js';
import { MetadataEdit } from '../../src/domain/library/metadata-edit.js';
import { routes } from '../../src/web/routes.js';

export const ITEM = '/library/01234567-103';
/** Where the pages with a part of their own in the address are; a page without one is found by itself. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  '/settings/:tab': ['/settings/safety', '/settings/queue', '/settings/intel', '/settings/paths'],
  '/library/edit/:id': ['/library/edit/edit-draft'],
  '/library/edit/:id/preview': [],
  '/library/edit/:id/result': ['/library/edit/edit-draft/result'],
  '/library/:id': [ITEM],
  '/library/:id/plan': [`${ITEM}/plan?presetId=balanced`],
  '/library/:id/tags': [`${ITEM}/tags`],
  '/tags/:id': ['/tags/film-club'],
  '/collections/:id': ['/collections/kept'],
  '/queue/:id': ['/queue/job-run', '/queue/job-ready', '/queue/job-broken'],
  '/quarantine/:id': ['/quarantine/q-0'],
  '/workers/:id': ['/workers/w-attic', '/workers/w-closet'],
  '/workers/:id/setup': ['/workers/w-garage/setup'],
  '/rules/:id': ['/rules/codec-modernization', '/rules/duplicate-detection'],
};
/** Outside the house. */
const DOORS = ['/sign-in', '/setup', '/setup/token'];

/** Every page of the program, as the preview with `addFormRows` has it. Throws for a page that is not known here. */
export function formPages(): string[] {
  const paths = routes.flatMap(({ method, page, view }) => (method === 'get' && page && view ? [page] : []));
  return paths.flatMap((path) => {
    if (DOORS.includes(path)) return [];
    if (!path.includes(':')) return [path];
    const known = EXAMPLES[path];
    if (known === undefined) throw new Error(`Name an example of the page ${path}, so that its forms are tried`);
    return known;
  });
}

/** What the preview lacks to show every form. */
export async function addFormRows({ store, now }: Context): Promise<void> {
  const createdAt = now().toISOString();
  const chosen = { itemId: '01234567-103', title: 'Hollow Sun', state: 'waiting', reason: null, changes: [], open: [] };
  await store.edits.put({ id: 'edit-draft', state: 'draft', edit: MetadataEdit.parse({}), titles: [chosen], createdAt, startedAt: null, finishedAt: null } as never); // prettier-ignore
  await store.filters.put({ id: 'modern', name: 'Modern', query: 'codec=av1', isDefault: false, createdAt });
  await store.collections.put({ id: 'kept', name: 'Kept', filterId: 'modern', query: '', keepInStep: true, places: [], createdAt, error: null }); // prettier-ignore
}

/** One control of a form, with what it sends and what it could. */
export interface Control {
  name: string;
  kind: string;
  choices: readonly string[];
  value: string;
  isChosen: boolean;
}

export interface SeenForm {
  action: string;
  controls: Control[];
}

const kindOf = (control: Cheerio<Element>): string =>
  control.is('select') ? 'select' : control.is('textarea') ? 'textarea' : (control.attr('type') ?? 'text');

/** The forms of a page that change something, as a browser sees them. */
export function formsIn(html: string): SeenForm[] {
  const $ = load(html);
  return $('form[method="post"]')
    .toArray()
    .map((form) => {
      const own = $('input, select, textarea')
        .toArray()
        .filter((control) => {
          const { name, disabled, form: owner } = $(control).attr() ?? {};
          if (!name || disabled !== undefined || name === '_csrf') return false;
          return owner === undefined ? $(control).closest('form')[0] === form : owner === $(form).attr('id');
        });
      const controls = own.map((control): Control => {
        const kind = kindOf($(control));
        const options = $(control).find('option');
        const selected = options.filter('[selected]').length > 0 ? options.filter('[selected]') : options.first();
        const value =
          kind === 'select'
            ? (selected.attr('value') ?? '')
            : kind === 'textarea'
              ? $(control).text()
              : ($(control).attr('value') ?? (kind === 'checkbox' ? 'on' : ''));
        return {
          name: $(control).attr('name') ?? '',
          kind,
          choices: options.toArray().map((option) => $(option).attr('value') ?? $(option).text()),
          value,
          isChosen: $(control).is('[checked]'),
        };
      });
      return { action: $(form).attr('action') ?? '', controls };
    });
}

const TICKED = ['checkbox', 'radio'];

/** What a browser would send. */
export const sentBy = (controls: readonly Control[]): [string, string][] =>
  controls
    .filter(({ kind, isChosen }) => !TICKED.includes(kind) || isChosen)
    .map(({ name, value, kind }) => [name, kind === 'textarea' ? value.replaceAll(/\r?\n/g, '\r\n') : value]);

/** What a person fills in, so that it has to be there after a refusal. */
export const isFilledIn = ({ name, kind }: Control): boolean =>
  !['hidden', 'password'].includes(kind) && !/privateKey|token/.test(name);
