import { all, elementOf, isWithModifier, one } from './page.js';

/** Only one menu is open at a time; a click elsewhere and Escape close it. */
export function startMenus(): void {
  document.addEventListener('click', (event) => {
    for (const menu of all<HTMLDetailsElement>('details.menu[open]')) {
      if (!menu.contains(elementOf(event))) menu.open = false;
    }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of all<HTMLDetailsElement>('details.menu[open]')) {
      menu.open = false;
      one('summary', menu)?.focus();
    }
  });
}

/** Keys 1 to 8 open the pages of the menu, / the search, and ? lists all keys. */
export function startPageKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (isWithModifier(event) || elementOf(event).closest('input, select, textarea, dialog[open]')) return;
    const search = document.getElementById('q');
    if (event.key === '?') one<HTMLDialogElement>('#keys')?.showModal();
    else if (event.key === '/' && search) {
      event.preventDefault();
      search.focus();
    } else if (/^[1-8]$/.test(event.key)) one(`.nav [aria-keyshortcuts="${event.key}"]`)?.click();
  });
}
