import { Assets } from './assets.js';
import { Views } from './render.js';

/** What pages are made of: their templates, and the files that they load. */
export interface PageFiles {
  assets: Assets;
  views: Views;
}

/** Reads all of them. Throws when a folder cannot be read. */
export async function openPageFiles(options: {
  viewsDir: string;
  publicDir: string;
  urlBase: string;
}): Promise<PageFiles> {
  const assets = await Assets.open(options.publicDir, options.urlBase);
  return { assets, views: await Views.open(options.viewsDir, options.urlBase, assets) };
}
