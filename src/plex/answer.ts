import { isUtf8 } from 'node:buffer';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import { toInt, toList, toNum, toObject, type Raw } from './coerce.js';
import { badAnswer, cleanText } from './failure.js';
import { parseJson } from './json.js';
import { parseXml } from './xml.js';

const LARGE_BYTES = 200_000;

/**
 * Reads the body of a successful answer into its `MediaContainer`: JSON or XML, by content type, else by its first
 * character. Throws `plex_bad_answer` for a sign-in page, half an answer, or anything Plex would not send.
 */
export async function readContainer(body: Buffer, contentType: string, token: string): Promise<Raw> {
  // What it took to receive a large answer, and what it takes to parse it, are two turns of the event loop.
  if (body.length > LARGE_BYTES) await new EventLoopYield().pause();
  if (!isUtf8(body)) throw badAnswer('it is not written in UTF-8');
  const decoded = body.toString();
  const text = decoded.startsWith('\uFEFF') ? decoded.slice(1) : decoded;
  const format = formatOf(text, contentType);
  if (format === 'html') throw badAnswer('a web page came instead, as from a sign-in page or a proxy in between');
  if (format === 'none') throw badAnswer(text.trim() === '' ? 'it is empty' : 'it is neither JSON nor XML');
  let root: unknown;
  try {
    root = await (format === 'json' ? parseJson(text) : parseXml(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badAnswer(
      `its ${format === 'json' ? 'JSON' : 'XML'} is damaged or cut off`,
      new Error(cleanText(reason, token)),
    );
  }
  const container = toObject(toObject(root)?.['MediaContainer']);
  if (container === null) throw badAnswer('there is no MediaContainer in it');
  return container;
}

/** The items of an answer. Throws `plex_bad_answer` when there are fewer than the answer itself says. */
export function itemsOf(container: Raw): readonly Raw[] {
  const items = listOf(container, 'Metadata');
  const directories = listOf(container, 'Directory').length;
  if ((countOf(container, 'size') ?? 0) > items.length + directories)
    throw badAnswer('it holds fewer entries than it says');
  return items;
}

/** The libraries of an answer, under the same conditions. */
export function directoriesOf(container: Raw): readonly Raw[] {
  const directories = listOf(container, 'Directory');
  if ((countOf(container, 'size') ?? 0) > directories.length) throw badAnswer('it holds fewer libraries than it says');
  return directories;
}

/** How many entries an answer says there are; null when it does not say. Throws `plex_bad_answer` for what is no count. */
export function countOf(container: Raw, name: 'size' | 'totalSize'): number | null {
  const value = container[name];
  if (value === undefined || value === null || value === '') return null;
  const count = toInt(value);
  if (count === null || count < 0 || count !== toNum(value)) throw badAnswer(`its ${name} is no count`);
  return count;
}

function listOf(container: Raw, name: 'Metadata' | 'Directory'): readonly Raw[] {
  const value = container[name];
  const list = toList(value);
  const isPlain = Array.isArray(value) ? list.length === value.length : list.length === 1;
  if (value !== undefined && value !== null && !isPlain) throw badAnswer(`its ${name} is no list of entries`);
  return list;
}

function formatOf(text: string, contentType: string): 'json' | 'xml' | 'html' | 'none' {
  const start = text.trimStart().slice(0, 20).toLowerCase();
  if (start === '') return 'none';
  if (start.startsWith('<!doctype html') || start.startsWith('<html')) return 'html';
  if (contentType.includes('json')) return 'json';
  if (contentType.includes('xml') && start.startsWith('<')) return 'xml';
  if (contentType.includes('html')) return 'html';
  if (start.startsWith('{')) return 'json';
  return start.startsWith('<?xml') || start.startsWith('<mediacontainer') ? 'xml' : 'none';
}
