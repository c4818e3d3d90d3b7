/* global document, Idiomorph, window */
// The library's rows: keys, the menu under the right button, and what is asked before everything is queued.

// ---- A menu that is open stays open when its counts are drawn anew
if (typeof Idiomorph === 'object') {
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === 'open' && node.matches?.('details.menu'));
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
};
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById('titles')) return;
  if (event.target.closest('input:not([type="checkbox"]), select, textarea, dialog[open]')) return;
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

// ---- "All that match" is asked once more, with their number
document.addEventListener('change', (event) => {
  if (!event.target.matches('[data-pick-everything]')) return;
  const form = event.target.closest('form');
  if (event.target.checked) {
    form.dataset.confirm = form.dataset.confirmAll;
    form.dataset.yes = 'Queue them';
  } else delete form.dataset.confirm;
});
