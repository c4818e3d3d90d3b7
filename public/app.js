/* global document, window, location, navigator, htmx, io, Idiomorph */
// Live regions, theme, keys, selections and questions. Every action also works without this file.

const metaOf = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? '';
const urlBase = metaOf('url-base');

// ---- Theme: a cookie, so that the server draws the next page in it and nothing flashes
for (const button of document.querySelectorAll('[data-theme-switch]')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    const theme = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
    document.documentElement.dataset.theme = theme;
    document.cookie = `mediaflow.theme=${theme}; path=${urlBase || '/'}; max-age=31536000; samesite=lax`;
  });
}

// ---- htmx sends the anti-forgery token as a header
document.addEventListener('htmx:configRequest', (event) => {
  event.detail.headers['X-CSRF-Token'] = metaOf('csrf-token');
});

// ---- Toasts: what a form within the page did, or why not
const TOAST_MS = 6000;
function say(message, isBad) {
  const place = document.getElementById('toasts');
  const template = document.getElementById(isBad ? 'toast-bad' : 'toast');
  if (!message || !place || !template) return;
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.querySelector('[data-text]').textContent = message;
  place.append(toast);
  window.setTimeout(() => toast.remove(), TOAST_MS);
}
document.addEventListener('mf:done', (event) => {
  say(event.detail.message, false);
  // The menu or field it came from has done its work.
  for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
  if (document.activeElement?.matches('input')) document.activeElement.blur();
  ring(null, 0);
});
document.addEventListener('mf:refused', (event) => {
  // Where the answer itself is shown, it says so.
  if (!event.target.hasAttribute?.('data-shows-refusal')) say(event.detail.message, true);
  ring(null, 0);
});
for (const name of ['htmx:sendError', 'htmx:timeout']) {
  document.addEventListener(name, () => say('MediaFlow does not answer. Is it running?', true));
}

// ---- Live regions: the socket rings, the region reads its own page again, at most once a second
const REFRESH_EVERY_MS = 1000;
/** What comes together is read together. */
const GATHER_MS = 100;
/** Rows of a page unless its address says otherwise, and the most a page may have. */
const USUAL_ROWS = 50;
const MOST_ROWS = 200;
const due = new Set();
let timer = null;
let refreshedMs = Number.NEGATIVE_INFINITY;
let isShellDue = false;

if (typeof Idiomorph === 'object') Idiomorph.defaults.ignoreActiveValue = true;

/** What the owner is filling in, has opened or has just sent is not taken away. */
const isBusy = (region) =>
  region.querySelector(
    'form.htmx-request, details.menu[open], input:focus:not([type="checkbox"]), select:focus, textarea:focus',
  ) !== null;

/** Fields of a region, by what names them. A search says in its own fields what is shown; its answer is right. */
function fieldsOf(region) {
  const named = new Map();
  for (const field of region?.querySelectorAll('input:not([type="hidden"]), select, textarea') ?? []) {
    if (field.form?.getAttribute('role') === 'search') continue;
    // "All that match" is one box, however many rows the address asks for.
    const value = isBox(field) && !field.matches('[data-pick-everything]') ? field.value : '';
    const name = field.id || `${field.form?.id || field.form?.action} ${field.name} ${value}`;
    named.set(named.has(name) ? `${name} ${named.size}` : name, field);
  }
  return named;
}
const isBox = ({ type }) => type === 'checkbox' || type === 'radio';
const usualOf = (field) =>
  field.options
    ? ([...field.options].find(({ defaultSelected }) => defaultSelected) ?? field.options[0])?.value
    : field.defaultValue;

/** What was typed, chosen or ticked and is not sent yet. Returns what puts it back once the region is drawn anew. */
function typedIn(region) {
  const beyond = [...region.querySelectorAll('[data-beyond] > input')];
  const typed = [...fieldsOf(region)]
    .filter(([, field]) => (isBox(field) ? field.checked !== field.defaultChecked : field.value !== usualOf(field)))
    .map(([name, { value, checked }]) => [name, { value, checked }]);
  const isAll = region.querySelector('[data-pick-everything]:checked') !== null;
  return (drawn) => {
    const now = fieldsOf(drawn);
    // Once all that match stand on the page there is no box for all of them: then each is ticked.
    if (isAll && drawn && !drawn.querySelector('[data-pick-everything]'))
      for (const box of drawn.querySelectorAll('input[form="bulk"]')) box.checked = true;
    for (const [name, { value, checked }] of typed) {
      const field = now.get(name);
      if (field && isBox(field)) field.checked = checked;
      else if (field) field.value = value;
    }
    drawn?.querySelector('[data-beyond]')?.append(...beyond);
  };
}

/** Regions that are read again. What is ticked in them until their answer comes is kept as well. */
const beingRead = new WeakSet();
const keptOf = new WeakMap();
document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  const { target } = detail;
  if (!beingRead.has(target)) return;
  if (isBusy(target)) {
    // Somebody began something in it meanwhile: it is read once more when that is over.
    detail.shouldSwap = false;
    due.add(target.closest('[data-live]').id);
    timer ??= window.setTimeout(refreshDue, REFRESH_EVERY_MS);
  } else keptOf.set(target, typedIn(target));
});

function refreshDue() {
  timer = null;
  refreshedMs = performance.now();
  if (isShellDue) {
    isShellDue = false;
    htmx.ajax('GET', `${urlBase}/shell`, { source: document.body, swap: 'none' });
  }
  for (const id of [...due]) {
    const region = document.getElementById(id);
    if (region && isBusy(region)) continue;
    due.delete(id);
    if (!region) continue;
    // A list that grew is read again up to its length; of one that grew further only the head is.
    const length = region.querySelectorAll('[data-row]').length;
    const isLong = length > MOST_ROWS;
    const target = isLong ? region.querySelector('.head') : region;
    if (!target) continue;
    // While a title lies over its list, the address is the title's.
    const here = new URL(region.closest('[data-address]')?.dataset.address ?? '', location.href);
    if (length > 0 && !isLong && !here.searchParams.has('page')) {
      here.searchParams.set('pageSize', String(Math.max(USUAL_ROWS, length)));
    }
    beingRead.add(target);
    htmx
      .ajax('GET', here.pathname + here.search, {
        source: target,
        target,
        select: isLong ? `#${id} .head` : `#${id}`,
        swap: 'morph:outerHTML',
      })
      .then(() => {
        keptOf.get(target)?.(document.getElementById(id));
        keptOf.delete(target);
        document.dispatchEvent(new window.CustomEvent('mf:ticked'));
        showCopyButtons();
      });
  }
  if (due.size > 0) timer = window.setTimeout(refreshDue, REFRESH_EVERY_MS);
}

function ring(event, afterMs = Math.max(GATHER_MS, refreshedMs + REFRESH_EVERY_MS - performance.now())) {
  if (document.visibilityState === 'hidden' && event !== null) return;
  for (const region of document.querySelectorAll('[data-live]')) {
    if (event === null || region.dataset.live.split(' ').includes(event)) due.add(region.id);
  }
  isShellDue ||= document.body.hasAttribute('data-signed-in');
  if (afterMs === 0 && timer !== null) {
    window.clearTimeout(timer);
    timer = null;
  }
  timer ??= window.setTimeout(refreshDue, afterMs);
}

const leftOf = (etaSec) => {
  if (etaSec === null || etaSec === undefined) return '';
  if (etaSec < 90) return `${Math.round(etaSec)} s left`;
  if (etaSec < 5400) return `${Math.round(etaSec / 60)} min left`;
  const minutes = Math.round(etaSec / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min left`;
};

function showProgress({ jobId, percent, fps, speed, etaSec }) {
  const whole = Math.floor(percent);
  for (const row of document.querySelectorAll('[data-job]')) {
    if (row.dataset.job !== jobId) continue;
    const write = (name, text) => {
      const place = row.querySelector(`[data-job-${name}]`);
      if (place && text !== null) place.textContent = text;
    };
    for (const bar of row.querySelectorAll('progress')) bar.value = percent;
    const place = row.querySelector('[data-job-percent]');
    if (place) place.textContent = place.closest('.now-pct, .end') ? String(whole) : `${whole} %`;
    write('text', `${whole} %`);
    write('left', leftOf(etaSec));
    write('fps', fps ? `${Math.round(fps)} fps` : null);
    const times = speed ? `${Math.round(speed * 10) / 10}` : null;
    write('speed', times && (row.closest('.dock') ? `, ${times}× real time` : `${times} times real time`));
  }
}

// Without the socket the page asks by itself, and says so.
const POLL_EVERY_MS = 15_000;
const PATIENCE_MS = 10_000;

if (typeof io === 'function' && document.body.hasAttribute('data-signed-in')) {
  const offline = document.getElementById('offline');
  let wasConnected = false;
  // What happened between the drawing of this page and now, it hears of as soon as it listens.
  const auth = (say) => say(wasConnected ? {} : { since: document.body.dataset.news });
  const socket = io({ path: `${urlBase}/socket.io`, auth });
  let polling = null;
  let patience = null;
  const giveUp = () => {
    if (offline) offline.hidden = false;
    polling ??= window.setInterval(() => ring(null), POLL_EVERY_MS);
  };
  const wait = () => {
    patience ??= window.setTimeout(giveUp, PATIENCE_MS);
  };
  wait();
  socket.on('disconnect', wait);
  socket.on('connect', () => {
    window.clearTimeout(patience);
    window.clearInterval(polling);
    patience = null;
    polling = null;
    if (offline) offline.hidden = true;
    // News may have been missed while the line was down.
    if (wasConnected && !socket.recovered) ring(null);
    wasConnected = true;
  });
  const heardMs = new Map();
  socket.onAny((event, payload) => {
    if (event === 'job.progressed') {
      showProgress(payload);
      return;
    }
    heardMs.set(event, performance.now());
    ring(event);
  });
  // What was heard while an answer was on its way may be news to what comes with it.
  const askedMs = new WeakMap();
  document.addEventListener('htmx:beforeSend', ({ detail }) => askedMs.set(detail.xhr, performance.now()));
  document.addEventListener('htmx:afterSwap', ({ detail }) => {
    for (const [event, at] of heardMs) if (at > askedMs.get(detail.xhr)) ring(event);
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') ring(null);
  });
}

// ---- The tick above a list ticks all of it
document.addEventListener('change', (event) => {
  if (!event.target.matches('[data-pick-all]')) return;
  for (const box of document.querySelectorAll('input[form="bulk"]')) box.checked = event.target.checked;
});
document.addEventListener('htmx:afterSettle', showCopyButtons);

// ---- Copy, where the browser allows it (over plain http most do not, there the text can be marked by hand)
function showCopyButtons() {
  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
}
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-copy]');
  const text = button && document.querySelector(button.dataset.copy)?.textContent;
  if (!text || !navigator.clipboard) return;
  navigator.clipboard.writeText(text).then(
    () => say('Copied.', false),
    () => say('The browser did not allow it. Mark the text and copy it by hand.', true),
  );
});

// ---- Signing in with Plex: the window opens with the click, or it would be blocked, and goes on once the address is known
let plexWindow = null;
let plexPage = null;
document.addEventListener('click', (event) => {
  if (!event.target.closest('[data-opens-plex]')) return;
  plexWindow = window.open('', 'mediaflow-plex', 'popup,width=620,height=760');
  plexPage = null;
});
document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  if (detail.xhr.status >= 400 && detail.requestConfig?.elt.hasAttribute('data-shows-refusal'))
    detail.shouldSwap = true;
});
document.addEventListener('htmx:afterSettle', () => {
  if (!plexWindow) return;
  const link = document.querySelector('a[data-plex-page]');
  if (link && link.href !== plexPage) {
    plexPage = link.href;
    if (!plexWindow.closed) plexWindow.location = plexPage;
  } else if (!link && (plexPage || document.querySelector('#plex-connect #form-error'))) {
    plexWindow.close();
    plexWindow = null;
  }
});

// ---- A form that was changed says so
for (const form of document.querySelectorAll('form[data-dirty]')) {
  const text = form.querySelector('[data-dirty-text]');
  const calm = text.textContent;
  const count = () => {
    const changed = [...form.elements].filter((field) =>
      field.matches('input[type="checkbox"]')
        ? field.checked !== field.defaultChecked
        : field.matches('select')
          ? [...field.options].some((option) => option.selected !== option.defaultSelected && option.defaultSelected)
          : field.matches('input') && field.type !== 'hidden' && field.value !== field.defaultValue,
    ).length;
    form.classList.toggle('is-dirty', changed > 0);
    text.textContent = changed > 0 ? `${changed} ${changed === 1 ? 'change' : 'changes'} not saved.` : calm;
  };
  form.addEventListener('input', count);
  form.addEventListener('reset', () => window.setTimeout(count));
}

// ---- What cannot be undone is asked once more
const question = document.getElementById('confirm');
/** Asks in a dialog, and goes on after a yes. */
function ask({ text, yes = 'Yes', no = 'Go back' }, go) {
  if (question.open) return;
  question.querySelector('[data-confirm-text]').textContent = text;
  question.querySelector('[data-confirm-yes]').textContent = yes;
  question.querySelector('[data-confirm-no]').textContent = no;
  question.returnValue = 'no';
  question.addEventListener('close', () => question.returnValue === 'yes' && go(), { once: true });
  question.showModal();
}
document.addEventListener('htmx:confirm', (event) => {
  const { elt } = event.detail;
  if (!elt.dataset?.confirm || !question) return;
  event.preventDefault();
  ask({ text: elt.dataset.confirm, yes: elt.dataset.yes }, () => event.detail.issueRequest(true));
});
document.addEventListener('submit', (event) => {
  const form = event.target;
  // htmx asks for its own forms.
  if (!form.dataset?.confirm || !question || form.dataset.confirmed || form.hasAttribute('hx-post')) return;
  // A button that leads elsewhere is not what the form asks about.
  if (event.submitter?.hasAttribute('formaction')) return;
  event.preventDefault();
  ask({ text: form.dataset.confirm, yes: form.dataset.yes }, () => {
    form.dataset.confirmed = 'yes';
    form.requestSubmit();
  });
});

// ---- Only one menu is open at a time, and a click elsewhere closes it
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// ---- Keys: 1 to 8 open the pages of the menu, ? lists them
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, select, textarea, dialog[open]')) return;
  if (event.key === '?') document.getElementById('keys')?.showModal();
  else if (event.key === '/' && document.getElementById('q')) {
    event.preventDefault();
    document.getElementById('q').focus();
  } else if (/^[1-8]$/.test(event.key)) document.querySelector(`.nav [aria-keyshortcuts="${event.key}"]`)?.click();
});

showCopyButtons();
// Tabs keep their order on narrow screens, so the present one may lie outside.
document.querySelector('.subnav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
document.getElementById('form-error')?.focus();
