import type { PlannedStream } from '../domain/presets/plan.js';

const ENCODER: Readonly<Record<string, string>> = { opus: 'libopus' };
/** The highest rate that every player and every encoder we use takes. Hertz. */
const MAX_SAMPLE_RATE = 48_000;
/** libopus refuses side channels (`5.1(side)`), which most films have, unless they are renamed. */
const OPUS_LAYOUT: Readonly<Record<number, string>> = {
  1: 'mono',
  2: 'stereo',
  3: '3.0',
  4: 'quad',
  5: '5.0',
  6: '5.1',
  7: '6.1',
  8: '7.1',
};

/** Options of one encoded audio stream; `at` is its place, `a:0`. */
export function audioArgs({ source, codec, channels, bitrateKbps }: PlannedStream, at: string): string[] {
  const layout = codec === 'opus' && channels !== null ? OPUS_LAYOUT[channels] : undefined;
  return [
    `-c:${at}`,
    ENCODER[codec] ?? codec,
    ...(bitrateKbps === null ? [] : [`-b:${at}`, `${bitrateKbps}k`]),
    ...(channels === null ? [] : [`-ac:${at}`, String(channels)]),
    ...((source.sampleRate ?? 0) > MAX_SAMPLE_RATE ? [`-ar:${at}`, String(MAX_SAMPLE_RATE)] : []),
    ...(layout === undefined ? [] : [`-filter:${at}`, `aformat=channel_layouts=${layout}`]),
  ];
}
