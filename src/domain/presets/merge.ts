import type { Preset } from './preset.js';

/** Whether it asks for something that can be done beside another's encode: new sound, a new container, SDR. */
export const canBeAdded = ({ video }: Preset): boolean => video.codec === 'copy' || video.toneMap !== null;

/**
 * One recipe for all that several ask of the same file, so that it is encoded and replaced once. The video and the name are
 * the first one's; a container that the first leaves as it is, sound that it copies, and the range of colours of a picture that
 * it encodes are what another asks for. Another encode adds nothing: it was proposed in place of the first.
 */
export function mergedPreset(first: Preset, proposed: readonly Preset[]): Preset {
  const others = proposed.filter(canBeAdded);
  const container = first.container === 'keep' ? others.find((other) => other.container !== 'keep') : undefined;
  const audio = first.audio.codec === 'copy' ? others.find((other) => other.audio.codec !== 'copy') : undefined;
  const isEncoded = first.video.codec !== 'copy' && first.video.toneMap === null;
  const range = isEncoded ? others.find(({ video }) => video.toneMap !== null)?.video : undefined;
  return {
    ...first,
    container: container?.container ?? first.container,
    video: range ? { ...first.video, toneMap: range.toneMap, bitDepth: range.bitDepth } : first.video,
    audio: audio?.audio ?? first.audio,
  };
}

/**
 * The recipe of a job: what it was made with, else its preset with what the others add. Others that are gone are passed over.
 * Throws `not_found` for its own.
 */
export function presetOfJob(
  { presetId, alsoPresetIds, preset }: { presetId: string; alsoPresetIds: readonly string[]; preset?: Preset | null },
  presets: { get(id: string): Preset; list(): readonly Preset[] },
): Preset {
  if (preset) return preset;
  const own = presets.get(presetId);
  if (alsoPresetIds.length === 0) return own;
  return mergedPreset(
    own,
    presets.list().filter(({ id }) => alsoPresetIds.includes(id)),
  );
}
