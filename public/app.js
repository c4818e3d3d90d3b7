/* global document, window, location, localStorage, htmx, io */
// Live regions, theme, keys and questions. Every action also works without this file.

const metaOf = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? '';
const urlBase = metaOf('url-base');

// ---- Theme: the owner's choice stays in this browser
const storedTheme = localStorage.getItem('theme');
if (storedTheme) document.documentElement.dataset.theme = storedTheme;
for (const button of document.querySelectorAll('[data-theme-switch]')) {
  button.addEventListener('click', () => {
    const theme = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
    document.documentElement.dataset.theme = theme;
    localStorage.setItem('theme', theme);
  });
}

// ---- htmx sends the anti-forgery token as a header
document.addEventListener('htmx:configRequest', (event) => {
  event.detail.headers['X-CSRF-Token'] = metaOf('csrf-token');
});

// ---- Live regions: the socket rings, the region reads its own page again, at most once a second
const REFRESH_EVERY_MS = 1000;
const due = new Set();
let timer = null;

function refreshDue() {
  timer = null;
  for (const id of due) {
    const region = document.getElementById(id);
    // What the owner is filling in or has opened is not taken away.
    const busy = region?.querySelector('details.menu[open], input:focus, select:focus, textarea:focus');
    if (!region || busy) continue;
    htmx.ajax('GET', location.pathname + location.search, {
      target: `#${id}`,
      select: `#${id}`,
      swap: 'morph:outerHTML',
    });
  }
  due.clear();
}

function ring(event) {
  for (const region of document.querySelectorAll('[data-live]')) {
    if (event === null || region.dataset.live.split(' ').includes(event)) due.add(region.id);
  }
  if (due.size > 0 && timer === null) timer = window.setTimeout(refreshDue, REFRESH_EVERY_MS);
}

function showProgress({ jobId, percent, fps, etaSec }) {
  for (const row of document.querySelectorAll('[data-job]')) {
    if (row.dataset.job !== jobId) continue;
    const bar = row.querySelector('progress');
    const text = row.querySelector('[data-job-text]');
    if (bar) bar.value = percent;
    const parts = [`${Math.floor(percent)} %`];
    if (fps) parts.push(`${Math.round(fps)} fps`);
    if (etaSec !== null && etaSec !== undefined) {
      parts.push(etaSec < 90 ? `${Math.round(etaSec)} s left` : `${Math.round(etaSec / 60)} min left`);
    }
    if (text) text.textContent = parts.join(', ');
  }
}

if (typeof io === 'function' && document.body.hasAttribute('data-signed-in')) {
  const socket = io({ path: `${urlBase}/socket.io` });
  let wasConnected = false;
  socket.on('connect', () => {
    // News may have been missed while the line was down.
    if (wasConnected && !socket.recovered) ring(null);
    wasConnected = true;
  });
  socket.onAny((event, payload) => {
    if (event === 'job.progressed') showProgress(payload);
    else ring(event);
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') ring(null);
  });
}

// ---- What cannot be undone is asked once more
const question = document.getElementById('confirm');
document.addEventListener('submit', (event) => {
  const form = event.target;
  const text = form.dataset?.confirm;
  if (!text || !question || form.dataset.confirmed) return;
  event.preventDefault();
  question.querySelector('[data-confirm-text]').textContent = text;
  question.returnValue = 'no';
  question.addEventListener(
    'close',
    () => {
      if (question.returnValue !== 'yes') return;
      form.dataset.confirmed = 'yes';
      form.requestSubmit();
    },
    { once: true },
  );
  question.showModal();
});

// ---- Keys: 1 to 8 open the pages of the menu, ? lists them
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, select, textarea, dialog[open]')) return;
  if (event.key === '?') document.getElementById('keys')?.showModal();
  else if (/^[1-8]$/.test(event.key)) document.querySelector(`.nav [aria-keyshortcuts="${event.key}"]`)?.click();
});
