import type { AudioStream } from '../library/media.js';

const LOSSLESS: ReadonlySet<string> = new Set(['truehd', 'mlp', 'flac', 'alac', 'wavpack', 'tta', 'ape']);

/** Sound without loss, by codec and, for DTS, profile: `DTS-HD MA` to ffprobe, `ma` to Plex. */
export function isLossless({ codec, profile }: Pick<AudioStream, 'codec' | 'profile'>): boolean {
  if (LOSSLESS.has(codec) || codec.startsWith('pcm')) return true;
  if (codec !== 'dts' && codec !== 'dca') return false;
  const name = profile?.toLowerCase() ?? '';
  return name === 'ma' || name.includes('hd ma') || name.includes('master audio');
}

/** Whether the track says of itself that its sound is placed in space (Atmos, DTS:X), which no encoder here can write. */
export function isSpatial({ title, profile }: Pick<AudioStream, 'title' | 'profile'>): boolean {
  const text = `${title ?? ''} ${profile ?? ''}`.toLowerCase();
  return text.includes('atmos') || text.includes('dts:x') || text.includes('dts-x') || text.includes('dtsx');
}
