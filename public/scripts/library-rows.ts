// The library's rows: keys, and the menu under the right button.
import { all, closeMenus, elementOf, isTyping, isWithModifier, one } from './page.js';

const rows = (): HTMLElement[] => all('#titles [data-row]');
const present = (): HTMLElement | null => one('#titles [data-row][data-at]');

function goTo(row: HTMLElement | undefined): void {
  present()?.removeAttribute('data-at');
  if (!row) return;
  row.setAttribute('data-at', '');
  one('th a, a.wall-card', row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

function step(by: number): void {
  const at = present();
  goTo(at ? (rows()[rows().indexOf(at) + by] ?? at) : rows()[0]);
}

function openMenu(row: HTMLElement): boolean {
  const menu = one<HTMLDetailsElement>('details.row-menu', row);
  if (!menu) return false;
  closeMenus();
  menu.open = true;
  one('.pop a', menu)?.focus();
  return true;
}

const press = (selector: string): void => {
  const at = present();
  if (at) one(selector, at)?.click();
};

const KEYS = new Map<string, () => void>([
  [
    'j',
    () => {
      step(1);
    },
  ],
  [
    'k',
    () => {
      step(-1);
    },
  ],
  [
    'x',
    () => {
      press('input[type="checkbox"]');
    },
  ],
  [
    's',
    () => {
      press('[data-select="season"]');
    },
  ],
  [
    'S',
    () => {
      press('[data-select="series"]');
    },
  ],
  [
    'm',
    () => {
      const at = present();
      if (at) openMenu(at);
    },
  ],
]);

export function startLibraryRows(): void {
  document.addEventListener('contextmenu', (event) => {
    // Text that is marked, and whoever holds Shift, get the browser's own menu.
    const row = elementOf(event).closest<HTMLElement>('#titles [data-row]');
    if (!row || event.shiftKey || window.getSelection()?.isCollapsed === false) return;
    if (openMenu(row)) event.preventDefault();
  });
  document.addEventListener('keydown', (event) => {
    if (isWithModifier(event) || isTyping(event) || !document.getElementById('titles')) return;
    const act = KEYS.get(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });
}
