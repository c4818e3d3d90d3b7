import { Parser } from 'xml2js';
import type { Raw } from './coerce.js';

const MAX_ELEMENTS = 500_000;
const MAX_DEPTH = 30;
/** Characters read between two turns of the event loop. */
const CHUNK_CHARACTERS = 16_000;

/** What Plex calls `Metadata` in JSON. */
const ITEMS = new Set(['Video', 'Track', 'Photo', 'Clip', 'Episode']);

interface Element {
  $?: Record<string, string>;
  [child: string]: unknown;
}

/**
 * Reads an XML answer into the shape of the JSON answer: attributes are text fields, children are lists under their
 * name, everything in a library is `Metadata`: films, episodes, and the shows, seasons and collections that XML calls
 * `Directory`, as it does libraries, which have no rating key.
 *
 * Throws an `Error` for anything that is no well-formed, plain XML: no DTD, no entities of its own, no deep nesting.
 */
export async function parseXml(text: string): Promise<Raw> {
  const clean = withoutControls(text);
  checkShape(clean);
  const parser = new Parser({
    async: true,
    chunkSize: CHUNK_CHARACTERS,
    attrkey: '$',
    explicitArray: true,
    explicitRoot: true,
    emptyTag: () => ({}),
  });
  const root = (await parser.parseStringPromise(clean)) as Record<string, unknown> | null;
  return root === null ? {} : Object.fromEntries(Object.entries(root).map(([name, value]) => [name, toRaw(value)]));
}

/** Plex passes on control characters that XML does not allow. */
const withoutControls = (text: string): string => text.replace(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, '');

function toRaw(value: unknown): Raw {
  if (typeof value !== 'object' || value === null) return {};
  const { $: attributes, ...children } = value as Element;
  const raw: Record<string, unknown> = { ...attributes };
  for (const [name, list] of Object.entries(children)) {
    // Assigned, this name would become the object's prototype.
    if (!Array.isArray(list) || name === '__proto__') continue;
    for (const object of list.map(toRaw)) {
      const isTitle = ITEMS.has(name) || (name === 'Directory' && object['ratingKey'] !== undefined);
      const key = isTitle ? 'Metadata' : name;
      const known = raw[key];
      if (Array.isArray(known)) known.push(object);
      else raw[key] = [object];
    }
  }
  return raw;
}

/** One pass over the characters before any object is made. Throws for a DTD, too much, or too deep. */
function checkShape(text: string): void {
  let depth = 0;
  let elements = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const next = text[at + 1];
    if (next === '!' || next === '?') {
      at = endOfSpecial(text, at);
      continue;
    }
    const end = endOfTag(text, at);
    if (next === '/') depth--;
    else {
      if (depth === 0 && elements > 0) throw new Error('XML with more than one root');
      elements++;
      if (text[end - 2] !== '/') depth++;
    }
    if (depth < 0) throw new Error('XML that closes what it did not open');
    if (depth > MAX_DEPTH || elements > MAX_ELEMENTS) throw new Error('XML that is too deep or too large');
    at = end;
  }
}

/** Behind a comment, a CDATA section or a processing instruction. */
function endOfSpecial(text: string, at: number): number {
  const close = text.startsWith('<!--', at) ? '-->' : text.startsWith('<![CDATA[', at) ? ']]>' : '?>';
  if (close === '?>' && text[at + 1] === '!') throw new Error('XML with a document type');
  const end = text.indexOf(close, at + 2);
  if (end === -1) throw new Error('XML that is cut off');
  return end + close.length;
}

/** Behind the `>` of a tag; one inside quotes does not count. */
function endOfTag(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const char = text[at];
    if (char === undefined) throw new Error('XML that is cut off');
    if (char === '>') return at + 1;
    if (char === '"' || char === "'") {
      at = text.indexOf(char, at + 1);
      if (at === -1) throw new Error('XML that is cut off');
    }
    at++;
  }
}
