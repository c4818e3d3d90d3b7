import type { Request, Response } from 'express';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../actions/library/export.js';
import type { Picture } from '../actions/library/posters.js';
import { fromHttp, statusOf } from './errors.js';
import type { Doors } from './doors.js';
import { perform } from './perform.js';
import type { Route } from './route.js';

const PICTURE_AGE_SEC = 3600;

/** A picture, or a word: nobody reads a page in the place of a picture. */
export async function sendPicture(doors: Doors, route: Route, req: Request, res: Response): Promise<void> {
  try {
    doors.guard.allow(req, route.access);
    doors.guard.checkSource(req);
    const { type, bytes, version } = (await perform(doors, route, req)) as Picture;
    res.set({ ETag: `"${version}"`, 'Cache-Control': `private, max-age=${PICTURE_AGE_SEC}` });
    res.type(type).send(Buffer.from(bytes));
  } catch (error) {
    const refusal = fromHttp(error);
    if (statusOf(refusal) === 500) throw error;
    res.status(statusOf(refusal)).type('text/plain').send(refusal.message);
  }
}

/** A file of any length, piece by piece: it is as large as the library, and memory is not. */
export async function sendDownload(doors: Doors, route: Route, req: Request, res: Response): Promise<void> {
  doors.guard.allow(req, route.access);
  doors.guard.checkSource(req);
  const { fileName, type, pieces } = (await perform(doors, route, req)) as Download;
  res.type(type).attachment(fileName).set('Cache-Control', 'no-store');
  try {
    await pipeline(Readable.from(pieces), res);
  } catch (error) {
    // Who went away in the middle wanted no more; anything else must not look like a whole file.
    if (!res.closed) res.destroy();
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
