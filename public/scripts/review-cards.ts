// Recommendations as cards or rows: keys, and where the focus goes when one of them is gone.
import { onAnswer, onHtmx } from './htmx-events.js';
import { all, elementOf, isTyping, isWithModifier, one } from './page.js';

/** The page of recommendations, on which everything here acts. */
export const review = (): HTMLElement | null => document.getElementById('review');

const cards = (): HTMLElement[] => all('#review [data-card]');
const presentCard = (): HTMLElement | null => one('#review [data-card][data-at]');

/** The id of the card the reader is at. */
let atId: string | null = null;

function goTo(card: HTMLElement | undefined): void {
  for (const other of all('#review [data-card][data-at]')) other.removeAttribute('data-at');
  atId = card?.id ?? null;
  if (!card) return;
  card.setAttribute('data-at', '');
  one('[data-title]', card)?.focus({ preventScroll: true });
  card.scrollIntoView({ block: 'nearest' });
}

function step(by: number): void {
  const every = cards();
  const at = presentCard();
  goTo(at ? (every[every.indexOf(at) + by] ?? at) : every[0]);
}

const click = (selector: string): void => {
  const card = presentCard();
  if (card) one(selector, card)?.click();
};
const openTitle = (): void => {
  click('[data-title]');
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
      click('input[name="ids"]');
    },
  ],
  ['o', openTitle],
  ...['a', 'd', 's', 'n'].map((key): [string, () => void] => [
    key,
    () => {
      click(`[data-key="${key}"]`);
    },
  ]),
]);

export function startReviewKeys(): void {
  document.addEventListener('focusin', (event) => {
    const card = elementOf(event).closest('#review [data-card]');
    if (!card || card.id === atId) return;
    presentCard()?.removeAttribute('data-at');
    card.setAttribute('data-at', '');
    atId = card.id;
  });
  document.addEventListener('keydown', (event) => {
    if (isWithModifier(event) || isTyping(event) || !review()) return;
    // Enter presses what has the focus; on a ticked box it opens the title.
    const isOnBox = event.key === 'Enter' && elementOf(event).matches('[data-card] input[type="checkbox"]');
    const act = isOnBox ? openTitle : KEYS.get(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** A card that is being decided, and the cards that stood after and before it. */
let leaving: { id: string; after: string[] } | null = null;
/** Where the last decision is taken back. */
let undo: string | null = null;

/** A card that was decided goes, the next one gets the focus, and the decision can be taken back. */
export function startDecisions(): void {
  onHtmx('htmx:beforeRequest', (_, event) => {
    const form = elementOf(event);
    // What is being asked about must not change under the question.
    if (form.id === 'review' && one('dialog#confirm[open], dialog#question[open]')) {
      event.preventDefault();
      return;
    }
    const card = form.matches('form') ? form.closest('#review [data-card]') : null;
    if (!card) return;
    const ids = cards().map(({ id }) => id);
    const at = ids.indexOf(card.id);
    leaving = { id: card.id, after: [...ids.slice(at + 1), ...ids.slice(0, at).reverse()] };
    undo = form.closest<HTMLElement>('[data-undo]')?.dataset['undo'] ?? null;
  });
  onAnswer('mf:done', () => {
    const toast = one('#toasts .toast:last-child');
    if (toast && undo) offerUndo(toast, undo);
    undo = null;
  });
  onAnswer('mf:refused', () => {
    leaving = null;
    undo = null;
  });
  onHtmx('htmx:afterSettle', () => {
    if (leaving && review() && !document.getElementById(leaving.id)) goOn(leaving.after);
  });
}

function offerUndo(toast: HTMLElement, path: string): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn ghost sm';
  button.textContent = 'Undo';
  button.addEventListener('click', () => {
    button.disabled = true;
    toast.remove();
    void htmx.ajax('post', path, { swap: 'none', source: document.body });
  });
  toast.append(button);
}

/** To the first of these cards that is still there. */
function goOn(after: string[]): void {
  leaving = null;
  const next = after.map((id) => document.getElementById(id)).find((card) => card !== null);
  // Whoever went elsewhere meanwhile stays there.
  if (document.activeElement === document.body || review()?.contains(document.activeElement)) goTo(next);
  const left = one('#review .tabs [aria-current="page"] .count')?.textContent ?? '';
  const said = document.getElementById('review-said');
  if (said) said.textContent = next ? `${left} left.` : 'Nothing is left on this page.';
}
