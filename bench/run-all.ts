import { onFigure, type Figure } from './figure.js';
import { Results } from './results.js';

/**
 * Runs benchmarks one after the other. One that breaks off loses neither what it measured before nor the others. Answers the exit code:
 * 1 when a figure missed its goal, 2 when a benchmark broke off.
 */
export async function runAll(
  benches: Record<string, () => Promise<Figure[]>>,
  { only, dir }: { only: readonly string[] | undefined; dir: string },
): Promise<number> {
  const results = new Results(dir);
  onFigure((figure) => {
    results.add(figure);
  });
  const broken: string[] = [];
  for (const [id, bench] of Object.entries(benches)) {
    if (only && !only.includes(id)) continue;
    console.log(`> ${id}`);
    try {
      for (const figure of await bench()) results.add(figure);
    } catch (error) {
      broken.push(id);
      console.error(`  ${id} broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  if (!only && broken.length === 0) results.dropOthers();
  results.print();
  const missed = results.measured.filter(({ holds }) => !holds).map(({ id }) => id);
  const count = `${results.measured.length} figures, ${missed.length} missed their goal, ${broken.length} benchmarks broke off`;
  console.log([count, ...missed, ...broken].join(' '));
  if (broken.length > 0) return 2;
  return missed.length > 0 ? 1 : 0;
}
