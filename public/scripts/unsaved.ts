// Whoever leaves a form that was changed is asked first, and nothing replaces one while it is being filled in.
import { ask } from './dialogs.js';
import { onHtmx, type HtmxDetail } from './htmx-events.js';
import { all, elementOf, formOf, isTicked } from './page.js';

/** Forms that only choose what is on the page are not what anybody would miss. */
const IS_PASSING = '.filters, .bulk, .tag-add, [method="dialog"], [method="get"]';
const NOT_TYPED = ['hidden', 'password', 'submit', 'button', 'search'];
/** Of what a menu offers only words are missed; the rest is chosen anew in no time. */
const IS_WORDS = 'textarea, input:not([type="checkbox"], [type="radio"])';

/** Forms that are on their way: what they hold is not lost. */
const sent = new WeakSet<HTMLFormElement>();

function isChanged(field: Element): boolean {
  if (field.closest('details.menu') && !field.matches(IS_WORDS)) return false;
  if (field instanceof HTMLSelectElement) {
    if (field.disabled || !field.name) return false;
    const options = [...field.options];
    const meant = options.find((option) => option.defaultSelected) ?? options[0];
    return meant !== undefined && field.value !== meant.value;
  }
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return false;
  if (field.disabled || !field.name || NOT_TYPED.includes(field.type)) return false;
  return isTicked(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

const isUnsaved = (form: HTMLFormElement): boolean =>
  !sent.has(form) &&
  !form.matches(IS_PASSING) &&
  (form.hasAttribute('data-unsaved') || [...form.elements].some(isChanged));

/** The form with changes that lies in a part of the page, or null. */
export const unsavedIn = (part: ParentNode): HTMLFormElement | null =>
  all<HTMLFormElement>('form', part).find(isUnsaved) ?? null;

/** Goes on at once when nothing in this part of the page would be lost, else after a yes. */
export function askBeforeLeaving(part: ParentNode, go: () => void): void {
  const form = unsavedIn(part);
  if (!form) {
    go();
    return;
  }
  ask({ text: 'What you typed is not saved. It is lost when you leave.', yes: 'Leave', no: 'Stay' }, () => {
    sent.add(form);
    go();
  });
}

/** The form that a request of htmx sends away; a form also asks things that save nothing. */
function sentBy({ elt, requestConfig }: HtmxDetail): HTMLFormElement | null {
  const form = elt.closest('form');
  const isIt = form && requestConfig?.verb !== 'get' && requestConfig?.path === form.getAttribute('action');
  return isIt ? form : null;
}

/** What was saved is what the form holds from now on. */
function settle(form: HTMLFormElement): void {
  if (form.matches(IS_PASSING)) return;
  form.removeAttribute('data-unsaved');
  for (const field of form.elements) {
    if (isTicked(field)) field.defaultChecked = field.checked;
    else if (field instanceof HTMLSelectElement)
      for (const option of field.options) option.defaultSelected = option.selected;
    else if (field.matches('input:not([type="hidden"]), textarea'))
      (field as HTMLInputElement).defaultValue = (field as HTMLInputElement).value;
  }
  sent.delete(form);
}

export function startUnsaved(): void {
  window.addEventListener('beforeunload', (event) => {
    if (unsavedIn(document)) event.preventDefault();
  });
  // A question may still stop it; asked again, it comes here again.
  document.addEventListener('submit', (event) => {
    if (!event.defaultPrevented && event.target instanceof HTMLFormElement) sent.add(event.target);
  });
  document.addEventListener('input', (event) => {
    const form = formOf(elementOf(event));
    if (form) sent.delete(form);
  });
  // A form that came back refused begins anew with its page.
  document.addEventListener('click', (event) => {
    const link = elementOf(event).closest<HTMLAnchorElement>('form[data-unsaved] a.btn.ghost[href]');
    const form = link?.closest('form');
    if (link && form && link.href.split('#')[0] !== location.href) sent.add(form);
  });
  watchRequests();
}

function watchRequests(): void {
  onHtmx('htmx:beforeRequest', (detail) => {
    const form = sentBy(detail);
    if (form) sent.add(form);
  });
  onHtmx('htmx:afterRequest', (detail) => {
    const form = sentBy(detail);
    if (!form) return;
    if (detail.xhr.status === 204) settle(form);
    // A form whose session ended is kept until somebody has signed in.
    else if (!detail.successful && detail.xhr.status !== 401) sent.delete(form);
  });
  // A live region stays as it is while somebody fills in a form in it. What was typed in a menu is put back into it.
  onHtmx('htmx:beforeSwap', (detail) => {
    const isLive = detail.requestConfig?.elt.hasAttribute('data-live') ?? false;
    const form = isLive ? unsavedIn(detail.target) : null;
    if (form && !form.closest('details.menu')) detail.shouldSwap = false;
  });
  // The session ended while nothing was sent: the form stays, and keeps what it holds when it is sent.
  onHtmx('htmx:beforeOnLoad', ({ xhr, requestConfig }, event) => {
    if (xhr.status === 401 && requestConfig?.verb === 'get' && unsavedIn(document)) event.preventDefault();
  });
}
