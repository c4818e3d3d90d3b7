import { toKey, toStr, type Raw } from './coerce.js';
import { badAnswer } from './failure.js';

/**
 * Whether an entry of a library's listing is what was asked for; a collection, say, is passed over.
 * Throws `plex_bad_answer` for what cannot be told, as nothing may count as gone because of it.
 */
export function isWanted(raw: Raw, section: { key: string; type: 'movie' | 'show' }): boolean {
  if (toKey(raw['ratingKey']) === null) throw badAnswer('an entry of a list has no id that can be one');
  checkSection(raw, section.key);
  const type = toStr(raw['type']);
  if (type === null) throw badAnswer('an entry of a list does not say what it is');
  if (type === (section.type === 'movie' ? 'movie' : 'episode')) return true;
  if (type === 'movie' || type === 'episode') throw badAnswer('it lists other titles than were asked for');
  return false;
}

/** Throws `plex_bad_answer` when an answer, or an entry of it, names another library than the one that was asked for. */
export function checkSection(raw: Raw, key: string): void {
  const named = raw['librarySectionID'];
  if (named !== undefined && named !== null && toStr(named) !== key)
    throw badAnswer('it lists the titles of another library');
}

/** Throws `plex_bad_answer` for libraries that cannot be told apart. */
export function checkLibraries(directories: readonly Raw[]): void {
  const keys = new Set<string>();
  for (const raw of directories) {
    const key = toKey(raw['key']);
    if (key === null || toStr(raw['type']) === null) throw badAnswer('a library has no id or kind that can be one');
    if (keys.has(key)) throw badAnswer('two libraries have one id');
    keys.add(key);
  }
}

/** The entries of a detail answer that were asked for. Throws `plex_bad_answer` when one comes twice, or is in no library. */
export function askedFor(items: readonly Raw[], keys: readonly string[], sectionId: unknown): Raw[] {
  const asked = new Set(keys);
  const found = new Set<string>();
  const wanted: Raw[] = [];
  for (const raw of items) {
    const key = toKey(raw['ratingKey']) ?? '';
    if (!asked.has(key)) continue;
    if (found.has(key)) throw badAnswer('it describes one title twice');
    found.add(key);
    const section = raw['librarySectionID'] ?? sectionId;
    if (toKey(section) === null) throw badAnswer('it does not say which library a title is in');
    wanted.push({ ...raw, librarySectionID: section });
  }
  return wanted;
}
