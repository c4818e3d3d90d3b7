import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { routes } from '../../src/web/routes.js';

const VIEWS = resolve(import.meta.dirname, '../../views');

/** A form as a view writes it. */
export interface WrittenForm {
  view: string;
  method: string;
  /** The row of the route table it leads to; its address with `:x` for each variable part when no row has it. */
  row: string;
  /** Whether anything in it is typed, ticked or chosen, so that more than a button is there to be refused. */
  isFilledIn: boolean;
}

const sources = new Map(
  readdirSync(VIEWS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.hbs'))
    .map((file) => [file.replace('.hbs', ''), readFileSync(resolve(VIEWS, file), 'utf8')]),
);

/** Every `<form` of every view, and every use of a partial that draws one around what it is given. */
export function writtenForms(): WrittenForm[] {
  return [...sources].flatMap(([view, text]) => [
    ...[...text.matchAll(/<form\b[^]*?<\/form>/g)]
      // What these hold is written where they are used.
      .filter(([form]) => !form.includes('@partial-block'))
      .map(([form]) => toForm(view, form, /\saction="((?:\{\{[^}]*\}\}|[^"{])*)"/.exec(form)?.[1] ?? '')),
    ...[...text.matchAll(/\{\{#> (parts\/(?:do|worker-slow)) to=\((.*?)\)[ }][^]*?\{\{\/\1\}\}/g)].map(
      ([form, , to = '']) => toForm(view, `method="post" ${form}`, `{{${to}}}`),
    ),
  ]);
}

function toForm(view: string, form: string, action: string): WrittenForm {
  const method = /method="(\w+)"/.exec(form)?.[1] ?? 'get';
  const id = /^<form\b[^>]*?\sid="([\w-]+)"/.exec(form)?.[1];
  const isNamedElsewhere = id !== undefined && [...sources.values()].some((text) => text.includes(`form="${id}"`));
  return { view, method, row: rowOf(addressOf(action), method), isFilledIn: isNamedElsewhere || holdsControls(form) };
}

/** `{{href "/tags/" id "/delete"}}` is `/tags/:x/delete`. */
const addressOf = (action: string): string =>
  action
    .replaceAll(/\{\{#if[^]*?\{\{\/if\}\}/g, ':x')
    .replaceAll(/\{\{(?:url|href)?([^}]*)\}\}/g, (_, parts: string) =>
      [...parts.matchAll(/"([^"]*)"|\(join|([\w.@/]+)/g)].map(([, text, name]) => text ?? (name ? ':x' : '')).join(''),
    );

/** The row of the table that this address leads to, or the address itself. */
export function rowOf(address: string, method = 'post'): string {
  const parts = address.split('/');
  const row = routes.find(({ method: own, page }) => {
    const names = page?.split('/') ?? [];
    return own === method && names.length === parts.length && names.every((name, at) => name.startsWith(':') || name === parts[at]); // prettier-ignore
  });
  return row?.page ?? address;
}

/** Whether a piece of a view, with the partials in it, has a control that a person fills in. */
function holdsControls(text: string, within: readonly string[] = []): boolean {
  if (/<(select|textarea)\b/.test(text)) return true;
  const inputs = [...text.matchAll(/<input\b(?:[^>"]|"(?:\{\{[^}]*\}\}|[^"{])*"|\{\{[^}]*\}\})*>/g)].map(
    ([input]) => input,
  );
  if (inputs.some((input) => !input.includes('type="hidden"') && /\sname="/.test(input))) return true;
  const partials = [...text.matchAll(/\{\{#?> ([\w/-]+)/g)].map(([, name = '']) => name);
  return partials.some((name) => !within.includes(name) && holdsControls(sources.get(name) ?? '', [...within, name]));
}
