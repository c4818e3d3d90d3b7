import { z } from 'zod';
import type { EncodePlan, PlannedStream } from '../presets/plan.js';
import { outputStreams } from '../presets/plan-output.js';
import { ProbedStream, type Probe } from './probe.js';

/** A stream in as much as people compare. */
export const StreamSide = ProbedStream.pick({
  codec: true,
  width: true,
  height: true,
  bitDepth: true,
  channels: true,
  language: true,
  title: true,
  bitrateKbps: true,
}).extend({
  /** `default`, `forced` and the like. */
  flags: z.array(z.string()),
});
export type StreamSide = z.infer<typeof StreamSide>;

/** One stream before and after. */
export const StreamChange = z.object({
  kind: ProbedStream.shape.kind,
  action: z.enum(['encode', 'copy', 'drop']),
  before: StreamSide,
  /** Planned, and once the result was verified, what it really holds; null for one that is dropped. */
  after: StreamSide.nullable(),
  /** What changes, or why it is dropped. */
  note: z.string().nullable(),
});
export type StreamChange = z.infer<typeof StreamChange>;

function sideOf(stream: ProbedStream): StreamSide {
  const { codec, width, height, bitDepth, channels, language, title, bitrateKbps, flags } = stream;
  return { codec, width, height, bitDepth, channels, language, title, bitrateKbps, flags };
}

/** Encoded and dropped streams first, then those that are copied; within each as they stand in the result. */
const ORDER: Record<StreamChange['action'], number> = { encode: 0, drop: 1, copy: 2 };

/** Every stream of a plan before and after, what changes first. `result`: what the verified file really holds. */
export function streamChanges(plan: EncodePlan, result: Probe | null = null): StreamChange[] {
  const outputs = outputStreams(plan);
  const kept = outputs.map(({ planned }, at): StreamChange => {
    const { source, action, note } = planned;
    const real = result?.streams.length === outputs.length ? result.streams[at] : undefined;
    return {
      kind: source.kind,
      action,
      before: sideOf(source),
      after: real ? sideOf(real) : plannedSide(planned, plan),
      note,
    };
  });
  const dropped = plan.dropped.map(({ source, reason }): StreamChange => ({
    kind: source.kind,
    action: 'drop',
    before: sideOf(source),
    after: null,
    note: reason,
  }));
  return [...kept, ...dropped].sort((a, b) => ORDER[a.action] - ORDER[b.action]);
}

function plannedSide({ source, action, codec, channels, bitrateKbps }: PlannedStream, plan: EncodePlan): StreamSide {
  const side = sideOf(source);
  if (action === 'copy') return side;
  const isVideo = source.kind === 'video';
  return {
    ...side,
    codec,
    ...(isVideo
      ? { width: plan.width, height: plan.height, bitDepth: depthOf(plan.pixelFormat) ?? side.bitDepth }
      : {}),
    channels: channels ?? side.channels,
    bitrateKbps,
  };
}

const depthOf = (pixelFormat: string | null): number | null =>
  pixelFormat === null ? null : /1[02]/.test(pixelFormat) ? 10 : 8;
