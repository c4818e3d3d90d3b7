/** The preset for whatever nobody chose one for, unless the owner names another. */
export const USUAL_PRESET_ID = 'balanced';

/** The owner's default preset; where that is gone Balanced, and where that is gone too the first there is. Empty: there is none. */
export function defaultPresetIdOf(presets: readonly { id: string }[], wished: string): string {
  const isThere = (id: string): boolean => presets.some((preset) => preset.id === id);
  return [wished, USUAL_PRESET_ID].find(isThere) ?? presets[0]?.id ?? '';
}
