import { onHtmx } from './htmx-events.js';
import { elementOf, one } from './page.js';

/** Plex's window opens with the click, or it would be blocked, and goes on once the address is known. */
export function startPlexSignIn(): void {
  let plexWindow: Window | null = null;
  let plexPage: string | null = null;
  document.addEventListener('click', (event) => {
    if (!elementOf(event).closest('[data-opens-plex]')) return;
    plexWindow = window.open('', 'mediaflow-plex', 'popup,width=620,height=760');
    plexPage = null;
  });
  onHtmx('htmx:beforeSwap', (detail) => {
    const isShown = detail.requestConfig?.elt.hasAttribute('data-shows-refusal');
    if (detail.xhr.status >= 400 && isShown) detail.shouldSwap = true;
  });
  onHtmx('htmx:afterSettle', () => {
    if (!plexWindow) return;
    const link = one<HTMLAnchorElement>('a[data-plex-page]');
    if (link && link.href !== plexPage) {
      plexPage = link.href;
      if (!plexWindow.closed) plexWindow.location = plexPage;
    } else if (!link && (plexPage ?? one('#plex-connect #form-error'))) {
      plexWindow.close();
      plexWindow = null;
    }
  });
}
