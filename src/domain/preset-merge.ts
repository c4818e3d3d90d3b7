import type { Preset } from './preset.js';

/**
 * One recipe for all that several ask of the same file, so that it is encoded and replaced once. The video and the name are
 * the first one's; a container that the first leaves as it is, and sound that it copies, are what another asks for.
 */
export function mergedPreset(first: Preset, others: readonly Preset[]): Preset {
  const container = first.container === 'keep' ? others.find((other) => other.container !== 'keep') : undefined;
  const audio = first.audio.codec === 'copy' ? others.find((other) => other.audio.codec !== 'copy') : undefined;
  return { ...first, container: container?.container ?? first.container, audio: audio?.audio ?? first.audio };
}

/** The recipe of a job: its preset with what the others add. Others that are gone are passed over. Throws `not_found` for its own. */
export function presetOfJob(
  { presetId, alsoPresetIds }: { presetId: string; alsoPresetIds: readonly string[] },
  presets: { get(id: string): Preset; list(): readonly Preset[] },
): Preset {
  const own = presets.get(presetId);
  if (alsoPresetIds.length === 0) return own;
  return mergedPreset(
    own,
    presets.list().filter(({ id }) => alsoPresetIds.includes(id)),
  );
}
