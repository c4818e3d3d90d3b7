type Json = Record<string, unknown>;

/** What XML calls a directory although JSON does not. */
const FOLDERS: ReadonlySet<unknown> = new Set(['show', 'season', 'collection']);

/** A JSON answer as Plex writes it in XML: fields become attributes, true and false become 1 and 0, lists become elements. */
export function toXml(container: Json): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('MediaContainer', container)}\n`;
}

function element(name: string, fields: Json): string {
  const attributes: string[] = [];
  const children: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    if (Array.isArray(value)) {
      for (const child of value as Json[]) children.push(element(nameOf(key, child), child));
    } else if (typeof value === 'object') children.push(element(key, value as Json));
    else attributes.push(` ${key}="${escape(textOf(value))}"`);
  }
  return `<${name}${attributes.join('')}${children.length === 0 ? ' />' : `>${children.join('')}</${name}>`}`;
}

/** What is `Metadata` in JSON is named after its kind in XML. */
function nameOf(key: string, child: Json): string {
  if (key !== 'Metadata') return key;
  return FOLDERS.has(child['type']) ? 'Directory' : 'Video';
}

function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
