/** An object as Plex sent it: every field may be absent, or a string where a number is meant. */
export type Raw = Readonly<Record<string, unknown>>;

/** A number, whether it came as one or as text; null for anything else. */
export function toNum(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A whole number; fractions are cut off. Null for anything else, and for what no number can hold exactly. */
export function toInt(value: unknown): number | null {
  const number = toNum(value);
  if (number === null) return null;
  const whole = Math.trunc(number) + 0;
  return Number.isSafeInteger(whole) ? whole : null;
}

/** A whole number that is not negative, 0 when there is none. */
export const toCount = (value: unknown): number => Math.max(0, toInt(value) ?? 0);

/** True for `true`, `1`, `"1"` and `"true"`; absent is false, as Plex leaves out what is false. */
export const toBool = (value: unknown): boolean => value === true || value === 1 || value === '1' || value === 'true';

/** The same, but absent or unreadable is null. */
export function toBoolOrNull(value: unknown): boolean | null {
  if (toBool(value)) return true;
  return value === false || value === 0 || value === '0' || value === 'false' ? false : null;
}

/** Text; numbers become text, empty text and anything else become null. */
export function toStr(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null;
}

const MAX_TEXT_CHARS = 500;

/** Text to be read by people: on one line, and not longer than 500 characters. */
export function toText(value: unknown): string | null {
  const text = toStr(value);
  if (text === null) return null;
  const line = /\p{Cc}/u.test(text) ? text.replace(/\p{Cc}+/gu, ' ').trim() : text;
  // A slice alone would keep the whole of a huge text in memory.
  return line.length > MAX_TEXT_CHARS
    ? Buffer.from(line.slice(0, MAX_TEXT_CHARS)).toString()
    : line === ''
      ? null
      : line;
}

/** An id of Plex as text, null for what cannot be one: ids stand in addresses, and in ids of ours. */
export function toKey(value: unknown): string | null {
  const key = toStr(value);
  return key !== null && /^[A-Za-z0-9][\w-]{0,63}$/.test(key) ? key : null;
}

const LAST_SECOND = 253_402_300_799;

/** Epoch seconds as ISO time; null when absent, 0 or beyond the year 9999. */
export function toIso(value: unknown): string | null {
  const seconds = toNum(value);
  if (seconds === null || seconds <= 0 || seconds > LAST_SECOND) return null;
  return new Date(seconds * 1000).toISOString();
}

const isObject = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The objects of a list; a single object counts as a list of one, anything else as an empty one. */
export function toList(value: unknown): readonly Raw[] {
  if (Array.isArray(value)) return value.every(isObject) ? value : value.filter(isObject);
  return isObject(value) ? [value] : [];
}

/** An object, or the first of a list (XML makes a list of everything). */
export const toObject = (value: unknown): Raw | null => toList(value)[0] ?? null;
