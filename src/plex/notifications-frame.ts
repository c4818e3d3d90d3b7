import type { ServerEvent, TitleKind } from '../domain/library/server-event.js';
import { toInt, toList, toObject, toStr, type Raw } from './coerce.js';

/** Program guides of television use the same frames, in floods. */
const LIBRARY = 'com.plexapp.plugins.library';
const KINDS: Readonly<Record<number, TitleKind>> = { 1: 'movie', 2: 'show', 3: 'season', 4: 'episode' };
/** Steps of the server's work on a title: 0 to 4 are on the way, though without an agent it ends at 1. */
const PROCESSED = 5;
const DELETED = 9;
const PLAY_STATES = ['playing', 'paused', 'buffering', 'stopped'] as const;

/** Reads one text frame of the notification socket. What is not understood, or does not matter here, is no event. */
export function eventsOf(text: string): ServerEvent[] {
  const container = containerOf(text);
  switch (toStr(container?.['type'])) {
    case 'timeline':
      return toList(container?.['TimelineEntry']).flatMap(toTitleEvent);
    case 'playing':
      return toList(container?.['PlaySessionStateNotification']).flatMap(toPlayingEvent);
    case 'status':
      return toList(container?.['StatusNotification']).flatMap(toScanEvent);
    default:
      return [];
  }
}

function containerOf(text: string): Raw | null {
  try {
    return toObject(toObject(JSON.parse(text))?.['NotificationContainer']);
  } catch {
    return null;
  }
}

function toTitleEvent(entry: Raw): ServerEvent[] {
  const ratingKey = toStr(entry['itemID']);
  const state = toInt(entry['state']);
  if (toStr(entry['identifier']) !== LIBRARY || state === null || !isKey(ratingKey)) return [];
  const section = toInt(entry['sectionID']) ?? 0;
  const title = { ratingKey, sectionId: section > 0 ? String(section) : null };
  // What is gone does not always say what it was.
  if (state === DELETED) return [{ type: 'removed', ...title }];
  const kind = KINDS[toInt(entry['type']) ?? -1];
  if (kind === undefined || state < 0 || state > PROCESSED) return [];
  const isFinished = state === PROCESSED;
  const isAnalyzed = isFinished && toStr(entry['mediaState']) !== null;
  return [{ type: 'changed', ...title, kind, updatedAt: toInt(entry['updatedAt']), isFinished, isAnalyzed }];
}

function toPlayingEvent(entry: Raw): ServerEvent[] {
  const ratingKey = toStr(entry['ratingKey']);
  const state = PLAY_STATES.find((known) => known === entry['state']);
  return ratingKey !== null && state !== undefined ? [{ type: 'playing', ratingKey, state }] : [];
}

const toScanEvent = (entry: Raw): ServerEvent[] =>
  toStr(entry['notificationName']) === 'LIBRARY_UPDATE' ? [{ type: 'scanned' }] : [];

/** Library titles have numbers; anything else could address something that is none. */
const isKey = (ratingKey: string | null): ratingKey is string => ratingKey !== null && /^\d{1,18}$/.test(ratingKey);
