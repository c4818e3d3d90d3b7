import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { AppError } from '../domain/errors.js';
import type { Assets } from './assets.js';
import { foldConstants, type Constants } from './fold-constants.js';
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
  /** Up to which event it is true. */
  since: string;
  /** The menu's counts, the lines above the page and what runs; null while nobody is signed in. */
  shell: object | null;
}

/** Templates that read nothing but what they are given; they are added first. */
const CLOSED = ['shared/icon', 'shared/mark'];

type KnownHelpers = NonNullable<CompileOptions['knownHelpers']>;

/** The templates of a folder. Everything they print is escaped; there is no way around it but the layout's own body. */
export class Views {
  readonly #handlebars = Handlebars.create();
  readonly #views = new Map<string, HandlebarsTemplateDelegate>();
  /** Named while compiling, so that no template looks for them at each call. */
  readonly #known: KnownHelpers;
  readonly #constants: Constants;

  private constructor(urlBase: string, assets: Assets) {
    const asset = (path: string): string => assets.urlOf(path);
    const helpers = { ...viewHelpers(urlBase), asset } as Record<string, Handlebars.HelperDelegate>;
    this.#handlebars.registerHelper(helpers);
    this.#known = Object.fromEntries(Object.keys(helpers).map((name) => [name, true]));
    const { url, href } = helpers as Record<'url' | 'href', Handlebars.HelperDelegate>;
    const alone = (name: string) => (given: object) => this.#views.get(name)?.(given) ?? '';
    this.#constants = {
      helpers: { url, href, asset } as Constants['helpers'],
      partials: Object.fromEntries(CLOSED.map((name) => [name, alone(name)])),
    };
  }

  /** Reads and compiles every `.hbs` file below `dir`. Throws when the folder cannot be read. */
  static async open(dir: string, urlBase: string, assets: Assets): Promise<Views> {
    const views = new Views(urlBase, assets);
    const files = (await readdir(dir, { recursive: true })).filter((file) => file.endsWith('.hbs'));
    const isClosed = (file: string): boolean => CLOSED.some((name) => file === `${name}.hbs`);
    for (const file of files.sort((a, b) => Number(isClosed(b)) - Number(isClosed(a)))) {
      const source = await readFile(join(dir, file), 'utf8');
      views.add(file.replaceAll('\\', '/').replace(/\.hbs$/, ''), source);
    }
    return views;
  }

  /** Adds a template under a name; other templates may include it by that name. */
  add(name: string, source: string): void {
    // An indent before a partial would be written into every line of it, text areas included.
    const folded = foldConstants(source, this.#constants);
    const template = this.#handlebars.compile(folded, { preventIndent: true, knownHelpers: this.#known });
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
    return this.fragment('shared/layout', { body }, page);
  }
}
