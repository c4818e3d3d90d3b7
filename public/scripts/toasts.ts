import { one } from './page.js';

const TOAST_MS = 6000;

/** Shows a message for six seconds. */
export function say(message: string, isBad: boolean): void {
  const place = document.getElementById('toasts');
  const template = one<HTMLTemplateElement>(isBad ? '#toast-bad' : '#toast');
  const drawn = template?.content.firstElementChild?.cloneNode(true);
  if (!message || !place || !(drawn instanceof HTMLElement)) return;
  const text = one('[data-text]', drawn);
  if (text) text.textContent = message;
  place.append(drawn);
  window.setTimeout(() => {
    drawn.remove();
  }, TOAST_MS);
}
