import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Watches the event loop of this process; `stop` answers the longest time it was held, in milliseconds. */
export async function watchLoop(): Promise<{ stop: () => number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  // The first samples belong to whatever was done before.
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.enable();
  return {
    stop: () => {
      delay.disable();
      return Math.max(0, delay.max / 1e6 - 1);
    },
  };
}
