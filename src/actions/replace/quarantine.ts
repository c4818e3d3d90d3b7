import { z } from 'zod';
import { PurgeHold, purgeHold } from '../../domain/replace/clock-seen.js';
import { QuarantineEntry } from '../../domain/replace/quarantine.js';
import type { Store } from '../../store/store.js';
import { action } from '../action.js';
import { listOf, pageOf, Paging } from '../paging.js';

const ById = z.object({ id: z.string() });
const State = QuarantineEntry.shape.state;
/** With the path of its title's poster on the media server; null when it has none, or the title is gone. */
const Row = QuarantineEntry.extend({ thumb: z.string().nullable() });

const withThumb = ({ library }: Store, entry: QuarantineEntry): z.infer<typeof Row> => ({
  ...entry,
  thumb: library.find(entry.itemId)?.thumb ?? null,
});

/** Replaced originals that are kept, those that go first on top. */
export const listQuarantine = action(
  {
    summary: 'List the originals in quarantine',
    input: Paging.extend({ state: State.default('kept') }),
    output: listOf(Row).extend({
      state: State,
      sizeBytes: z.number(),
      /** Why none is deleted on its date for now: the clock of this server jumped. */
      hold: PurgeHold.nullable(),
    }),
  },
  ({ store }, { page, pageSize, state }) => {
    const rows = store.quarantine
      .where((entry) => entry.state === state)
      .sort((a, b) => a.purgeAt.localeCompare(b.purgeAt) || a.id.localeCompare(b.id));
    const cut = pageOf(rows, { page, pageSize }, { state });
    return Promise.resolve({
      ...cut,
      items: cut.items.map((entry) => withThumb(store, entry)),
      state,
      sizeBytes: rows.reduce((sum, entry) => sum + entry.sizeBytes, 0),
      hold: state === 'kept' && rows.length > 0 ? purgeHold(store.clock.value) : null,
    });
  },
);

/** One kept original. Throws `not_found`. */
export const showQuarantined = action(
  { summary: 'Show one original in quarantine', input: ById, output: Row },
  ({ store }, { id }) => withThumb(store, store.quarantine.get(id)),
);

/** Puts an original back at its path. Throws `file_changed` or `file_exists`, and then nothing was moved. */
export const restoreOriginal = action(
  { summary: 'Restore an original from quarantine', input: ById, output: QuarantineEntry },
  ({ queue }, { id }) => queue.restore(id),
);

/** Deletes a kept original for good. Throws `conflict` when its replacement does not stand. */
export const purgeOriginal = action(
  { summary: 'Delete an original from quarantine', input: ById, output: QuarantineEntry },
  ({ queue }, { id }) => queue.purge(id),
);
