// The page is usable before it hears of anything: the script that listens comes last.
import { ring } from './live-regions.js';

const POLL_EVERY_MS = 15_000;

export function startLive(): void {
  document.addEventListener('mediaflow:heard', (event) => {
    ring((event as CustomEvent<string | null>).detail);
  });
  const address = document.body.dataset['liveScript'];
  if (address === undefined) return;
  const load = (): void => {
    const script = document.createElement('script');
    script.src = address;
    // Without it the page asks by itself.
    script.onerror = () => {
      window.setInterval(() => {
        ring(null);
      }, POLL_EVERY_MS);
    };
    document.head.append(script);
  };
  if (document.readyState === 'complete') load();
  else window.addEventListener('load', load, { once: true });
}
