import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { AppError } from '../domain/errors.js';
import { formatBitrate, formatBytes, formatDuration } from '../lib/units.js';

/** What every page needs beside its own data. */
export interface PageFrame {
  title: string;
  /** The menu entry that is lit. */
  section: string;
  /** Counts beside the menu; null while nobody is signed in. */
  nav: Record<string, number> | null;
  csrfToken: string;
  urlBase: string;
  strip: string | null;
  version: string | null;
}

const ifNumber =
  (format: (value: number) => string) =>
  (value: unknown): string =>
    typeof value === 'number' && Number.isFinite(value) ? format(value) : '';

/** `2026-03-01 12:05` in the machine's time zone. */
function formatDate(value: unknown): string {
  const date = typeof value === 'string' || typeof value === 'number' ? new Date(value) : null;
  if (date === null || Number.isNaN(date.getTime())) return '';
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The templates of a folder. Everything they print is escaped; there is no way around it but the layout's own body. */
export class Views {
  readonly #handlebars = Handlebars.create();
  readonly #views = new Map<string, HandlebarsTemplateDelegate>();

  private constructor(urlBase: string) {
    this.#handlebars.registerHelper({
      // A path of ours and nothing else: no scheme, no other host.
      url: (path: unknown) => (typeof path === 'string' && /^\/(?![/\\])/.test(path) ? urlBase + path : '#'),
      eq: (a: unknown, b: unknown) => a === b,
      bytes: ifNumber(formatBytes),
      bitrate: ifNumber(formatBitrate),
      duration: ifNumber(formatDuration),
      date: formatDate,
    });
  }

  /** Reads and compiles every `.hbs` file below `dir`. Throws when the folder cannot be read. */
  static async open(dir: string, urlBase: string): Promise<Views> {
    const views = new Views(urlBase);
    const files = (await readdir(dir, { recursive: true })).filter((file) => file.endsWith('.hbs'));
    for (const file of files) {
      const source = await readFile(join(dir, file), 'utf8');
      views.add(file.replaceAll('\\', '/').replace(/\.hbs$/, ''), source);
    }
    return views;
  }

  /** Adds a template under a name; other templates may include it by that name. */
  add(name: string, source: string): void {
    const template = this.#handlebars.compile(source);
    this.#views.set(name, template);
    this.#handlebars.registerPartial(name, template);
  }

  /** A template alone, for htmx. Throws `internal` for an unknown name. */
  fragment(view: string, data: object, page: PageFrame): string {
    const template = this.#views.get(view);
    if (!template) throw new AppError('internal', `There is no view ${view}`);
    return template({ ...data, page });
  }

  /** A whole page. */
  page(view: string, data: object, page: PageFrame): string {
    const body = new this.#handlebars.SafeString(this.fragment(view, data, page));
    return this.fragment('layouts/main', { body }, page);
  }
}
