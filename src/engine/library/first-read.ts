import type { Events } from '../../domain/events.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

/** Whoever waits for the end of a first read waits no longer than this: a server may not answer for days. Milliseconds. */
const MOST_MS = 30_000;

/**
 * Resolves when the first read of a library that is about to begin is over and looked through: for what costs a lot and can
 * wait. At once where nothing is to be read for the first time; also when there is a job, after half a minute, and when the
 * signal is aborted. Never fails.
 */
export async function firstReadOver(
  { store, bus }: { store: Pick<Store, 'settings' | 'secrets' | 'sections'>; bus: Bus<Events> },
  signal: AbortSignal,
): Promise<void> {
  const isConnected = store.settings.value.plex.url !== '' && store.secrets.find('plexToken') !== null;
  if (!isConnected || store.sections.size > 0 || signal.aborted) return;
  const forget: (() => void)[] = [];
  await new Promise<void>((resolve) => {
    const over = (): void => {
      resolve();
    };
    const timer = setTimeout(over, MOST_MS);
    timer.unref();
    signal.addEventListener('abort', over);
    forget.push(
      bus.on('analysis.completed', over),
      bus.on('job.changed', over),
      () => {
        clearTimeout(timer);
      },
      () => {
        signal.removeEventListener('abort', over);
      },
    );
  });
  for (const each of forget) each();
}
