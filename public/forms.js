/* global document, window, location, ask */
/* exported askBeforeLeaving */
// Whoever leaves a form that was changed is asked first, and nothing replaces one while it is being filled in.

/** Forms that only choose what is on the page are not what anybody would miss. */
const IS_PASSING = '.filters, .bulk, .tag-add, [method="dialog"], [method="get"]';
/** Of what a menu offers only words are missed; the rest is chosen anew in no time. */
const isWords = (field) => field.matches('textarea, input:not([type="checkbox"], [type="radio"])');

const isChanged = (field) => {
  if (field.closest('details.menu') && !isWords(field)) return false;
  if (field.disabled || !field.name || ['hidden', 'password', 'submit', 'button', 'search'].includes(field.type))
    return false;
  if (field.matches('input[type="checkbox"], input[type="radio"]')) return field.checked !== field.defaultChecked;
  if (field.matches('select')) {
    const meant = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
    return meant !== undefined && field.value !== meant.value;
  }
  return field.matches('input, textarea') && field.value !== field.defaultValue;
};

/** Forms that are on their way: what they hold is not lost. */
const sent = new WeakSet();

const isUnsaved = (form) =>
  !sent.has(form) &&
  !form.matches(IS_PASSING) &&
  (form.hasAttribute('data-unsaved') || [...form.elements].some(isChanged));

/** The form with changes that lies in a part of the page, or null. */
const unsavedIn = (part) => [...part.querySelectorAll('form')].find(isUnsaved) ?? null;

/** Goes on at once when nothing in this part of the page would be lost, else after a yes. */
function askBeforeLeaving(part, go) {
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

window.addEventListener('beforeunload', (event) => {
  if (unsavedIn(document)) event.preventDefault();
});

// A question may still stop it; asked again, it comes here again.
document.addEventListener('submit', (event) => {
  if (!event.defaultPrevented) sent.add(event.target);
});
document.addEventListener('input', (event) => {
  if (event.target.form) sent.delete(event.target.form);
});
/** The form that a request of htmx sends away; a form also asks things that save nothing. */
const formOf = ({ elt, requestConfig }) => {
  const form = elt.closest?.('form');
  return form && requestConfig.verb !== 'get' && requestConfig.path === form.getAttribute('action') ? form : null;
};
document.addEventListener('htmx:beforeRequest', ({ detail }) => {
  const form = formOf(detail);
  if (form) sent.add(form);
});
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  const form = formOf(detail);
  if (!form) return;
  if (detail.xhr.status === 204) settle(form);
  // A form whose session ended is kept until somebody has signed in.
  else if (!detail.successful && detail.xhr.status !== 401) sent.delete(form);
});

/** What was saved is what the form holds from now on. */
function settle(form) {
  if (form.matches(IS_PASSING)) return;
  form.removeAttribute('data-unsaved');
  for (const field of form.elements) {
    if (field.matches('input[type="checkbox"], input[type="radio"]')) field.defaultChecked = field.checked;
    else if (field.matches('select')) for (const option of field.options) option.defaultSelected = option.selected;
    else if (field.matches('input:not([type="hidden"]), textarea')) field.defaultValue = field.value;
  }
  sent.delete(form);
}

// A live region stays as it is while somebody fills in a form in it. What was typed in a menu is put back into it.
document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  const { target, requestConfig } = detail;
  const form = requestConfig?.elt.hasAttribute('data-live') && target ? unsavedIn(target) : null;
  if (form && !form.closest('details.menu')) detail.shouldSwap = false;
});

// The session ended while nothing was sent: the form stays, and keeps what it holds when it is sent.
document.addEventListener('htmx:beforeOnLoad', (event) => {
  const { xhr, requestConfig } = event.detail;
  if (xhr.status === 401 && requestConfig.verb === 'get' && unsavedIn(document)) event.preventDefault();
});

// A form that came back refused begins anew with its page.
document.addEventListener('click', (event) => {
  const link = event.target.closest('form[data-unsaved] a.btn.ghost[href]');
  if (link && link.href.split('#')[0] !== location.href) sent.add(link.closest('form'));
});
