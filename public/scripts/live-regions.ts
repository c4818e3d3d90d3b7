// The socket rings, and a region reads its own page again, at most once a second.
import { showCopyButtons } from './copy.js';
import { onHtmx } from './htmx-events.js';
import { all, one, urlBase } from './page.js';
import { typedIn } from './typed-fields.js';

const REFRESH_EVERY_MS = 1000;
/** What comes together is read together. */
const GATHER_MS = 100;
/** Rows of a page unless its address says otherwise, and the most a page may have. */
const USUAL_ROWS = 50;
const MOST_ROWS = 200;

/** Ids of the regions that are to be read. */
const due = new Set<string>();
let timer: number | null = null;
let refreshedMs = Number.NEGATIVE_INFINITY;
let isShellDue = false;

/** Regions that are read again. What is ticked in them until their answer comes is kept as well. */
const beingRead = new WeakSet<Element>();
const putBackOf = new WeakMap<Element, (drawn: Element | null) => void>();

/** What the owner is filling in, has opened or has just sent is not taken away. */
const isBusy = (region: Element): boolean =>
  region.querySelector(
    'form.htmx-request, details.menu[open], input:focus:not([type="checkbox"]), select:focus, textarea:focus',
  ) !== null;

export function startLiveRegions(): void {
  if (typeof Idiomorph === 'object') Idiomorph.defaults.ignoreActiveValue = true;
  onHtmx('htmx:beforeSwap', (detail) => {
    const { target } = detail;
    if (!beingRead.has(target)) return;
    if (!isBusy(target)) {
      putBackOf.set(target, typedIn(target));
      return;
    }
    // Somebody began something in it meanwhile: it is read once more when that is over.
    detail.shouldSwap = false;
    const region = target.closest('[data-live]');
    if (region) due.add(region.id);
    timer ??= window.setTimeout(refreshDue, REFRESH_EVERY_MS);
  });
}

function refreshDue(): void {
  timer = null;
  refreshedMs = performance.now();
  if (isShellDue) {
    isShellDue = false;
    void htmx.ajax('get', `${urlBase}/shell`, { source: document.body, swap: 'none' });
  }
  for (const id of [...due]) {
    const region = document.getElementById(id);
    if (region && isBusy(region)) continue;
    due.delete(id);
    if (region) refresh(region);
  }
  if (due.size > 0) timer = window.setTimeout(refreshDue, REFRESH_EVERY_MS);
}

/** A list that grew is read again up to its length; of one that grew further only the head is. */
function refresh(region: HTMLElement): void {
  const { id } = region;
  const length = region.querySelectorAll('[data-row]').length;
  const isLong = length > MOST_ROWS;
  const target = isLong ? one('.head', region) : region;
  if (!target) return;
  // While a title lies over its list, the address is the title's.
  const here = new URL(region.closest<HTMLElement>('[data-address]')?.dataset['address'] ?? '', location.href);
  if (length > 0 && !isLong && !here.searchParams.has('page')) {
    here.searchParams.set('pageSize', String(Math.max(USUAL_ROWS, length)));
  }
  beingRead.add(target);
  const select = isLong ? `#${id} .head` : `#${id}`;
  void htmx
    .ajax('get', here.pathname + here.search, { source: target, target, select, swap: 'morph:outerHTML' })
    .then(() => {
      putBackOf.get(target)?.(document.getElementById(id));
      putBackOf.delete(target);
      document.dispatchEvent(new CustomEvent('mf:ticked'));
      showCopyButtons();
    });
}

/** Something happened: the regions that show it are read again soon. Without a name all of them are. */
export function ring(
  event: string | null,
  afterMs = Math.max(GATHER_MS, refreshedMs + REFRESH_EVERY_MS - performance.now()),
): void {
  if (document.visibilityState === 'hidden' && event !== null) return;
  for (const region of all('[data-live]')) {
    if (event === null || region.dataset['live']?.split(' ').includes(event)) due.add(region.id);
  }
  isShellDue ||= document.body.hasAttribute('data-signed-in');
  if (afterMs === 0 && timer !== null) {
    window.clearTimeout(timer);
    timer = null;
  }
  timer ??= window.setTimeout(refreshDue, afterMs);
}

/** Reads every region again, without waiting. */
export function refreshAll(): void {
  ring(null, 0);
}
