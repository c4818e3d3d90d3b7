import type { PlaySession } from '../domain/plex/media-server.js';
import { toBool, toList, toObject, toStr, type Raw } from './coerce.js';

/**
 * One entry of `/status/sessions`. A transcode names no path: its part id and rating key say which file it holds.
 * Live television holds no file, but somebody watches.
 */
export function toPlaySession(raw: Raw): PlaySession {
  const ratingKey = toStr(raw['ratingKey']) ?? '';
  const isLive = !/^\d+$/.test(ratingKey) || (toStr(raw['key']) ?? '').startsWith('/livetv/');
  const parts = isLive ? [] : playedMedia(raw).flatMap(({ Part }) => toList(Part));
  return {
    ratingKey,
    title: titleOf(raw),
    user: toStr(toObject(raw['User'])?.['title']) ?? '',
    state: stateOf(toObject(raw['Player'])?.['state']),
    fileIds: parts.flatMap(({ id }) => toStr(id) ?? []),
    paths: parts.flatMap(({ file }) => toStr(file) ?? []),
    transcodesVideo: toObject(raw['TranscodeSession'])?.['videoDecision'] === 'transcode',
  };
}

/** The version that plays; all of them when the server does not say which. */
function playedMedia(raw: Raw): readonly Raw[] {
  const all = toList(raw['Media']);
  const selected = all.filter((media) => toBool(media['selected']));
  return selected.length > 0 ? selected : all;
}

function titleOf(raw: Raw): string {
  const title = toStr(raw['title']) ?? '';
  const show = toStr(raw['grandparentTitle']);
  return show === null ? title : `${show} · ${title}`;
}

/** What is unknown counts as playing: it holds the file. */
const stateOf = (state: unknown): PlaySession['state'] =>
  state === 'paused' || state === 'buffering' ? state : 'playing';
