import { STEADY_MS, type ClockSeen } from '../../domain/replace/clock-seen.js';

const DAY_MS = 86_400_000;

/** Where the last sight of the clock is kept over restarts. */
export interface ClockMemory {
  value: ClockSeen;
  put(value: ClockSeen): Promise<unknown>;
}

/**
 * Tells whether the clock can be trusted with what cannot be undone: it has gone on like a clock that nobody can set for a
 * whole day of running, without a jump of more than a day in either direction. A start after more than a day counts as a
 * jump, for from inside the one looks like the other.
 */
export class ClockWatch {
  readonly #memory: ClockMemory;
  readonly #nowMs: () => number;
  readonly #steadyMs: () => number;
  /** What the steady clock said at the last look; null before the first. */
  #lookedAtMs: number | null = null;

  /** `steadyMs` counts milliseconds and cannot be set. */
  constructor(memory: ClockMemory, clocks: { nowMs: () => number; steadyMs: () => number }) {
    this.#memory = memory;
    this.#nowMs = clocks.nowMs;
    this.#steadyMs = clocks.steadyMs;
  }

  /** Looks at the clock and notes what it saw. Answers for how long the clock must still stay steady, 0 when it is trusted. */
  async look(): Promise<{ leftMs: number; jumpedMs: number }> {
    const { seenAt, steadyForMs, jumpedMs: jumpedBefore } = this.#memory.value;
    const [nowMs, steadyMs] = [this.#nowMs(), this.#steadyMs()];
    const ranMs = this.#lookedAtMs === null ? 0 : steadyMs - this.#lookedAtMs;
    const jumpedMs = seenAt === null ? 0 : nowMs - Date.parse(seenAt) - ranMs;
    const hasJumped = Math.abs(jumpedMs) > DAY_MS;
    const forMs = hasJumped ? 0 : Math.min(STEADY_MS, steadyForMs + ranMs);
    this.#lookedAtMs = steadyMs;
    const lastJumpMs = hasJumped ? jumpedMs : forMs < STEADY_MS ? jumpedBefore : 0;
    await this.#memory.put({ seenAt: new Date(nowMs).toISOString(), steadyForMs: forMs, jumpedMs: lastJumpMs });
    return { leftMs: STEADY_MS - forMs, jumpedMs: hasJumped ? jumpedMs : 0 };
  }
}
