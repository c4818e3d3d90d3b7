import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, invalid, toAppError } from '../domain/errors.js';
import {
  changesOf,
  checkEdit,
  type EditOutcome,
  type ItemMetadata,
  type MetadataEdit,
} from '../domain/library/metadata-edit.js';
import type { PlexClient } from './client.js';
import type { Raw } from './coerce.js';
import { assertBounded, editRequests, IDS_AT_ONCE, isPlainKey, toMetadata, type EditRequest } from './edit-requests.js';

/** A server that is busy may not show a change for a moment. */
const SECOND_LOOK_MS = 500;
/** After a stop, for finding out what became of the last request. */
const LAST_LOOK_MS = 5000;
/** So many blocks in a row that could not be read; then the rest is not tried. */
const SILENCES = 3;

type Found = ReadonlyMap<string, ItemMetadata>;

/** Edits items of one server and looks at each of them afterwards: what Plex answers to an edit says nothing. */
export class MetadataEditor {
  readonly #client: Pick<PlexClient, 'send'>;
  readonly #details: (ratingKeys: readonly string[], signal: AbortSignal | undefined) => Promise<Raw[]>;

  /** `details` gives the detail answers of up to 50 items; those that are gone are absent. */
  constructor(
    client: Pick<PlexClient, 'send'>,
    details: (ratingKeys: readonly string[], signal: AbortSignal | undefined) => Promise<Raw[]>,
  ) {
    this.#client = client;
    this.#details = details;
  }

  /** Items as Plex shows them now; those that are gone are absent. */
  async read(ratingKeys: readonly string[], signal?: AbortSignal): Promise<ItemMetadata[]> {
    const keys = [...new Set(ratingKeys)];
    const items: ItemMetadata[] = [];
    for (let at = 0; at < keys.length; at += 50) {
      for (const raw of await this.#details(keys.slice(at, at + 50), signal)) {
        const item = toMetadata(raw);
        if (item !== null) items.push(item);
      }
    }
    return items;
  }

  /**
   * Goes through the items in blocks; each outcome is told once, and a block that fails does not stop the others. After an
   * abort it tells what became of the last request, then throws the signal's reason; items not told of were not sent.
   */
  async *edit(ratingKeys: readonly string[], edit: MetadataEdit, signal?: AbortSignal): AsyncGenerator<EditOutcome[]> {
    const keys = [...new Set(ratingKeys)];
    if (!keys.every(isPlainKey)) throw invalid('That is no id of a title in Plex.');
    checkEdit(edit, keys.length);
    let silences = 0;
    for (let at = 0; at < keys.length; at += IDS_AT_ONCE) {
      signal?.throwIfAborted();
      const block = keys.slice(at, at + IDS_AT_ONCE);
      if (silences >= SILENCES) {
        yield block.map((key) => failed(key, 'Not tried: Plex did not answer for the titles before it.'));
        continue;
      }
      try {
        const before = byKey(await this.read(block, signal));
        silences = 0;
        yield await this.#block(block, before, edit, signal);
      } catch (error) {
        signal?.throwIfAborted();
        silences++;
        const { message } = toAppError(error);
        yield block.map((key) => failed(key, `It was not sent, since it could not be read: ${message}`));
      }
    }
    signal?.throwIfAborted();
  }

  async #block(
    keys: readonly string[],
    before: Found,
    edit: MetadataEdit,
    signal: AbortSignal | undefined,
  ): Promise<EditOutcome[]> {
    const outcomes = new Map<string, EditOutcome>();
    const due: ItemMetadata[] = [];
    for (const key of keys) {
      const item = before.get(key);
      if (item === undefined) outcomes.set(key, failed(key, GONE));
      else if (changesOf(item, edit).length > 0) due.push(item);
      else outcomes.set(key, { ratingKey: key, state: 'unchanged', changes: [], open: [], reason: null });
    }
    for (const outcome of await this.#change(due, edit, signal)) {
      const item = before.get(outcome.ratingKey);
      outcomes.set(outcome.ratingKey, { ...outcome, changes: item === undefined ? [] : changesOf(item, edit) });
    }
    return [...outcomes.values()];
  }

  /** Outcomes of those that were sent. */
  async #change(
    due: readonly ItemMetadata[],
    edit: MetadataEdit,
    signal: AbortSignal | undefined,
    isSecondTry = false,
  ): Promise<EditOutcome[]> {
    const { refusals, refused } = await this.#sendAll(due, edit, signal);
    const sent = [...refusals.keys()];
    const outcomes = [...refused.values()];
    if (sent.length === 0) return outcomes;
    let now: Found;
    try {
      now = await this.#look(sent, edit, refusals, signal);
    } catch (error) {
      const { message } = toAppError(error);
      const unknown = (key: string): EditOutcome =>
        failed(key, `${refusals.get(key)?.message ?? 'It was sent.'} What became of it could not be read: ${message}`);
      return [...outcomes, ...sent.map(unknown)];
    }
    const again: ItemMetadata[] = [];
    for (const key of sent) {
      const item = now.get(key);
      const refusal = refusals.get(key) ?? null;
      const open = item === undefined ? [] : changesOf(item, edit);
      // One title that is gone has Plex refuse the whole list.
      if (
        item !== undefined &&
        open.length > 0 &&
        refusal?.code === 'plex_not_found' &&
        !isSecondTry &&
        !isAborted(signal)
      )
        again.push(item);
      else if (item === undefined) outcomes.push(failed(key, GONE));
      else if (open.length === 0) outcomes.push({ ratingKey: key, state: 'done', changes: [], open, reason: null });
      else if (refusal !== null) outcomes.push({ ...failed(key, refusal.message), open });
      else outcomes.push({ ratingKey: key, state: 'not_taken', changes: [], open, reason: null });
    }
    return again.length === 0 ? outcomes : [...outcomes, ...(await this.#change(again, edit, signal, true))];
  }

  /** Sends one request after the other. `refusals` holds every item that was sent, `refused` what could not even be asked for. */
  async #sendAll(
    due: readonly ItemMetadata[],
    edit: MetadataEdit,
    signal: AbortSignal | undefined,
  ): Promise<{ refusals: Map<string, AppError | null>; refused: Map<string, EditOutcome> }> {
    const refusals = new Map<string, AppError | null>();
    const refused = new Map<string, EditOutcome>();
    for (const request of this.#requests(due, edit, refused)) {
      if (isAborted(signal)) break;
      const tell = (refusal: AppError | null): void => {
        for (const key of request.ratingKeys) refusals.set(key, refusal);
      };
      try {
        assertBounded(request);
        await this.#client.send('PUT', { path: request.path, query: request.query, signal });
        tell(null);
      } catch (error) {
        tell(isAborted(signal) ? new AppError('cancelled', 'Stopped while Plex was asked.') : toAppError(error));
      }
    }
    return { refusals, refused };
  }

  /** An item that cannot be asked for takes no other with it. */
  #requests(due: readonly ItemMetadata[], edit: MetadataEdit, refused: Map<string, EditOutcome>): EditRequest[] {
    try {
      return editRequests(due, edit);
    } catch {
      const sound = due.filter((item) => {
        try {
          return editRequests([item], edit).length > 0;
        } catch (error) {
          refused.set(item.ratingKey, failed(item.ratingKey, toAppError(error).message));
          return false;
        }
      });
      return editRequests(sound, edit);
    }
  }

  /** The items as they are now, looked at twice when something that was taken on does not show. */
  async #look(
    keys: readonly string[],
    edit: MetadataEdit,
    refusals: ReadonlyMap<string, AppError | null>,
    signal: AbortSignal | undefined,
  ): Promise<Found> {
    const first = byKey(await this.#readAnyway(keys, signal));
    const late = keys.filter((key) => {
      const item = first.get(key);
      return refusals.get(key) === null && item !== undefined && changesOf(item, edit).length > 0;
    });
    if (late.length === 0 || isAborted(signal)) return first;
    await sleep(SECOND_LOOK_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    const second = byKey(await this.#readAnyway(late, signal));
    return new Map([...[...first].filter(([key]) => !late.includes(key)), ...second]);
  }

  /** Reads even after an abort, though not for long. */
  async #readAnyway(keys: readonly string[], signal: AbortSignal | undefined): Promise<ItemMetadata[]> {
    try {
      return await this.read(keys, signal);
    } catch (error) {
      if (!isAborted(signal)) throw error;
      return this.read(keys, AbortSignal.timeout(LAST_LOOK_MS));
    }
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;
const GONE = 'Plex no longer has this title.';
const byKey = (items: readonly ItemMetadata[]): Found => new Map(items.map((item) => [item.ratingKey, item]));
const failed = (ratingKey: string, reason: string): EditOutcome => ({
  ratingKey,
  state: 'failed',
  changes: [],
  open: [],
  reason,
});
