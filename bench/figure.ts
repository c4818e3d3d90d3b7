/** One measured figure beside its yardstick, both from the same run. */
export interface Figure {
  id: string;
  what: string;
  value: number;
  unit: string;
  yardstick: string;
  yardstickValue: number;
  /** value / yardstickValue */
  ratio: number;
  goal: string;
  holds: boolean;
}

let listener: ((figure: Figure) => void) | null = null;

/** Hears of every figure of this process as soon as it is measured. */
export function onFigure(hear: (figure: Figure) => void): void {
  listener = hear;
}

/** A measured figure with its ratio. Call it when it is measured, not at the end: it is stored at once. */
export function figure(parts: Omit<Figure, 'ratio'>): Figure {
  const measured = {
    ...parts,
    value: round(parts.value),
    yardstickValue: round(parts.yardstickValue),
    ratio: round(parts.value / parts.yardstickValue),
  };
  listener?.(measured);
  return measured;
}

/** The middle of several measurements. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** So large a share of the measurements is not above it. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

/** Milliseconds a task took. */
export async function timed(task: () => unknown): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

const round = (value: number): number => Number(value.toPrecision(4));
