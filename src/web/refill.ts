import { load, type Cheerio, type CheerioAPI } from 'cheerio/slim';
import type { Element } from 'domhandler';
import { isSecretName, type Typed } from './typed.js';

/** What is put back into a page. */
export interface Refilling {
  /** The address the form posts to, url base included. */
  path: string;
  typed: Typed;
  /** Where the page itself is, so that there is a way to begin anew. */
  page: string;
  /** Input field -> what is wrong with it; `a.b` is the control `a[b]`. */
  fields: Readonly<Record<string, string>>;
  /** Says above the form why it is there again. */
  note: string;
  /** Says below a control what is wrong with it. */
  fieldNote: (id: string, message: string) => string;
}

/** What nobody types: their values are the page's own. */
const OWN = new Set(['hidden', 'submit', 'button', 'image', 'reset', 'file']);

/**
 * Puts what was typed back into its form: the page drawn anew equals the one that was sent, whatever drew it. Secrets are
 * not repeated. Null when the page has no form that posts there.
 */
export function refill(html: string, refilling: Refilling): string | null {
  const { path, typed, page, fields, note, fieldNote } = refilling;
  const $ = load(html, null, /^\s*<!doctype/i.test(html));
  const form = formOf($, path, typed);
  if (form === null) return null;
  const controls = controlsOf($, form);
  const waiting = queuesOf(typed);
  for (const control of controls) {
    const isChanged = putBack($(control), waiting);
    if (isChanged) openAround($(control));
  }
  for (const [field, message] of Object.entries(fields)) {
    const wrong = controlOf($, controls, field);
    if (wrong === null) continue;
    const id = `refused-${controls.indexOf(wrong)}`;
    $(wrong).attr({ 'aria-invalid': 'true', 'aria-describedby': id });
    const box = $(wrong).closest('.field');
    if (box.length > 0) box.append(fieldNote(id, message));
    else $(wrong).after(fieldNote(id, message));
    openAround($(wrong));
  }
  openAround(form);
  if ($('#form-error').length === 0) form.prepend(note);
  form.attr('data-unsaved', '');
  // What a reset button would bring back is what was refused.
  form.find('button[type="reset"]').each((_, button) => {
    const text = $(button).text();
    $(button).replaceWith($('<a class="btn ghost"></a>').attr('href', page).text(text));
  });
  return $.html();
}

/** Whether the page has a form that posts to this address. */
export const hasForm = (html: string, path: string, typed: Typed): boolean => formOf(load(html), path, typed) !== null;

/** Whether anything in the form of this address waits to be filled in by a person. */
export function hasInputs(html: string, path: string, typed: Typed): boolean {
  const $ = load(html);
  const form = formOf($, path, typed);
  return form !== null && controlsOf($, form).some((control) => !OWN.has($(control).attr('type') ?? ''));
}

/** Of several forms with this address the one whose own values are those that were sent. */
function formOf($: CheerioAPI, path: string, typed: Typed): Cheerio<Element> | null {
  const leadsHere = (action: string | undefined): boolean => action?.split('?')[0] === path;
  const likeness = (form: Element): number => {
    const names = new Set<string>();
    let score = 0;
    for (const control of controlsOf($, $(form))) {
      const name = $(control).attr('name') ?? '';
      names.add(name);
      if ($(control).attr('type') !== 'hidden' || name === '_csrf') continue;
      score += typed.some(([sent, value]) => sent === name && value === $(control).attr('value')) ? 2 : -2;
    }
    return score + typed.filter(([name]) => names.has(name)).length;
  };
  const forms = $('form')
    .toArray()
    .filter(
      (form) =>
        $(form).attr('method') === 'post' &&
        (leadsHere($(form).attr('action')) ||
          $(form)
            .find('[formaction]')
            .toArray()
            .some((button) => leadsHere($(button).attr('formaction')))),
    )
    .map((form) => ({ form, score: likeness(form) }))
    .sort((a, b) => b.score - a.score);
  return forms[0] === undefined ? null : $(forms[0].form);
}

/** The controls a browser would send with the form, in its order; also those that only name it. */
function controlsOf($: CheerioAPI, form: Cheerio<Element>): Element[] {
  const [self] = form.toArray();
  const id = form.attr('id');
  return $('input, select, textarea')
    .toArray()
    .filter((control) => {
      const { name = '', disabled, form: owner } = $(control).attr() ?? {};
      if (name === '' || disabled !== undefined) return false;
      return owner === undefined ? $(control).closest('form')[0] === self : owner === id;
    });
}

function queuesOf(typed: Typed): Map<string, string[]> {
  const queues = new Map<string, string[]>();
  for (const [name, value] of typed) queues.set(name, [...(queues.get(name) ?? []), value]);
  return queues;
}

/** Gives one control its value again. Whether that changed it. */
function putBack(control: Cheerio<Element>, waiting: Map<string, string[]>): boolean {
  const name = control.attr('name') ?? '';
  const kind = kindOf(control);
  const queue = waiting.get(name);
  if (kind === 'checkbox' || kind === 'radio') return tick(control, queue);
  const value = queue?.shift();
  if (value === undefined || OWN.has(kind) || kind === 'password' || isSecretName(name)) return false;
  return kind === 'select' ? choose(control, value) : write(control, kind, value);
}

function tick(control: Cheerio<Element>, queue: string[] | undefined): boolean {
  const value = control.attr('value') ?? 'on';
  const isBox = control.attr('type') === 'checkbox';
  // A box that is not ticked sends nothing; its hidden twin, where it has one, and a row of radios always do.
  if (queue === undefined && (!isBox || hasTwin(control))) return false;
  const isTicked = isBox ? queue?.[0] === value : queue?.includes(value) === true;
  if (isBox && isTicked) queue?.shift();
  const isChanged = control.is('[checked]') !== isTicked;
  if (isTicked) control.attr('checked', '');
  else control.removeAttr('checked');
  return isChanged;
}

const hasTwin = (box: Cheerio<Element>): boolean =>
  box
    .closest('form')
    .find('input[type="hidden"]')
    .filter((_, twin) => twin.attribs['name'] === box.attr('name')).length > 0;

const kindOf = (control: Cheerio<Element>): string => {
  if (control.is('select')) return 'select';
  return control.is('textarea') ? 'textarea' : (control.attr('type') ?? 'text').toLowerCase();
};

function choose(select: Cheerio<Element>, value: string): boolean {
  const options = select.find('option');
  const all = options.toArray().map((_, at) => options.eq(at));
  const chosen = all.find((option) => (option.attr('value') ?? option.text().trim()) === value);
  if (chosen === undefined) return false;
  const isChanged = !chosen.is('[selected]');
  options.removeAttr('selected');
  chosen.attr('selected', '');
  return isChanged;
}

function write(control: Cheerio<Element>, kind: string, value: string): boolean {
  if (kind !== 'textarea') {
    const before = control.attr('value') ?? '';
    control.attr('value', value);
    return before !== value;
  }
  const text = value.replaceAll(/\r\n?/g, '\n');
  const before = control.text();
  // A browser drops a line end right after the tag.
  control.text(text.startsWith('\n') ? `\n${text}` : text);
  return before !== text;
}

/** What lies in something folded is shown. */
function openAround(element: Cheerio<Element>): void {
  element.parents('details').attr('open', '');
}

/** The control a refused field is: `edit.title.value` is `edit[title][value]`, `safety.dryRun` is `dryRun` on its own tab. */
function controlOf($: CheerioAPI, controls: readonly Element[], field: string): Element | null {
  const toName = ([first = '', ...rest]: readonly string[]): string => first + rest.map((part) => `[${part}]`).join('');
  const parts = field.split('.');
  const seen = controls.filter((control) => $(control).attr('type') !== 'hidden');
  const nameOf = (control: Element): string => $(control).attr('name') ?? '';
  for (const name of [toName(parts), toName(parts.slice(1)), toName(parts.slice(0, -1))]) {
    if (name === '') continue;
    const found = seen.find((control) => nameOf(control) === name);
    // What is wrong with a list stands by its first row.
    const row = found ?? seen.find((control) => nameOf(control).startsWith(`${name}[`));
    if (row !== undefined) return row;
  }
  return null;
}
