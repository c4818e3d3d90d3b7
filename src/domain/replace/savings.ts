/** One replacement as it counts: a receipt, cut down to what sums are made of. */
export interface Replacement {
  jobId: string;
  presetId: string;
  /** Null when no rule asked for it. */
  ruleId: string | null;
  workerId: string;
  /** When the file was replaced, milliseconds since 1970. */
  atMs: number;
  beforeBytes: number;
  afterBytes: number;
}

/** Files that were replaced and still are. */
export interface Saved {
  files: number;
  /** What these files took before. */
  beforeBytes: number;
  /** By how much they are smaller; negative where they grew. */
  freedBytes: number;
}

/** By what savings are told apart. */
export type SavedBy = 'preset' | 'rule' | 'worker';
const KINDS: readonly SavedBy[] = ['preset', 'rule', 'worker'];

/** What a job's replacement freed, bytes; `restored` when it was taken back, null for a job that replaced nothing. */
export type SavedByJob = number | 'restored' | null;

export const NOTHING_SAVED: Readonly<Saved> = { files: 0, beforeBytes: 0, freedBytes: 0 };

/** Freed bytes as a share of what the files took before; 0 to 100 (negative where files grew), not rounded. */
export const savedPercent = ({ beforeBytes, freedBytes }: Saved): number =>
  beforeBytes > 0 ? (freedBytes / beforeBytes) * 100 : 0;

const DAY_MS = 86_400_000;

/** A sum, and the sums of the days (UTC) it is made of. */
interface Sheet {
  total: Saved;
  byDay: Map<number, Saved>;
}
const newSheet = (): Sheet => ({ total: { ...NOTHING_SAVED }, byDay: new Map() });
const dayOf = ({ atMs }: Pick<Replacement, 'atMs'>): number => Math.floor(atMs / DAY_MS);
const keyOf = (kind: SavedBy, { presetId, ruleId, workerId }: Replacement): string | null =>
  ({ preset: presetId, rule: ruleId, worker: workerId })[kind];

function addTo(sum: Saved, { beforeBytes, afterBytes }: Replacement, sign: 1 | -1): Saved {
  sum.files += sign;
  sum.beforeBytes += sign * beforeBytes;
  sum.freedBytes += sign * (beforeBytes - afterBytes);
  return sum;
}

function join(sum: Saved, { files, beforeBytes, freedBytes }: Saved): void {
  sum.files += files;
  sum.beforeBytes += beforeBytes;
  sum.freedBytes += freedBytes;
}

/** Adds replacements up, in all and by preset, rule, worker and time. Adding and taking away cost the same, however many there are. */
export class SavingsTally {
  readonly #all = newSheet();
  readonly #sheets: Record<SavedBy, Map<string, Sheet>> = { preset: new Map(), rule: new Map(), worker: new Map() };
  /** The replacements of each day, for periods that begin or end within one. */
  readonly #days = new Map<number, Set<Replacement>>();

  add(replacement: Replacement): void {
    const day = dayOf(replacement);
    const others = this.#days.get(day);
    if (others) others.add(replacement);
    else this.#days.set(day, new Set([replacement]));
    this.#count(replacement, 1);
  }

  /** Takes one away that was added: the very same object. */
  remove(replacement: Replacement): void {
    const day = dayOf(replacement);
    const others = this.#days.get(day);
    if (!others?.delete(replacement)) return;
    if (others.size === 0) this.#days.delete(day);
    this.#count(replacement, -1);
  }

  total(): Saved {
    return { ...this.#all.total };
  }

  /** Those of one preset, rule or worker. */
  of(kind: SavedBy, key: string): Saved {
    return { ...(this.#sheets[kind].get(key)?.total ?? NOTHING_SAVED) };
  }

  /** From a moment on and before another, milliseconds since 1970; of one preset, rule or worker when it is named. */
  between(fromMs: number, untilMs: number, within?: { kind: SavedBy; key: string }): Saved {
    const sum = { ...NOTHING_SAVED };
    const sheet = within ? this.#sheets[within.kind].get(within.key) : this.#all;
    for (const [day, saved] of sheet?.byDay ?? []) {
      const [startMs, endMs] = [day * DAY_MS, (day + 1) * DAY_MS];
      if (startMs >= fromMs && endMs <= untilMs) join(sum, saved);
      else if (endMs > fromMs && startMs < untilMs)
        for (const replacement of this.#days.get(day) ?? []) {
          const isMeant = !within || keyOf(within.kind, replacement) === within.key;
          if (isMeant && replacement.atMs >= fromMs && replacement.atMs < untilMs) addTo(sum, replacement, 1);
        }
    }
    return sum;
  }

  /** By month (UTC), such as `2026-03`, oldest first; months in which nothing was replaced are left out. */
  byMonth(): (Saved & { month: string })[] {
    const months = new Map<string, Saved>();
    for (const [day, saved] of [...this.#all.byDay].sort(([a], [b]) => a - b)) {
      if (Number.isNaN(day)) continue;
      const month = new Date(day * DAY_MS).toISOString().slice(0, 7);
      const sum = months.get(month) ?? { ...NOTHING_SAVED };
      join(sum, saved);
      months.set(month, sum);
    }
    return [...months].map(([month, saved]) => ({ month, ...saved }));
  }

  #count(replacement: Replacement, sign: 1 | -1): void {
    countIn(this.#all, replacement, sign);
    for (const kind of KINDS) {
      const key = keyOf(kind, replacement);
      if (key === null) continue;
      const sheets = this.#sheets[kind];
      const sheet = sheets.get(key) ?? newSheet();
      countIn(sheet, replacement, sign);
      if (sheet.total.files > 0) sheets.set(key, sheet);
      else sheets.delete(key);
    }
  }
}

function countIn({ total, byDay }: Sheet, replacement: Replacement, sign: 1 | -1): void {
  addTo(total, replacement, sign);
  const day = dayOf(replacement);
  const sum = addTo(byDay.get(day) ?? { ...NOTHING_SAVED }, replacement, sign);
  if (sum.files > 0) byDay.set(day, sum);
  else byDay.delete(day);
}
