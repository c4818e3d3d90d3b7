// A title of the library beside its list, on wide screens, at the address of its own page. Elsewhere, and without this
// script, its link leads to that page. The list below stays as it is, so its address is kept for those who read it anew.
import { all, closeMenus, elementOf, isWithModifier, one, urlBase } from './page.js';
import { askBeforeLeaving, unsavedIn } from './unsaved.js';

const WIDE = '(min-width: 1024px)';

/** What an entry of the history holds that was made here. */
interface Entry {
  /** The id of the title that lay over the list. */
  drawer?: string;
  /** Whoever comes back to this entry from a page of its own has to read the list anew. */
  list?: boolean;
}
const entry = (): Entry => (history.state ?? {}) as Entry;

const rowOf = (id: string | null): HTMLElement | null => (id === null ? null : document.getElementById(`t-${id}`));
const addressOf = (id: string): string => `${urlBase}/library/${encodeURIComponent(id)}`;

/** The id of the title whose page a link of the list leads to. */
function idOf(link: HTMLAnchorElement): string | null {
  const id = link.closest('[data-row]')?.id.slice(2);
  return id && link.pathname === addressOf(id) && !link.target ? id : null;
}

class Drawer {
  readonly #panel: HTMLDialogElement;
  readonly #inside: HTMLElement;
  readonly #main: HTMLElement;
  readonly #toasts: HTMLElement;
  readonly #title = document.title;
  /** The id of the title that is shown. */
  #shown: string | null = null;
  /** Where the list is. */
  #listAddress = location.href;
  /** Set while we go back by ourselves. */
  #isLeaving = false;

  constructor(panel: HTMLDialogElement, inside: HTMLElement, main: HTMLElement, toasts: HTMLElement) {
    this.#panel = panel;
    this.#inside = inside;
    this.#main = main;
    this.#toasts = toasts;
  }

  start(): void {
    document.addEventListener('click', (event) => {
      if (event.button !== 0 || event.shiftKey || isWithModifier(event)) return;
      const link = elementOf(event).closest<HTMLAnchorElement>('#titles a[href]');
      const id = link && window.matchMedia(WIDE).matches ? idOf(link) : null;
      if (!id) return;
      event.preventDefault();
      closeMenus();
      this.#open(id);
    });
    this.#listenInside();
    document.addEventListener('htmx:pushedIntoHistory', () => {
      this.#listAddress = location.href;
    });
    // Before htmx hears of it: it would read the whole page anew.
    window.addEventListener(
      'popstate',
      (event) => {
        this.#comeBack(event);
      },
      true,
    );
  }

  #listenInside(): void {
    this.#panel.addEventListener('click', (event) => {
      const at = elementOf(event);
      const step = at.closest<HTMLElement>('[data-step]');
      if (step) this.#move(Number(step.dataset['step']));
      // Beside the panel lies its backdrop; "Library" above the title means the list below.
      else if (at === this.#panel || at.closest('[data-close], .crumb a')) {
        event.preventDefault();
        this.#close();
      }
    });
    this.#panel.addEventListener('cancel', (event) => {
      if (event.target === this.#panel && this.#hasOpenMenu()) event.preventDefault();
    });
    this.#panel.addEventListener('keydown', (event) => {
      // Here and not at "cancel": a browser lets a dialog refuse to be closed only once.
      if (event.key === 'Escape' && !this.#hasOpenMenu() && unsavedIn(this.#inside)) {
        event.preventDefault();
        this.#close();
        return;
      }
      if (isWithModifier(event) || elementOf(event).closest('input, select, textarea')) return;
      if (event.key === 'j') this.#move(1);
      if (event.key === 'k') this.#move(-1);
    });
    this.#panel.addEventListener('close', () => {
      this.#leave();
    });
  }

  #hasOpenMenu(): boolean {
    return one('details.menu[open]', this.#panel) !== null;
  }

  #neighbour(step: number): string | undefined {
    const rows = all('#titles [data-row]');
    const at = rows.findIndex((row) => row === rowOf(this.#shown));
    return at === -1 ? undefined : rows[at + step]?.id.slice(2);
  }

  #show(id: string): void {
    const { dataset } = this.#inside;
    this.#shown = id;
    this.#main.dataset['address'] = this.#listAddress;
    const row = rowOf(id);
    const name = (row && one('th a, .wall-card b', row)?.textContent) ?? 'Title';
    dataset['address'] = addressOf(id);
    this.#panel.setAttribute('aria-label', name);
    one('[data-whole-page]', this.#panel)?.setAttribute('href', addressOf(id));
    document.title = `${name} · MediaFlow`;
    if (!this.#panel.open) {
      this.#panel.append(this.#toasts);
      this.#panel.showModal();
    }
    for (const button of all<HTMLButtonElement>('[data-step]', this.#panel))
      button.disabled = !this.#neighbour(Number(button.dataset['step']));
    void this.#fill(id);
  }

  async #fill(id: string): Promise<void> {
    const inside = this.#inside;
    inside.setAttribute('aria-busy', 'true');
    await htmx.ajax('get', addressOf(id), { source: inside, target: inside, swap: 'innerHTML' });
    if (this.#shown !== id) return;
    inside.removeAttribute('aria-busy');
    inside.scrollTop = 0;
    const heading = one('h1', inside);
    heading?.setAttribute('tabindex', '-1');
    heading?.focus({ preventScroll: true });
  }

  #open(id: string): void {
    this.#listAddress = location.href;
    history.replaceState({ ...entry(), list: true }, '');
    history.pushState({ drawer: id }, '', addressOf(id));
    this.#show(id);
  }

  #move(step: number): void {
    const id = this.#neighbour(step);
    if (!id) return;
    askBeforeLeaving(this.#inside, () => {
      history.replaceState({ drawer: id }, '', addressOf(id));
      this.#show(id);
    });
  }

  #close(): void {
    askBeforeLeaving(this.#inside, () => {
      this.#panel.close();
    });
  }

  /** The panel was closed: the page is the list again. */
  #leave(): void {
    const row = rowOf(this.#shown);
    document.body.append(this.#toasts);
    document.title = this.#title;
    delete this.#main.dataset['address'];
    this.#inside.replaceChildren();
    this.#shown = null;
    if (entry().drawer) {
      this.#isLeaving = true;
      history.back();
    }
    for (const other of all('#titles [data-at]')) other.removeAttribute('data-at');
    if (!row) return;
    row.setAttribute('data-at', '');
    one('th a, a.wall-card', row)?.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }

  /** The browser went back or forward. */
  #comeBack(event: PopStateEvent): void {
    const { drawer: id, list: isList } = entry();
    if (!this.#isLeaving && !id && !isList) return;
    event.stopImmediatePropagation();
    if (this.#isLeaving) this.#isLeaving = false;
    else if (this.#shown !== null && unsavedIn(this.#inside)) {
      // Back is undone until the question is answered.
      history.pushState({ drawer: this.#shown }, '', addressOf(this.#shown));
      this.#close();
    } else if (id) this.#show(id);
    else if (this.#panel.open) this.#panel.close();
    else location.reload();
  }
}

export function startDrawer(): void {
  const panel = one<HTMLDialogElement>('#drawer');
  const [inside, main, toasts] = ['#drawer-body', '#main', '#toasts'].map((selector) => one(selector));
  if (panel && inside && main && toasts) {
    new Drawer(panel, inside, main, toasts).start();
    return;
  }
  // The page of a title that was opened beside a list once: what lies behind it in the history is another page.
  window.addEventListener('popstate', () => {
    if (entry().list === true || entry().drawer) location.reload();
  });
}
