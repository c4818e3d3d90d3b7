/* global document, window, location, history, htmx, unsavedIn, askBeforeLeaving */
// A title of the library beside its list, on wide screens, at the address of its own page. Elsewhere, and without this
// file, its link leads to that page. The list below stays as it is, so its address is kept for those who read it anew.

const panel = document.getElementById('drawer');
const WIDE = '(min-width: 1024px)';

if (panel) {
  const base = document.querySelector('meta[name="url-base"]')?.content ?? '';
  const inside = document.getElementById('drawer-body');
  const main = document.getElementById('main');
  const toasts = document.getElementById('toasts');
  const title = document.title;
  /** The id of the title that is shown. */
  let shown = null;
  /** Where the list is. */
  let listAddress = location.href;
  /** Set while we go back by ourselves. */
  let isLeaving = false;

  const rowOf = (id) => document.getElementById(`t-${id}`);
  const addressOf = (id) => `${base}/library/${encodeURIComponent(id)}`;
  const idOf = (link) => {
    const row = link.closest('[data-row]');
    const id = row?.id.slice(2);
    return id && link.pathname === addressOf(id) && !link.target ? id : null;
  };
  const neighbour = (step) => {
    const rows = [...document.querySelectorAll('#titles [data-row]')];
    const at = rows.indexOf(rowOf(shown));
    return at === -1 ? undefined : rows[at + step];
  };

  function showNeighbours() {
    for (const button of panel.querySelectorAll('[data-step]'))
      button.disabled = !neighbour(Number(button.dataset.step));
  }

  function show(id) {
    shown = id;
    main.dataset.address = listAddress;
    const name = rowOf(id)?.querySelector('th a, .wall-card b')?.textContent ?? 'Title';
    inside.dataset.address = addressOf(id);
    panel.setAttribute('aria-label', name);
    panel.querySelector('[data-whole-page]').href = addressOf(id);
    document.title = `${name} · MediaFlow`;
    if (!panel.open) {
      panel.append(toasts);
      panel.showModal();
    }
    showNeighbours();
    inside.setAttribute('aria-busy', 'true');
    htmx.ajax('GET', addressOf(id), { source: inside, target: inside, swap: 'innerHTML' }).then(() => {
      if (shown !== id) return;
      inside.removeAttribute('aria-busy');
      inside.scrollTop = 0;
      const heading = inside.querySelector('h1');
      heading?.setAttribute('tabindex', '-1');
      heading?.focus({ preventScroll: true });
    });
  }

  function open(id) {
    listAddress = location.href;
    // Whoever comes back to this entry from a page of its own has to read the list anew.
    history.replaceState({ ...history.state, list: true }, '');
    history.pushState({ drawer: id }, '', addressOf(id));
    show(id);
  }

  function move(step) {
    const id = neighbour(step)?.id.slice(2);
    if (!id) return;
    askBeforeLeaving(inside, () => {
      history.replaceState({ drawer: id }, '', addressOf(id));
      show(id);
    });
  }

  const close = () => askBeforeLeaving(inside, () => panel.close());

  document.addEventListener('click', (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.('#titles a[href]');
    const id = link && window.matchMedia(WIDE).matches ? idOf(link) : null;
    if (!id) return;
    event.preventDefault();
    for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
    open(id);
  });

  panel.addEventListener('click', (event) => {
    const step = event.target.closest('[data-step]');
    if (step) move(Number(step.dataset.step));
    // Beside the panel lies its backdrop; "Library" above the title means the list below.
    else if (event.target === panel || event.target.closest('[data-close], .crumb a')) {
      event.preventDefault();
      close();
    }
  });
  panel.addEventListener('cancel', (event) => {
    if (event.target !== panel) return;
    const menu = panel.querySelector('details.menu[open]');
    if (menu) event.preventDefault();
  });
  panel.addEventListener('keydown', (event) => {
    // Here and not at "cancel": a browser lets a dialog refuse to be closed only once.
    if (event.key === 'Escape' && !panel.querySelector('details.menu[open]') && unsavedIn(inside)) {
      event.preventDefault();
      close();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
    if (event.key === 'j') move(1);
    if (event.key === 'k') move(-1);
  });

  panel.addEventListener('close', () => {
    const row = shown && rowOf(shown);
    document.body.append(toasts);
    document.title = title;
    delete main.dataset.address;
    inside.replaceChildren();
    shown = null;
    if (history.state?.drawer) {
      isLeaving = true;
      history.back();
    }
    for (const other of document.querySelectorAll('#titles [data-at]')) other.removeAttribute('data-at');
    row?.setAttribute('data-at', '');
    row?.querySelector('th a, a.wall-card')?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: 'nearest' });
  });

  document.addEventListener('htmx:pushedIntoHistory', () => {
    listAddress = location.href;
  });
  // Before htmx hears of it: it would read the whole page anew.
  window.addEventListener(
    'popstate',
    (event) => {
      const { drawer: id, list: isList } = event.state ?? {};
      if (!isLeaving && !id && !isList) return;
      event.stopImmediatePropagation();
      // Back is undone until the question is answered.
      const isUnanswered = !isLeaving && shown !== null && unsavedIn(inside) !== null;
      if (isLeaving) isLeaving = false;
      else if (isUnanswered) {
        history.pushState({ drawer: shown }, '', addressOf(shown));
        close();
      } else if (id) show(id);
      else if (panel.open) panel.close();
      else location.reload();
    },
    true,
  );
} else {
  // The page of a title that was opened beside a list once: what lies behind it in the history is another page.
  window.addEventListener('popstate', (event) => {
    if (event.state?.list || event.state?.drawer) location.reload();
  });
}
