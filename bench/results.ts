import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure.js';

/** What was measured, in a file that is written with every figure: whatever breaks off later loses none. */
export class Results {
  readonly measured: Figure[] = [];
  readonly #path: string;
  #all: Figure[];

  constructor(dir: string) {
    this.#path = join(dir, 'results.json');
    this.#all = this.#read();
  }

  /** Says and stores a figure, in the place of an earlier one of that name. */
  add(figure: Figure): void {
    if (this.measured.includes(figure)) return;
    const { id, value, unit, goal, holds, yardstickValue, ratio } = figure;
    console.log(
      `  ${id} ${value} ${unit} (${goal}: ${holds ? 'holds' : 'missed'}; yardstick ${yardstickValue}, ratio ${ratio})`,
    );
    this.measured.push(figure);
    this.#write([...this.#all.filter((other) => other.id !== id), figure]);
  }

  /** Forgets figures of earlier runs: everything was measured anew. */
  dropOthers(): void {
    this.#write(this.measured);
  }

  #write(figures: Figure[]): void {
    this.#all = figures;
    const temp = `${this.#path}.new`;
    writeFileSync(temp, `${JSON.stringify(this.#all, null, 2)}\n`);
    renameSync(temp, this.#path);
  }

  /** Every figure of this run in a table. */
  print(): void {
    console.table(
      this.measured.map(({ id, value, unit, yardstick, yardstickValue, ratio, goal, holds }) => ({
        ...{ id, value: `${value} ${unit}`, goal, holds },
        ...{ yardstick: `${yardstickValue} ${unit}: ${yardstick}`, ratio },
      })),
    );
  }

  #read(): Figure[] {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Figure[];
    } catch {
      return [];
    }
  }
}
