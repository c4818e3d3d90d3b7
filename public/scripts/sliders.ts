import { all, formOf, one } from './page.js';

/** Rules: a slider and the number beside it say the same. */
export function startSliders(): void {
  for (const slider of all<HTMLInputElement>('[data-slides]')) {
    const number = one<HTMLInputElement>(`#${CSS.escape(slider.dataset['slides'] ?? '')}`);
    if (!number) continue;
    slider.hidden = false;
    // Before htmx reads the form.
    slider.addEventListener('input', () => {
      number.value = slider.value;
    });
    number.addEventListener('input', () => {
      slider.value = number.value;
    });
  }
  // Its field stands outside the form that is sent.
  const about = document.getElementById('about');
  about?.addEventListener('input', () => {
    formOf(about)?.dispatchEvent(new Event('input', { bubbles: true }));
  });
}
