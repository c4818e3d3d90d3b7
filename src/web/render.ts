import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { AppError } from '../domain/errors.js';
import type { Assets } from './assets.js';
import { viewHelpers } from './view-helpers.js';

/** What every page needs beside its own data. */
export interface PageFrame {
  title: string;
  /** The menu entry that is lit. */
  section: string;
  csrfToken: string;
  urlBase: string;
  theme: 'dark' | 'light' | 'auto';
  /** What the last form did, said once. */
  notice: string | null;
  /** The menu's counts, the lines above the page and what runs; null while nobody is signed in. */
  shell: object | null;
}

type KnownHelpers = NonNullable<CompileOptions['knownHelpers']>;

/** The templates of a folder. Everything they print is escaped; there is no way around it but the layout's own body. */
export class Views {
  readonly #handlebars = Handlebars.create();
  readonly #views = new Map<string, HandlebarsTemplateDelegate>();
  /** Named while compiling, so that no template looks for them at each call. */
  readonly #known: KnownHelpers;

  private constructor(urlBase: string, assets: Assets) {
    const helpers = viewHelpers(urlBase) as Record<string, Handlebars.HelperDelegate>;
    this.#handlebars.registerHelper(helpers);
    this.#known = Object.fromEntries(Object.keys(helpers).map((name) => [name, true]));
    this.#handlebars.registerHelper('asset', (path: string) => assets.urlOf(path));
  }

  /** Reads and compiles every `.hbs` file below `dir`. Throws when the folder cannot be read. */
  static async open(dir: string, urlBase: string, assets: Assets): Promise<Views> {
    const views = new Views(urlBase, assets);
    const files = (await readdir(dir, { recursive: true })).filter((file) => file.endsWith('.hbs'));
    for (const file of files) {
      const source = await readFile(join(dir, file), 'utf8');
      views.add(file.replaceAll('\\', '/').replace(/\.hbs$/, ''), source);
    }
    return views;
  }

  /** Adds a template under a name; other templates may include it by that name. */
  add(name: string, source: string): void {
    // An indent before a partial would be written into every line of it, text areas included.
    const template = this.#handlebars.compile(source, { preventIndent: true, knownHelpers: this.#known });
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
