import { z } from 'zod';
import { defaultPresetIdOf } from '../../domain/presets/choice.js';
import { alsoPresetsOf } from '../../domain/recommendations/merge.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { itemIdOf, mergedInto } from '../../store/row-keys.js';
import type { Context } from '../action.js';

/** The id of the preset that is taken where no recommendation proposes one. Empty: there are no presets. */
export const defaultPresetId = ({ store, presets }: Pick<Context, 'store' | 'presets'>): string =>
  defaultPresetIdOf(presets.list(), store.settings.value.queue.defaultPresetId);

/** What is proposed for an item, and for which of its files. */
export interface Proposal {
  presetId: string;
  /** What other rules propose for the same file, see `presetOfJob`. */
  alsoPresetIds: readonly string[];
  fileId: string;
  recommendation: Recommendation;
}

/** What a job for a recommendation does together with this preset. With a preset that nobody proposed, what the owner chose and no more. */
export function alsoPresetIds({ store }: Pick<Context, 'store'>, row: Recommendation, presetId: string): string[] {
  return presetId === row.presetId ? alsoPresetsOf(row, mergedInto(store, row)) : [];
}

/** The best open recommendation with a preset of each of these items, of those in `versions` only for these files. */
export function proposalsFor(
  { store, presets }: Pick<Context, 'store' | 'presets'>,
  itemIds: ReadonlySet<string>,
  versions: ReadonlyMap<string, readonly string[]> = new Map(),
): ReadonlyMap<string, Proposal> {
  const known = new Set(presets.list().map(({ id }) => id));
  const best = new Map<string, Proposal>();
  const ofItem = store.recommendations.by(itemIdOf);
  for (const row of [...itemIds].flatMap((id) => ofItem.of(id))) {
    if (row.state !== 'open' || row.group !== null || row.keep !== null || row.presetId === null) continue;
    if (!known.has(row.presetId)) continue;
    if (versions.get(row.itemId)?.includes(row.fileId) === false) continue;
    const other = best.get(row.itemId)?.recommendation;
    if (other && (other.priority - row.priority || other.savesBytes - row.savesBytes) >= 0) continue;
    const also = alsoPresetIds({ store }, row, row.presetId);
    best.set(row.itemId, { presetId: row.presetId, alsoPresetIds: also, fileId: row.fileId, recommendation: row });
  }
  return best;
}

/** A preset somebody asks for; empty stands for what is recommended, else the default preset. */
export const PresetWish = z.string().max(60).default('');

/** The presets to choose from, and the title of the one that is taken where nothing is recommended. */
export function presetChoices(ctx: Pick<Context, 'store' | 'presets'>): {
  choices: { id: string; title: string }[];
  defaultPreset: string;
} {
  const choices = ctx.presets.list().map(({ id, title }) => ({ id, title }));
  const usual = defaultPresetId(ctx);
  return { choices, defaultPreset: choices.find(({ id }) => id === usual)?.title ?? '' };
}
