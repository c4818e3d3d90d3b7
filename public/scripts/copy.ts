import { onHtmx } from './htmx-events.js';
import { all, elementOf, one } from './page.js';
import { say } from './toasts.js';

/** Over plain http most browsers offer no clipboard; there the text can be marked by hand. */
const clipboard = (navigator as Partial<Navigator>).clipboard;

export function showCopyButtons(): void {
  for (const button of all('[data-copy]')) button.hidden = !clipboard;
}

export function startCopy(): void {
  onHtmx('htmx:afterSettle', showCopyButtons);
  document.addEventListener('click', (event) => {
    const button = elementOf(event).closest<HTMLElement>('[data-copy]');
    const text = button?.dataset['copy'] && one(button.dataset['copy'])?.textContent;
    if (!text) return;
    clipboard?.writeText(text).then(
      () => {
        say('Copied.', false);
      },
      () => {
        say('The browser did not allow it. Mark the text and copy it by hand.', true);
      },
    );
  });
  showCopyButtons();
}
