// What is selected of the recommendations, by card and by group. The server adds up, and counts every file once.
import { onHtmx } from './htmx-events.js';
import { all, boxes, elementOf, formOf, one } from './page.js';
import { review } from './review-cards.js';

const boxesOf = (group: Element): HTMLInputElement[] => boxes('input[name="ids"]', group);
const wholeOf = (group: Element | null): HTMLInputElement | null =>
  group && one<HTMLInputElement>('[data-pick-group]', group);
/** The value of the box of a whole group begins with how many there are. */
const sizeOf = (group: string): number => Number(group.split(' ')[0]);

interface Selection {
  /** Everything that matches, as the server is to understand it. */
  all?: string;
  ids: string[];
  groups: string[];
  count: number;
}

function selection(form: HTMLFormElement): Selection {
  const everything = one<HTMLInputElement>('[data-pick-everything]:checked', form)?.value;
  if (everything) {
    const expected = form.elements.namedItem('expected') as HTMLInputElement;
    return { all: everything, ids: [], groups: [], count: Number(expected.value) };
  }
  const groups = boxes('[data-pick-group]:checked').map(({ value }) => value);
  const ids = boxes('#review input[name="ids"]:checked')
    .filter((box) => !wholeOf(box.closest('[data-group]'))?.checked)
    .map(({ value }) => value);
  return { ids, groups, count: ids.length + groups.reduce((sum, group) => sum + sizeOf(group), 0) };
}

/** The box of a group is ticked when all of it is, and half ticked when some is. */
function tickGroups(): void {
  for (const group of all('#review [data-group]')) {
    const every = boxesOf(group);
    const ticked = every.filter(({ checked }) => checked).length;
    const whole = wholeOf(group);
    if (!whole) continue;
    const isWhole = ticked === every.length && sizeOf(whole.value) === every.length;
    whole.checked ||= isWhole && ticked > 0;
    whole.indeterminate = !whole.checked && ticked > 0;
  }
}

/** What the server was asked to add up last. */
let asked = '';

function showSelection(): void {
  const form = one<HTMLFormElement>('#bulk');
  if (!review() || !form) return;
  tickGroups();
  for (const button of all('[data-review-none]', form)) button.hidden = false;
  const chosen = selection(form);
  const place = one('[data-bulk-count]', form);
  if (place) place.textContent = `${chosen.count.toLocaleString('en-US')} selected`;
  const text = JSON.stringify(chosen);
  // What the server adds up may come when nothing is selected any more.
  if (text === asked && chosen.count > 0) return;
  asked = text;
  const sum = one('[data-bulk-sum]', form);
  if (sum) sum.textContent = '';
  const approve = one('[data-bulk-approve]', form);
  if (approve) approve.textContent = 'Approve selected';
  if (chosen.count > 0) document.getElementById('bulk-sum')?.dispatchEvent(new CustomEvent('mf:selected'));
}

function tickWithGroup(field: HTMLInputElement): void {
  const group = field.closest('[data-group]');
  if (group && field.matches('[data-pick-group]')) {
    for (const box of boxesOf(group)) box.checked = field.checked;
    return;
  }
  // One that is taken out again: what the page does not show is no longer meant either.
  const whole = wholeOf(group);
  if (whole && !field.checked) whole.checked = false;
}

export function startReviewSelection(): void {
  document.addEventListener('change', (event) => {
    const field = elementOf(event);
    if (!review()?.contains(field) || formOf(field)?.id !== 'bulk') return;
    if (field instanceof HTMLInputElement) tickWithGroup(field);
    showSelection();
  });
  document.addEventListener('click', (event) => {
    if (!elementOf(event).closest('[data-review-none]')) return;
    for (const box of boxes('#review input[type="checkbox"][form="bulk"], #bulk [data-pick-everything]'))
      box.checked = false;
    showSelection();
  });
  onHtmx('htmx:afterSettle', (_, event) => {
    // The bar was drawn anew with the page, without its sum.
    if (elementOf(event).id === 'review') asked = '';
    showSelection();
  });
  onHtmx('htmx:afterSwap', (_, event) => {
    const sum = elementOf(event);
    if (sum.id !== 'bulk-sum') return;
    const approves = one('[data-approves]', sum)?.dataset['approves'];
    const button = one('[data-bulk-approve]');
    if (button && approves) button.textContent = `Approve ${Number(approves).toLocaleString('en-US')}`;
  });
  showSelection();
}
