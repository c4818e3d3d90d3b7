import { conflict } from '../../domain/errors.js';
import type { Executor } from '../../domain/jobs/executor.js';
import type { EncoderSpeed, EncoderSupport } from '../../domain/workers/worker.js';
import type { Store } from '../../store/store.js';

/** How quick each encoder of a worker is, measured now and kept. Throws `conflict` while it encodes, and like `Fleet.probe`. */
export async function keepSpeeds(
  store: Store,
  id: string,
  { executor, encoders }: { executor: Executor; encoders: readonly EncoderSupport[] },
  signal: AbortSignal,
): Promise<EncoderSpeed[]> {
  const isBusy = store.jobs.where(({ workerId, state }) => workerId === id && state === 'running').length > 0;
  if (isBusy) throw conflict('It encodes just now, and its speed would come out too low. Try again when it is idle.');
  const speeds = await executor.measureSpeeds(encoders, signal);
  const capabilities = store.workers.find(id)?.capabilities;
  if (capabilities) await store.workers.patch(id, { capabilities: { ...capabilities, speeds } });
  return speeds;
}
