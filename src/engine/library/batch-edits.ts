import { countTitles, type BatchEdit, type EditedTitle } from '../../domain/library/batch-edit.js';
import { AppError, conflict, toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Servers } from '../../domain/plex/media-server.js';
import { checkEdit, fieldsOf, type EditField, type EditOutcome } from '../../domain/library/metadata-edit.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

export interface BatchEditParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  server: Servers;
  /** Reads titles of one server into the library again. */
  readNow: (ratingKeys: string[], serverId: string) => Promise<void>;
}

/** After so many titles the result is written down in between. */
const SAVE_EVERY = 500;
const READ_AT_ONCE = 50;
/** What the library holds of all that can be edited. */
const IN_LIBRARY: readonly EditField[] = ['title', 'labels', 'collections'];

/** The titles of one server that are to be edited, by their rating keys. */
type Group = Map<string, EditedTitle>;

/** Carries edits of many titles out, one edit at a time, and keeps what became of every title. */
export class BatchEdits {
  readonly #parts: BatchEditParts;
  #running: { edit: BatchEdit; stop: AbortController; done: Promise<void> } | null = null;

  constructor(parts: BatchEditParts) {
    this.#parts = parts;
  }

  /** An edit that was under way when the program ended is not begun again by itself. */
  async start(): Promise<void> {
    const { store } = this.#parts;
    const finishedAt = this.#parts.now().toISOString();
    const left = store.edits.where(({ state }) => state === 'running');
    await store.edits.putMany(left.map((edit) => ({ ...edit, state: 'interrupted', finishedAt })));
  }

  /** What was sent is looked at once more, and written down. */
  async stop(): Promise<void> {
    this.#running?.stop.abort(new AppError('interrupted', 'MediaFlow stops'));
    await this.#running?.done;
  }

  /** An edit as it stands at this moment. Throws `not_found`. */
  find(id: string): BatchEdit {
    return this.#running?.edit.id === id ? this.#running.edit : this.#parts.store.edits.get(id);
  }

  /**
   * Begins to edit, and returns as soon as that is written down. `expected` is how many titles the owner saw. Throws
   * `conflict` for another number, for an edit that was begun already, and while another one is running.
   */
  async begin(id: string, expected: number): Promise<BatchEdit> {
    const draft = this.find(id);
    if (draft.state !== 'draft') throw conflict('This edit was started already.');
    if (draft.titles.length !== expected)
      throw conflict(
        `This edit is for ${draft.titles.length} titles, not ${expected}. Nothing was done; check the list and try again.`,
      );
    checkEdit(draft.edit, draft.titles.length);
    if (this.#running !== null) throw conflict('Another edit is running. Wait until it is done, or stop it.');
    const startedAt = this.#parts.now().toISOString();
    const edit: BatchEdit = {
      ...draft,
      state: 'running',
      startedAt,
      titles: draft.titles.map((title) => ({ ...title })),
    };
    const stop = new AbortController();
    const saved = this.#parts.store.edits.put(edit);
    const done = saved.then(
      () => this.#run(edit, stop.signal),
      () => undefined,
    );
    this.#running = { edit, stop, done: done.finally(() => (this.#running = null)) };
    await saved;
    this.#tell(edit);
    return edit;
  }

  /** Stops an edit after the request that is under way. Throws `conflict` when it is not running. */
  async halt(id: string): Promise<BatchEdit> {
    if (this.#running?.edit.id !== id) {
      this.find(id);
      throw conflict('This edit is not running.');
    }
    const { stop, done } = this.#running;
    stop.abort(new AppError('cancelled', 'The owner stopped it'));
    await done;
    return this.find(id);
  }

  /** Never throws. */
  async #run(edit: BatchEdit, signal: AbortSignal): Promise<void> {
    const { store, log, now } = this.#parts;
    for (const [serverId, group] of this.#groups(edit)) {
      if (signal.aborted) break;
      await this.#runOn(serverId, group, edit, signal);
    }
    const isInterrupted = signal.aborted && toAppError(signal.reason).code === 'interrupted';
    edit.state = !signal.aborted ? 'done' : isInterrupted ? 'interrupted' : 'stopped';
    edit.finishedAt = now().toISOString();
    try {
      await this.#save(edit);
      const detail = { state: edit.state, fields: fieldsOf(edit.edit), ...countTitles(edit) };
      await store.audit.append({ who: 'owner', action: 'finish metadata edit', object: edit.id, detail });
    } catch (error) {
      log.error({ err: error, editId: edit.id }, 'The result of an edit could not be written down');
    }
    this.#tell(edit);
  }

  /** Titles by server. What is no longer in the library is not sent. */
  #groups(edit: BatchEdit): Map<string, Group> {
    const groups = new Map<string, Group>();
    for (const title of edit.titles) {
      const item = this.#parts.store.library.find(title.itemId);
      if (item === null) {
        Object.assign(title, { state: 'failed', reason: 'It is no longer in the library, so nothing was sent.' });
        continue;
      }
      const group: Group = groups.get(item.serverId) ?? new Map<string, EditedTitle>();
      groups.set(item.serverId, group.set(item.ratingKey, title));
    }
    return groups;
  }

  async #runOn(serverId: string, group: Group, edit: BatchEdit, signal: AbortSignal): Promise<void> {
    const stale: string[] = [];
    let unsaved = 0;
    try {
      const server = this.#parts.server(serverId);
      for await (const outcomes of server.metadata.edit([...group.keys()], edit.edit, signal)) {
        for (const outcome of outcomes) stale.push(...this.#note(outcome, group, edit));
        this.#tell(edit);
        unsaved += outcomes.length;
        if (unsaved >= SAVE_EVERY) {
          unsaved = 0;
          await this.#save(edit);
        }
        if (stale.length >= READ_AT_ONCE) await this.#read(stale.splice(0), serverId);
      }
    } catch (error) {
      if (!signal.aborted) {
        const { message } = toAppError(error);
        for (const title of group.values())
          if (title.state === 'waiting') Object.assign(title, { state: 'failed', reason: message });
        this.#parts.log.warn({ err: error, editId: edit.id }, 'An edit broke off');
      }
    }
    await this.#read(stale, serverId);
  }

  /** Writes an outcome down. Returns the rating key when the library holds something that may have changed. */
  #note({ ratingKey, state, changes, open, reason }: EditOutcome, group: Group, edit: BatchEdit): string[] {
    const title = group.get(ratingKey);
    if (title === undefined) return [];
    Object.assign(title, { state, changes, open, reason });
    const isStale = changes.length > 0 && fieldsOf(edit.edit).some((field) => IN_LIBRARY.includes(field));
    return isStale ? [ratingKey] : [];
  }

  async #read(ratingKeys: string[], serverId: string): Promise<void> {
    if (ratingKeys.length === 0) return;
    try {
      await this.#parts.readNow(ratingKeys, serverId);
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'Edited titles could not be read again; the next sync will read them');
    }
  }

  async #save(edit: BatchEdit): Promise<void> {
    await this.#parts.store.edits.put({ ...edit });
  }

  #tell({ id }: BatchEdit): void {
    this.#parts.bus.emit('edit.changed', { id });
  }
}
