import type { Store } from '../../store/store.js';
import type { ScheduleTask } from './schedule.js';

/** When hardly anybody watches, and before the full look changes much. */
const BACKUP_CRON = '15 3 * * *';

/** What happens at set times, whether or not anything happened. */
export function standingTasks(parts: {
  store: Store;
  sync: {
    status(): { state: string };
    run(request: { mode: 'full' | 'changed'; trigger: 'schedule' }): { done: Promise<unknown> };
  };
  analyzer: { library(trigger: 'schedule'): Promise<unknown> };
}): ScheduleTask[] {
  const { store, sync, analyzer } = parts;
  const look = (mode: 'full' | 'changed') => async (): Promise<void> => {
    const { url } = store.settings.value.plex;
    if (url === '' || sync.status().state === 'running') return;
    await sync.run({ mode, trigger: 'schedule' }).done;
  };
  return [
    { name: 'sync', cron: () => store.settings.value.plex.syncCron, run: look('changed') },
    { name: 'full sync', cron: () => store.settings.value.plex.fullSyncCron, run: look('full') },
    {
      name: 'analysis',
      cron: () => store.settings.value.intel.analyzeCron,
      run: async () => {
        await analyzer.library('schedule');
      },
    },
    {
      name: 'backup',
      cron: () => BACKUP_CRON,
      run: async () => {
        await store.backup('daily');
      },
    },
  ];
}
