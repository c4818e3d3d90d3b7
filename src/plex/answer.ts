import { Breather } from '../lib/breather.js';
import { toInt, toList, toObject, type Raw } from './coerce.js';
import { badAnswer, cleanText } from './failure.js';
import { parseXml } from './xml.js';

const LARGE_CHARS = 200_000;

/**
 * Reads the body of a successful answer into its `MediaContainer`: JSON or XML, by content type, else by its first
 * character. Throws `plex_bad_answer` for a sign-in page, half an answer, or anything Plex would not send.
 */
export async function readContainer(body: string, contentType: string, token: string): Promise<Raw> {
  // What it took to receive a large answer, and what it takes to parse it, are two turns of the event loop.
  if (body.length > LARGE_CHARS) await new Breather().pause();
  const text = body.startsWith('\uFEFF') ? body.slice(1) : body;
  const format = formatOf(text, contentType);
  if (format === 'html') throw badAnswer('a web page came instead, as from a sign-in page or a proxy in between');
  if (format === 'none') throw badAnswer(text.trim() === '' ? 'it is empty' : 'it is neither JSON nor XML');
  let root: unknown;
  try {
    root = format === 'json' ? JSON.parse(text) : await parseXml(text);
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
  const items = toList(container['Metadata']);
  const directories = toList(container['Directory']).length;
  if ((toInt(container['size']) ?? 0) > items.length + directories)
    throw badAnswer('it holds fewer entries than it says');
  return items;
}

function formatOf(text: string, contentType: string): 'json' | 'xml' | 'html' | 'none' {
  const start = text.slice(0, 200).trimStart().toLowerCase();
  if (start.startsWith('<!doctype html') || start.startsWith('<html')) return 'html';
  if (contentType.includes('json')) return start === '' ? 'none' : 'json';
  if (contentType.includes('xml') && start.startsWith('<')) return 'xml';
  if (contentType.includes('html')) return 'html';
  if (start.startsWith('{')) return 'json';
  return start.startsWith('<?xml') || start.startsWith('<mediacontainer') ? 'xml' : 'none';
}
