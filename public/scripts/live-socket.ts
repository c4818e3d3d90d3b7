// What happens is heard over a socket. Without it the page asks by itself, and says so. It is a script of its own, loaded after
// the page: what it hears it tells the others by an event of the document.
import type { io } from 'socket.io-client';
import { onHtmx } from './htmx-events.js';
import { showProgress, type JobProgress } from './job-progress.js';
import { urlBase } from './page.js';

const POLL_EVERY_MS = 15_000;
const PATIENCE_MS = 10_000;

/** Something happened, or anything may have: null. */
function ring(event: string | null): void {
  document.dispatchEvent(new CustomEvent('mediaflow:heard', { detail: event }));
}

export function startLiveSocket(connect: typeof io): void {
  let wasConnected = false;
  const socket = connect({
    path: `${urlBase}/socket.io`,
    // What happened between the drawing of this page and now, it hears of as soon as it listens.
    auth: (tell) => {
      tell(wasConnected ? {} : { since: document.body.dataset['since'] });
    },
  });
  const outage = watchOutage();
  outage.begin();
  socket.on('disconnect', outage.begin);
  socket.on('connect', () => {
    outage.end();
    // Events may have been missed while the connection was down.
    if (wasConnected && !socket.recovered) ring(null);
    wasConnected = true;
  });
  const heardMs = new Map<string, number>();
  socket.onAny((event: string, payload: unknown) => {
    if (event === 'job.progressed') {
      showProgress(payload as JobProgress);
      return;
    }
    heardMs.set(event, performance.now());
    ring(event);
  });
  ringForLateAnswers(heardMs);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') ring(null);
  });
}

/** Waits a while for the connection to come back, then says so and asks every 15 seconds. */
function watchOutage(): { begin: () => void; end: () => void } {
  const strip = document.getElementById('offline');
  let polling: number | undefined;
  let patience: number | undefined;
  return {
    begin: () => {
      patience ??= window.setTimeout(() => {
        if (strip) strip.hidden = false;
        polling ??= window.setInterval(() => {
          ring(null);
        }, POLL_EVERY_MS);
      }, PATIENCE_MS);
    },
    end: () => {
      window.clearTimeout(patience);
      window.clearInterval(polling);
      patience = undefined;
      polling = undefined;
      if (strip) strip.hidden = true;
    },
  };
}

/** What was heard while an answer was on its way may be new to what comes with it. */
function ringForLateAnswers(heardMs: ReadonlyMap<string, number>): void {
  const askedMs = new WeakMap<XMLHttpRequest, number>();
  onHtmx('htmx:beforeSend', ({ xhr }) => askedMs.set(xhr, performance.now()));
  onHtmx('htmx:afterSwap', ({ xhr }) => {
    const asked = askedMs.get(xhr) ?? Number.POSITIVE_INFINITY;
    for (const [event, at] of heardMs) if (at > asked) ring(event);
  });
}
