import { z } from 'zod';
import { displayTitle } from '../domain/library.js';
import { Untouched, UNTOUCHED_REASON } from '../domain/untouched.js';
import { action } from './action.js';
import { listOf, pageOf, Paging } from './paging.js';

/** Titles that are never touched, the latest first. */
export const listUntouched = action(
  { summary: 'List the titles that are never touched', input: Paging, output: listOf(Untouched) },
  ({ store }, paging) => {
    const rows = store.untouched.where(() => true).sort((a, b) => b.at.localeCompare(a.at) || a.id.localeCompare(b.id));
    return Promise.resolve(pageOf(rows, paging));
  },
);

/** Keeps everything away from a title: what is recommended for it is closed, and no job can be made. Jobs that run go on. */
export const leaveUntouched = action(
  {
    summary: 'Never touch a title',
    input: z.object({ id: z.string(), note: z.string().trim().max(400).default('') }),
    output: Untouched,
  },
  async ({ store, bus, now }, { id, note }) => {
    const at = now().toISOString();
    const row = { id, title: displayTitle(store.library.get(id)), note: note || null, at };
    const open = store.recommendations.where(
      ({ itemId, state }) => itemId === id && (state === 'open' || state === 'snoozed'),
    );
    const closed = open.map((found) => ({
      ...found,
      state: 'closed' as const,
      note: UNTOUCHED_REASON,
      snoozedUntil: null,
      changedAt: at,
    }));
    await Promise.all([store.untouched.put(row), store.recommendations.putMany(closed)]);
    bus.emit('library.changed', { itemIds: [id] });
    if (closed.length > 0) bus.emit('recommendation.changed', { ids: closed.map((found) => found.id) });
    return row;
  },
);

/** Lets rules and jobs near a title again, and asks the rules about it at once. */
export const touchAgain = action(
  {
    summary: 'Let a title be touched again',
    input: z.object({ id: z.string() }),
    output: z.object({ id: z.string() }),
  },
  async ({ store, bus, analyzer }, { id }) => {
    await store.untouched.remove(id);
    bus.emit('library.changed', { itemIds: [id] });
    if (store.library.find(id) !== null) await analyzer.items([id], 'owner');
    return { id };
  },
);
