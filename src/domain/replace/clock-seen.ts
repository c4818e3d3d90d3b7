import { z } from 'zod';

/** For so long the clock must go on without a jump before anything is deleted for its age. */
export const STEADY_MS = 86_400_000;

/** What was last seen of the clock, so that a jump over a restart can be told. */
export const ClockSeen = z.object({
  seenAt: z.string().nullable().default(null),
  /** For how long it went on without a jump while the program ran, up to a day. */
  steadyForMs: z.number().nonnegative().default(0),
  /** How far it jumped, ahead or back, before that; 0 once it is trusted again, or when it never jumped. */
  jumpedMs: z.number().default(0),
});
export type ClockSeen = z.infer<typeof ClockSeen>;

/** Why nothing is deleted for its age yet, and until when at least. */
export const PurgeHold = z.object({ reason: z.string(), until: z.string() });
export type PurgeHold = z.infer<typeof PurgeHold>;

/** What a clock that jumped holds up; null when it is trusted, or only has not run for a day yet. */
export function purgeHold({ seenAt, steadyForMs, jumpedMs }: ClockSeen): PurgeHold | null {
  if (seenAt === null || jumpedMs === 0 || steadyForMs >= STEADY_MS) return null;
  const days = Math.max(1, Math.round(Math.abs(jumpedMs) / STEADY_MS));
  const far = `${days} ${days === 1 ? 'day' : 'days'}`;
  const reason =
    jumpedMs < 0
      ? `The clock of this server was set back by ${far}.`
      : `The clock of this server jumped ahead by ${far}, or MediaFlow was off for that long.`;
  return { reason, until: new Date(Date.parse(seenAt) + STEADY_MS - steadyForMs).toISOString() };
}
