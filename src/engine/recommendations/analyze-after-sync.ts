import { toAppError } from '../../domain/errors.js';
import type { Run } from '../../domain/recommendations/run.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

const AT_A_TIME = 500;

interface Parts {
  store: Pick<Store, 'settings'>;
  log: Log;
  analyzer: {
    items(itemIds: string[], trigger: Run['trigger']): Promise<unknown>;
    library(trigger: Run['trigger']): Promise<Pick<Run, 'error'>>;
  };
}

/**
 * After a full sync the rules look at the whole library, after another at what it touched. What is gone always takes its findings along.
 * Answers whether they have looked at all of it, or are not to; never fails.
 */
export async function analyzeAfterSync(
  parts: Parts,
  { mode }: { mode: 'full' | 'changed' },
  { touched, removed }: { touched: readonly string[]; removed: readonly string[] },
  signal: AbortSignal,
): Promise<boolean> {
  const isWanted = parts.store.settings.value.intel.autoAnalyzeOnSync;
  const isWhole = isWanted && mode === 'full';
  try {
    await lookAtSome(parts, [...removed, ...(isWanted && !isWhole ? touched : [])], signal);
    if (isWhole && !signal.aborted) return await lookAtAll(parts, touched, signal);
    return !signal.aborted;
  } catch (error) {
    parts.log.error({ err: error }, 'The analysis after a sync failed');
    return false;
  }
}

async function lookAtSome({ analyzer }: Parts, itemIds: readonly string[], signal: AbortSignal): Promise<void> {
  const ids = [...new Set(itemIds)];
  for (let start = 0; start < ids.length && !signal.aborted; start += AT_A_TIME)
    await analyzer.items(ids.slice(start, start + AT_A_TIME), 'sync');
}

async function lookAtAll(parts: Parts, touched: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    const { error } = await parts.analyzer.library('sync');
    return error === null;
  } catch (error) {
    if (toAppError(error).code !== 'conflict') throw error;
    // The look that is under way may be past what was touched since it began.
    await lookAtSome(parts, touched, signal);
    return !signal.aborted;
  }
}
