/* global document, window */
// Deciding about recommendations: keys, where the focus goes when a card is gone, whole groups, sums, and undo.
'use strict';

// Pages share one scope: names in here are nobody else's.
{
  const review = () => document.getElementById('review');
  const address = (path) => `${document.querySelector('meta[name="url-base"]')?.content ?? ''}${path}`;
  const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';
  const cards = () => [...(review()?.querySelectorAll('[data-card]') ?? [])];
  const atCard = () => review()?.querySelector('[data-card][data-at]') ?? null;

  // ---- Moving
  /** Ids of the cards as they stood, so that the next one is known when some are gone. */
  let atId = null;

  function goTo(card) {
    for (const other of review()?.querySelectorAll('[data-card][data-at]') ?? []) other.removeAttribute('data-at');
    atId = card?.id ?? null;
    if (!card) return;
    card.setAttribute('data-at', '');
    card.querySelector('[data-title]')?.focus({ preventScroll: true });
    card.scrollIntoView({ block: 'nearest' });
  }
  document.addEventListener('focusin', (event) => {
    const card = event.target.closest?.('#review [data-card]');
    if (!card || card.id === atId) return;
    atCard()?.removeAttribute('data-at');
    card.setAttribute('data-at', '');
    atId = card.id;
  });

  const step = (by) => {
    const all = cards();
    const at = all.indexOf(atCard());
    goTo(at === -1 ? all[0] : (all[at + by] ?? all[at]));
  };
  const press = (key) => atCard()?.querySelector(`[data-key="${key}"]`)?.click();
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    x: () => atCard()?.querySelector('input[name="ids"]')?.click(),
    a: () => press('a'),
    d: () => press('d'),
    s: () => press('s'),
    n: () => press('n'),
    o: () => atCard()?.querySelector('[data-title]')?.click(),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !review()) return;
    if (event.target.closest('input:not([type="checkbox"]), select, textarea, dialog[open]')) return;
    // Enter presses what has the focus; on a ticked box it opens the title.
    const isOnBox = event.key === 'Enter' && event.target.matches('[data-card] input[type="checkbox"]');
    const act = isOnBox ? KEYS.o : Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });

  // ---- A card that was decided goes, and the next one gets the focus
  let leaving = null;
  document.addEventListener('htmx:beforeRequest', (event) => {
    // What is being asked about must not change under the question.
    if (event.target.id === 'review' && document.querySelector('dialog#confirm[open], dialog#question[open]')) {
      event.preventDefault();
      return;
    }
    const form = event.target;
    const card = form.matches?.('form') ? form.closest('#review [data-card]') : null;
    if (!card) return;
    const all = cards().map(({ id }) => id);
    const at = all.indexOf(card.id);
    leaving = { id: card.id, after: [...all.slice(at + 1), ...all.slice(0, at).reverse()] };
    undo = form.closest('[data-undo]')?.dataset.undo ?? null;
  });
  /** Where the last decision is taken back. */
  let undo = null;

  document.addEventListener('mf:done', () => {
    const toast = document.querySelector('#toasts .toast:last-child');
    const to = undo;
    undo = null;
    if (!toast || !to) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn ghost sm';
    button.textContent = 'Undo';
    button.addEventListener('click', () => {
      button.disabled = true;
      toast.remove();
      window.htmx.ajax('POST', to, { swap: 'none', source: document.body });
    });
    toast.append(button);
  });
  document.addEventListener('mf:refused', () => {
    leaving = null;
    undo = null;
  });

  document.addEventListener('htmx:afterSettle', (event) => {
    if (!review()) return;
    // The bar was drawn anew with the page, without its sum.
    if (event.target.id === 'review') asked = '';
    if (leaving && !document.getElementById(leaving.id)) {
      const { after } = leaving;
      leaving = null;
      const next = after.map((id) => document.getElementById(id)).find((card) => card !== null);
      // Whoever went elsewhere meanwhile stays there.
      if (document.activeElement === document.body || review().contains(document.activeElement)) goTo(next);
      const left = review().querySelector('.tabs [aria-current="page"] .count')?.textContent ?? '';
      document.getElementById('review-said').textContent = next ? `${left} left.` : 'Nothing is left on this page.';
    }
    countAll();
  });

  // ---- Whole groups
  const boxesOf = (group) => [...group.querySelectorAll('input[name="ids"]')];
  document.addEventListener('change', (event) => {
    const { target } = event;
    if (!review()?.contains(target) || target.form?.id !== 'bulk') return;
    const group = target.closest('[data-group]');
    if (target.matches('[data-pick-group]')) for (const box of boxesOf(group)) box.checked = target.checked;
    // One that is taken out again: what the page does not show is no longer meant either.
    else if (group && !target.checked) group.querySelector('[data-pick-group]').checked = false;
    countAll();
  });
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.('[data-review-none]')) return;
    for (const box of document.querySelectorAll(
      '#review input[type="checkbox"][form="bulk"], #bulk [data-pick-everything]',
    ))
      box.checked = false;
    countAll();
  });

  // ---- Sums: the server adds up, and counts every file once
  let asked = '';

  function selection() {
    const form = document.getElementById('bulk');
    const all = form.querySelector('[data-pick-everything]:checked')?.value;
    if (all) return { all, expected: Number(form.elements.expected.value) };
    const groups = [...document.querySelectorAll('[data-pick-group]:checked')];
    const ids = [...document.querySelectorAll('#review input[name="ids"]:checked')].filter(
      (box) => !box.closest('[data-group]')?.querySelector('[data-pick-group]:checked'),
    );
    return { ids: ids.map(({ value }) => value), groups: groups.map(({ value }) => value) };
  }

  function countAll() {
    const form = document.getElementById('bulk');
    if (!review() || !form) return;
    for (const group of review().querySelectorAll('[data-group]')) {
      const boxes = boxesOf(group);
      const ticked = boxes.filter(({ checked }) => checked).length;
      const whole = group.querySelector('[data-pick-group]');
      const isWhole = ticked === boxes.length && Number(whole.value.split(' ')[0]) === boxes.length;
      whole.checked ||= isWhole && ticked > 0;
      whole.indeterminate = !whole.checked && ticked > 0;
    }
    for (const button of form.querySelectorAll('[data-review-none]')) button.hidden = false;
    const chosen = selection();
    const count = chosen.all
      ? chosen.expected
      : chosen.ids.length + chosen.groups.reduce((sum, group) => sum + Number(group.split(' ')[0]), 0);
    form.querySelector('[data-bulk-count]').textContent = `${count.toLocaleString('en-US')} selected`;
    const text = JSON.stringify(chosen);
    // What the server adds up may come when nothing is selected any more.
    if (text === asked && count > 0) return;
    asked = text;
    form.querySelector('[data-bulk-sum]').textContent = '';
    const approve = form.querySelector('[data-bulk-approve]');
    if (approve) approve.textContent = 'Approve selected';
    if (count > 0) document.getElementById('bulk-sum').dispatchEvent(new window.CustomEvent('mf:selected'));
  }
  document.addEventListener('htmx:afterSwap', (event) => {
    if (event.target.id !== 'bulk-sum') return;
    const approves = event.target.querySelector('[data-approves]')?.dataset.approves;
    const button = document.querySelector('[data-bulk-approve]');
    if (button && approves) button.textContent = `Approve ${Number(approves).toLocaleString('en-US')}`;
  });

  countAll();

  // ---- Rules: a slider and the number beside it say the same
  const numberOf = (slider) => document.getElementById(slider.dataset.slides);
  for (const slider of document.querySelectorAll('[data-slides]')) {
    slider.hidden = false;
    // Before htmx reads the form.
    slider.addEventListener('input', () => {
      numberOf(slider).value = slider.value;
    });
    numberOf(slider).addEventListener('input', () => {
      slider.value = numberOf(slider).value;
    });
  }
  // Its field stands outside the form that is sent.
  document.getElementById('about')?.addEventListener('input', (event) => {
    event.target.form?.dispatchEvent(new window.Event('input', { bubbles: true }));
  });
}
