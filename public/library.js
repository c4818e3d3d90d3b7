/* global document, Idiomorph, window */
// The library's rows: keys, the menu under the right button, and what is asked before everything is queued.

// ---- A menu or a group that is open stays open when its counts are drawn anew, and so do the filters of a narrow screen
if (typeof Idiomorph === 'object') {
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    // Where the reader is in a list, no drawing knows.
    name !== 'data-at' &&
    !(name === 'open' && node.matches?.('details.menu, .causes details')) &&
    !(name === 'checked' && node.matches?.('.fold-box'));
  // An item's tags are read by themselves; the page that is drawn anew holds only their place.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => node.id !== 'item-tags';
}

const rows = () => [...document.querySelectorAll('#titles [data-row]')];
const at = () => document.querySelector('#titles [data-row][data-at]');

function goTo(row) {
  at()?.removeAttribute('data-at');
  if (!row) return;
  row.setAttribute('data-at', '');
  row.querySelector('th a, a.wall-card')?.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

function openMenu(row) {
  const menu = row.querySelector('details.row-menu');
  if (!menu) return false;
  for (const other of document.querySelectorAll('details.menu[open]')) other.open = false;
  menu.open = true;
  menu.querySelector('.pop a')?.focus();
  return true;
}

document.addEventListener('contextmenu', (event) => {
  // Text that is marked, and whoever holds Shift, get the browser's own menu.
  const row = event.target.closest?.('#titles [data-row]');
  if (!row || event.shiftKey || !window.getSelection().isCollapsed) return;
  if (openMenu(row)) event.preventDefault();
});

const KEYS = {
  j: () => goTo(at() ? (rows()[rows().indexOf(at()) + 1] ?? at()) : rows()[0]),
  k: () => goTo(at() ? (rows()[rows().indexOf(at()) - 1] ?? at()) : rows()[0]),
  x: () => at()?.querySelector('input[type="checkbox"]')?.click(),
  m: () => at() && openMenu(at()),
  s: () => at()?.querySelector('[data-select="season"]')?.click(),
  S: () => at()?.querySelector('[data-select="series"]')?.click(),
};
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById('titles')) return;
  if (event.target.closest('input:not([type="checkbox"]), select, textarea, dialog[open]')) return;
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

// ---- A season or a series at once, those of its titles included that the page does not show
const AT_ONCE = 200;
/** A form with more is refused; then everything that matches is meant instead. */
const MOST_PICKED = 1500;
const base = document.querySelector('meta[name="url-base"]')?.content ?? '';

async function titlesOf(query) {
  const found = [];
  for (let page = 1; ; page++) {
    const params = new URLSearchParams({ ...query, page, pageSize: AT_ONCE });
    const answer = await window.fetch(`${base}/api/library/items?${params}`, {
      headers: { Accept: 'application/json' },
    });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const { items, total } = await answer.json();
    if (total > MOST_PICKED) throw new Error('too many to name');
    found.push(...items);
    if (items.length === 0 || found.length >= total) return found;
  }
}

function pick({ id, sizeBytes, next }) {
  let box = document.querySelector(`input[form="bulk"][value="${window.CSS.escape(id)}"]`);
  if (!box) {
    box = document.createElement('input');
    Object.assign(box, { type: 'checkbox', name: 'itemIds', value: id, hidden: true });
    box.setAttribute('form', 'bulk');
    Object.assign(box.dataset, { size: sizeBytes, saves: next?.savesBytes ?? 0 });
    document.querySelector('#bulk [data-beyond]').append(box);
  }
  box.checked = true;
  return box;
}

const tellOf = (box) => box?.dispatchEvent(new window.Event('change', { bubbles: true }));

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('#titles a[data-select]');
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { show, season } = Object.fromEntries(new URLSearchParams(link.search));
  link.closest('details').open = false;
  link.closest('[data-row]').querySelector('th a, a.wall-card').focus({ preventScroll: true });
  titlesOf(season === undefined ? { show, sort: 'title' } : { show, season, sort: 'title' }).then(
    (titles) => tellOf(titles.map(pick).at(-1)),
    // What the link says without this file.
    () => window.location.assign(link.href),
  );
});

document.addEventListener('click', (event) => {
  if (!event.target.closest?.('[data-pick-none]')) return;
  const boxes = [...document.querySelectorAll('input[form="bulk"]')];
  for (const box of boxes) box.checked = false;
  document.querySelector('#bulk [data-beyond]').replaceChildren();
  for (const all of document.querySelectorAll('[data-pick-everything]')) all.checked = false;
  tellOf(document.querySelector('[data-pick-everything]'));
  // Those the page does not show are gone now, and nobody would hear them.
  tellOf(boxes.find((box) => box.isConnected));
  showTitles();
});
for (const button of document.querySelectorAll('[data-pick-none]')) button.hidden = false;

// ---- How many are selected, and what queueing them would bring: counted here, added up by the server
let selected = '';
function showTitles() {
  const form = document.getElementById('bulk');
  if (!form || !document.getElementById('titles')) return;
  const all = form.querySelector('[data-pick-everything]:checked');
  const boxes = [...document.querySelectorAll('input[form="bulk"]')];
  const ticked = boxes.filter((box) => box.checked);
  const count = all ? Number(form.elements.expected.value) : ticked.length;
  for (const label of document.querySelectorAll('[data-pick-page]')) label.hidden = false;
  for (const whole of document.querySelectorAll('[data-pick-all]')) {
    whole.hidden = false;
    whole.checked = boxes.length > 0 && ticked.length === boxes.length;
    whole.indeterminate = ticked.length > 0 && ticked.length < boxes.length;
  }
  const now = `${all?.value ?? ticked.map(({ value }) => value)} ${form.elements.presetId.value}`;
  const text = `${count.toLocaleString('en-US')} selected`;
  const place = form.querySelector('[data-bulk-count]');
  // Drawn anew with the page, it says nothing of the selection. What the server adds up may come when nothing is selected any more.
  const isRight = count === 0 ? !/^[1-9]/.test(place.textContent) : place.textContent === text;
  if (now === selected && isRight) return;
  selected = now;
  place.textContent = text;
  form.querySelector('[data-bulk-sum]').textContent = '';
  if (count > 0) document.getElementById('bulk-sum').dispatchEvent(new window.CustomEvent('mf:selected'));
}
document.addEventListener('change', (event) => {
  if (event.target.form?.id === 'bulk' || event.target.matches('[data-pick-all]')) showTitles();
});
// Also before it settles: until then a late sum would say what is no longer selected.
for (const name of ['htmx:afterSwap', 'htmx:afterSettle', 'mf:ticked']) document.addEventListener(name, showTitles);
showTitles();

// ---- A question lies over the page it is about
document.addEventListener('htmx:afterSwap', (event) => {
  if (event.target.id !== 'question-body') return;
  for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
  document.getElementById('question').showModal();
});
document.addEventListener('click', (event) => {
  const dialog = event.target.closest?.('[data-close-question]')?.closest('dialog');
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
});
for (const name of ['mf:done', 'mf:refused']) {
  document.addEventListener(name, () => {
    const dialog = document.querySelector('dialog#question[open]');
    if (!dialog) return;
    dialog.close();
    for (const all of document.querySelectorAll('[data-pick-everything]')) all.checked = false;
  });
}
