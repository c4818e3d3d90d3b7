import { all, urlBase } from './page.js';

const YEAR_SEC = 31_536_000;

/** The theme lies in a cookie, so that the server draws the next page in it and nothing flashes. */
export function startTheme(): void {
  for (const button of all('[data-theme-switch]')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const theme = document.documentElement.dataset['theme'] === 'light' ? 'dark' : 'light';
      document.documentElement.dataset['theme'] = theme;
      document.cookie = `mediaflow.theme=${theme}; path=${urlBase || '/'}; max-age=${YEAR_SEC}; samesite=lax`;
    });
  }
}
