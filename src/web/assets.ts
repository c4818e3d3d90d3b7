import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import express, { type RequestHandler, type Router } from 'express';
import staticGzip from 'express-static-gzip';

/** A year: the longest time browsers keep a file without asking. */
const YEAR_SEC = 31_536_000;
const HASH_LETTERS = 16;
/** What lies beside each text, for browsers that take it. */
const COMPRESSED = /\.(?:br|gz)$/;
const HASHED = /^\/assets\/([0-9a-f]+)(\/.*)$/;

/**
 * The files that pages load. Their addresses hold a hash over all of them, so that a browser never asks twice and never
 * mixes two releases; files that name each other by relative addresses share it.
 */
export class Assets {
  readonly #dir: string;
  readonly #hash: string;
  readonly #urlBase: string;
  /** `/app.js`; what is none of them is not looked for on the disk. */
  readonly #paths: ReadonlySet<string>;

  private constructor(dir: string, paths: ReadonlySet<string>, hash: string, urlBase: string) {
    this.#dir = dir;
    this.#paths = paths;
    this.#hash = hash;
    this.#urlBase = urlBase;
  }

  /** Reads every file of `built` below `publicDir` once. Throws when it is not there: nothing was built yet. */
  static async open(publicDir: string, urlBase: string): Promise<Assets> {
    const dir = join(publicDir, 'built');
    const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      throw new Error(`The files of the pages cannot be read. Build them with "node scripts/assets.js".`, {
        cause: error,
      });
    });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const hash = createHash('sha256');
    for (const file of files.sort()) hash.update(file.slice(dir.length)).update(await readFile(file));
    const paths = new Set(
      files.filter((file) => !COMPRESSED.test(file)).map((file) => file.slice(dir.length).replaceAll('\\', '/')),
    );
    return new Assets(dir, paths, hash.digest('hex').slice(0, HASH_LETTERS), urlBase);
  }

  /** The address of a file for a page, such as `/assets/0123456789abcdef/app.js`. */
  urlOf(path: string): string {
    return `${this.#urlBase}/assets/${this.#hash}${path}`;
  }

  /** Answers the files; for ever only under their present address, for a page may be older than the program. */
  serve(): Router {
    const router = express.Router();
    const files = staticGzip(this.#dir, {
      enableBrotli: true,
      orderPreference: ['br', 'gz'],
      index: false,
      serveStatic: { redirect: false, cacheControl: false },
    });
    const serve: RequestHandler = (req, res, next) => {
      const [, hash, path] = HASHED.exec(req.url) ?? [];
      if (!this.#paths.has(path?.split('?')[0] ?? req.path)) {
        next();
        return;
      }
      const isPresent = hash === this.#hash;
      const { url } = req;
      if (path !== undefined) req.url = path;
      res.set('Cache-Control', isPresent ? `public, max-age=${YEAR_SEC}, immutable` : 'public, max-age=0');
      files(req, res, (error?: unknown) => {
        req.url = url;
        res.removeHeader('Cache-Control');
        next(error);
      });
    };
    router.use(serve);
    return router;
  }
}
