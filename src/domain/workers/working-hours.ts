import type { WorkingHours } from './worker.js';

/** A moment as the clock on the wall shows it: Sunday is day 0, `minute` counts from midnight. */
export interface WallClock {
  day: number;
  minute: number;
}

/** When hours begin or end next. `inMinutes` is what the clock on the wall will have moved by, not what will have passed. */
export interface HoursChange extends WallClock {
  opens: boolean;
  inMinutes: number;
}

const DAY_MIN = 24 * 60;
const WEEK_MIN = 7 * DAY_MIN;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** A weekday that is also today's could be taken for today, so older moments are told by their date. */
const SIX_DAYS_MS = 6 * DAY_MIN * 60_000;

/** What the wall shows at a date, in the time zone this program runs in. */
export const wallClockOf = (date: Date): WallClock => ({
  day: date.getDay(),
  minute: date.getHours() * 60 + date.getMinutes(),
});

/**
 * Whether a worker may begin something. Hours over midnight belong to the day they begin on, `from` equal to `to` is a
 * whole day from then on, and no hours at all mean always. Only the wall counts: where a clock change skips an hour, hours
 * that lie in it do not happen that night; where one is repeated, they happen twice.
 */
export function isOpen(hours: readonly WorkingHours[], at: WallClock): boolean {
  if (hours.length === 0) return true;
  const now = at.day * DAY_MIN + at.minute;
  return spansOf(hours).some(({ start, lengthMin }) => forward(start, now) < lengthMin);
}

/** When that changes next; null when it never does. */
export function nextChange(hours: readonly WorkingHours[], at: WallClock): HoursChange | null {
  const now = at.day * DAY_MIN + at.minute;
  const isNow = isOpen(hours, at);
  const edges = spansOf(hours).flatMap(({ start, lengthMin }) => [start, (start + lengthMin) % WEEK_MIN]);
  for (const edge of edges.sort((a, b) => forward(now, a) - forward(now, b))) {
    const then = { day: Math.floor(edge / DAY_MIN), minute: edge % DAY_MIN };
    // Where one span ends as the next begins, nothing changes.
    if (isOpen(hours, then) !== isNow) return { ...then, opens: !isNow, inMinutes: forward(now, edge) };
  }
  return null;
}

/** For the owner: `works Mon to Fri 22:00 to 06:00; next 22:00`, `works every day all day`, `works always`. */
export function hoursInWords(hours: readonly WorkingHours[], at: WallClock): string {
  if (hours.length === 0) return 'works always';
  const all = hours.map(({ days, from, to }) => `${daysInWords(days)} ${spanInWords(from, to)}`).join(', and ');
  const change = nextChange(hours, at);
  if (change === null) return `works ${all}`;
  return `works ${all}; ${change.opens ? 'next' : 'until'} ${changeInWords(change, at)}`;
}

/** When a change comes: `22:00` if it is on the same day, else `Mon 22:00`. */
export function changeInWords(change: HoursChange, at: WallClock): string {
  const isToday = change.day === at.day && change.inMinutes < DAY_MIN;
  return isToday ? clockInWords(change.minute) : `${DAYS[change.day] ?? ''} ${clockInWords(change.minute)}`;
}

/** A moment that is past, in local time: `14:02` if it was on the same day, `Tue 14:02` within six days, else `3 Nov`. */
export function pastInWords(date: Date, now: Date): string {
  const { day, minute } = wallClockOf(date);
  if (date.toDateString() === now.toDateString()) return clockInWords(minute);
  if (now.getTime() - date.getTime() < SIX_DAYS_MS) return `${DAYS[day] ?? ''} ${clockInWords(minute)}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''}`;
}

/** Minutes from one moment of the week to another, always forward. */
const forward = (from: number, to: number): number => (to - from + WEEK_MIN) % WEEK_MIN;

function spansOf(hours: readonly WorkingHours[]): { start: number; lengthMin: number }[] {
  return hours.flatMap(({ days, from, to }) => {
    const begin = minutesOf(from);
    const lengthMin = (minutesOf(to) - begin + DAY_MIN) % DAY_MIN || DAY_MIN;
    return days.map((day) => ({ start: day * DAY_MIN + begin, lengthMin }));
  });
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}

const two = (n: number): string => String(n).padStart(2, '0');
const clockInWords = (minute: number): string => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;

function spanInWords(from: string, to: string): string {
  if (from !== to) return `${from} to ${to}`;
  return from === '00:00' ? 'all day' : `from ${from} for a whole day`;
}

/** `every day`, `Mon to Fri`, `Sat and Sun`, `Mon, Wed and Fri`; the week begins on Monday. */
function daysInWords(days: readonly number[]): string {
  const sorted = [...new Set(days)].sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
  if (sorted.length === 7) return 'every day';
  const names = sorted.map((day) => DAYS[day] ?? '');
  const [first = '', last = ''] = [names[0], names.at(-1)];
  const isRow = sorted.every((day, i) => i === 0 || day === ((sorted[i - 1] ?? 0) + 1) % 7);
  if (isRow && names.length > 2) return `${first} to ${last}`;
  return names.length === 1 ? first : `${names.slice(0, -1).join(', ')} and ${last}`;
}
