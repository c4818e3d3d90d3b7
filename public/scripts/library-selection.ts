// What is selected in the library: counted here, added up by the server.
import { onHtmx } from './htmx-events.js';
import { all, boxes, elementOf, formOf, one, urlBase } from './page.js';

/** Titles of one answer. */
const AT_ONCE = 200;
/** A form with more is refused; then everything that matches is meant instead. */
const MOST_PICKED = 1500;

interface Title {
  id: string;
  sizeBytes: number;
  next: { savesBytes?: number } | null;
}

/** Every title that matches, those included that the page does not show. Throws when they are too many to name. */
async function titlesOf(query: Record<string, string>): Promise<Title[]> {
  const found: Title[] = [];
  for (let page = 1; ; page++) {
    const params = new URLSearchParams({ ...query, page: String(page), pageSize: String(AT_ONCE) });
    const answer = await fetch(`${urlBase}/api/library/items?${params.toString()}`, {
      headers: { Accept: 'application/json' },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const { items, total } = (await answer.json()) as { items: Title[]; total: number };
    if (total > MOST_PICKED) throw new Error('too many to name');
    found.push(...items);
    if (items.length === 0 || found.length >= total) return found;
  }
}

/** Ticks a title; one that the page does not show gets a box that nobody sees. */
function pick({ id, sizeBytes, next }: Title): HTMLInputElement {
  let box = one<HTMLInputElement>(`input[form="bulk"][value="${CSS.escape(id)}"]`);
  if (!box) {
    box = document.createElement('input');
    Object.assign(box, { type: 'checkbox', name: 'itemIds', value: id, hidden: true });
    box.setAttribute('form', 'bulk');
    Object.assign(box.dataset, { size: sizeBytes, saves: next?.savesBytes ?? 0 });
    one('#bulk [data-beyond]')?.append(box);
  }
  box.checked = true;
  return box;
}

const tellOf = (box: HTMLInputElement | null | undefined): void => {
  box?.dispatchEvent(new Event('change', { bubbles: true }));
};

function selectGroup(link: HTMLAnchorElement): void {
  const { show = '', season } = Object.fromEntries(new URLSearchParams(link.search));
  const menu = link.closest('details');
  if (menu) menu.open = false;
  const row = link.closest('[data-row]');
  if (row) one('th a, a.wall-card', row)?.focus({ preventScroll: true });
  titlesOf({ show, ...(season === undefined ? {} : { season }), sort: 'title' }).then(
    (titles) => {
      tellOf(titles.map(pick).at(-1));
    },
    // What the link says without this script.
    () => {
      location.assign(link.href);
    },
  );
}

function selectNone(): void {
  const ticked = boxes('input[form="bulk"]');
  for (const box of ticked) box.checked = false;
  one('#bulk [data-beyond]')?.replaceChildren();
  for (const everything of boxes('[data-pick-everything]')) everything.checked = false;
  tellOf(one<HTMLInputElement>('[data-pick-everything]'));
  // Those the page does not show are gone now, and nobody would hear them.
  tellOf(ticked.find((box) => box.isConnected));
  showSelection();
}

/** What was counted last. */
let selected = '';

function showSelection(): void {
  const form = one<HTMLFormElement>('#bulk');
  if (!form || !document.getElementById('titles')) return;
  const everything = one<HTMLInputElement>('[data-pick-everything]:checked', form);
  const picked = boxes('input[form="bulk"]');
  const ticked = picked.filter((box) => box.checked);
  const valueOf = (name: string): string => (form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? '';
  const count = everything ? Number(valueOf('expected')) : ticked.length;
  for (const label of all('[data-pick-page]')) label.hidden = false;
  for (const whole of boxes('[data-pick-all]')) {
    whole.hidden = false;
    whole.checked = picked.length > 0 && ticked.length === picked.length;
    whole.indeterminate = ticked.length > 0 && ticked.length < picked.length;
  }
  const now = `${everything?.value ?? ticked.map(({ value }) => value).join()} ${valueOf('presetId')}`;
  const text = `${count.toLocaleString('en-US')} selected`;
  const place = one('[data-bulk-count]', form);
  const sum = one('[data-bulk-sum]', form);
  if (!place || !sum) return;
  // Drawn anew with the page, it says nothing of the selection. What the server adds up may come when nothing is selected any more.
  const isRight = count === 0 ? !/^[1-9]/.test(place.textContent) : place.textContent === text;
  if (now === selected && isRight) return;
  selected = now;
  place.textContent = text;
  sum.textContent = '';
  if (count > 0) document.getElementById('bulk-sum')?.dispatchEvent(new CustomEvent('mf:selected'));
}

/** The tick above a list ticks all of it. */
export function startPickAll(): void {
  document.addEventListener('change', (event) => {
    const whole = elementOf(event);
    if (!(whole instanceof HTMLInputElement) || !whole.matches('[data-pick-all]')) return;
    for (const box of boxes('input[form="bulk"]')) box.checked = whole.checked;
  });
}

export function startLibrarySelection(): void {
  document.addEventListener('click', (event) => {
    const link = elementOf(event).closest<HTMLAnchorElement>('#titles a[data-select]');
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    selectGroup(link);
  });
  document.addEventListener('click', (event) => {
    if (elementOf(event).closest('[data-pick-none]')) selectNone();
  });
  for (const button of all('[data-pick-none]')) button.hidden = false;
  document.addEventListener('change', (event) => {
    const field = elementOf(event);
    if (formOf(field)?.id === 'bulk' || field.matches('[data-pick-all]')) showSelection();
  });
  // Also before it settles: until then a late sum would say what is no longer selected.
  onHtmx('htmx:afterSwap', showSelection);
  onHtmx('htmx:afterSettle', showSelection);
  document.addEventListener('mf:ticked', showSelection);
  showSelection();
}
