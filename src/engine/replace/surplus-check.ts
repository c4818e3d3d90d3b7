import { AppError, conflict } from '../../domain/errors.js';
import { isFinished, type Fingerprint } from '../../domain/jobs/job.js';
import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import type { MediaFile } from '../../domain/library/media.js';
import { mainVideo } from '../../domain/jobs/probe.js';
import { probe } from '../../ffmpeg/probe.js';
import { sampleFile } from '../../ffmpeg/samples.js';
import { fingerprint } from '../../files/fingerprint.js';
import { prepareHidden } from '../../files/places.js';
import type { QueueParts } from '../jobs/parts.js';
import { holds, type Viewers } from '../jobs/viewers.js';
import { keepsBeside, rootOf } from '../jobs/work-folder.js';

/** A copy that stays must be as long as the server says, but for so much. */
const DURATION_TOLERANCE = 0.02;
/** Where a picture must be there, as shares of the film. */
const LOOKED_AT = [0.02, 0.25, 0.5, 0.75, 0.95];

/** A file of a title, and where it lies here. */
export interface Copy {
  item: LibraryItem;
  file: MediaFile;
  path: string;
}

/**
 * Looks for everything that could make setting a copy aside a loss or a surprise, at this very moment. Resolves with the
 * media root of the surplus copy and what both files are. Throws why it must not be moved.
 */
export async function checkSurplus(
  parts: QueueParts,
  viewers: Viewers,
  { surplus, stays, signal }: { surplus: Copy; stays: Copy; signal: AbortSignal },
): Promise<{ root: string; surplusPrint: Fingerprint; staysPrint: Fingerprint }> {
  const settings = parts.store.settings.value;
  const root = await rootOf(surplus.path, settings);
  await rootOf(stays.path, settings);
  const [surplusPrint, staysPrint] = await Promise.all([fingerprint(surplus.path), fingerprint(stays.path)]);
  if (surplusPrint.sizeBytes !== surplus.file.sizeBytes || staysPrint.sizeBytes !== stays.file.sizeBytes) {
    throw new AppError(
      'file_changed',
      'Plex describes other files than those on disk. Sync the library, then try again.',
    );
  }
  refuseLinks(surplusPrint, staysPrint, settings.safety.skipHardLinks);
  refuseJobs(parts, [surplus.path, stays.path]);
  await refuseShared(parts, surplus);
  await refuseDamaged(parts, stays, signal);
  await refuseViewers(parts, viewers, surplus, signal);
  if (keepsBeside(root, settings)) await prepareHidden(root);
  return { root, surplusPrint, staysPrint };
}

function refuseLinks(surplus: Fingerprint, stays: Fingerprint, skipHardLinks: boolean): void {
  if (surplus.dev === stays.dev && surplus.ino === stays.ino)
    throw new AppError(
      'file_linked',
      'Both versions are one file under two names: moving one away would free nothing.',
    );
  if (!skipHardLinks || surplus.nlink === 1) return;
  throw new AppError(
    'file_linked',
    `The file has ${surplus.nlink} names (hard links): moving one away would free nothing.`,
  );
}

function refuseJobs({ store }: QueueParts, paths: readonly string[]): void {
  const [job] = store.jobs.where(({ sourcePath, state }) => paths.includes(sourcePath) && !isFinished(state));
  if (job) throw conflict(`A job for one of the versions is ${job.state}. Wait for it, or cancel it.`);
}

/** One file may hold two episodes; the server then lists it under both. */
async function refuseShared({ store }: QueueParts, { item, file }: Copy): Promise<void> {
  const isShared = ({ id, serverId, files }: LibraryItem): boolean =>
    id !== item.id && serverId === item.serverId && files.some(({ path }) => path === file.path);
  await store.library.each((other) => {
    if (isShared(other)) throw conflict(`The same file is also ${displayTitle(other)}. It was not moved.`);
  });
}

/** Not every frame is decoded, which takes as long as an encode; a file that was cut off or lies in ruins is found. */
async function refuseDamaged(parts: QueueParts, copy: Copy, signal: AbortSignal): Promise<void> {
  await parts.remoteSources.here(copy.path, signal, (here) => refuseDamagedHere(parts, copy, here, signal));
}

async function refuseDamagedHere(
  { tools }: QueueParts,
  { path, file }: Copy,
  here: string,
  signal: AbortSignal,
): Promise<void> {
  const { ffmpeg, ffprobe } = tools;
  const seen = await probe(here, { ffprobe, signal });
  const { durationSec, container } = seen;
  const expectedSec = file.durationMs / 1000;
  const refuse = (why: string): AppError =>
    new AppError(
      'verify_failed',
      `The version that would stay, ${path}, ${why}: it may be damaged. Nothing was moved.`,
    );
  if (durationSec === null || Math.abs(durationSec - expectedSec) > expectedSec * DURATION_TOLERANCE + 1)
    throw refuse('is not as long as Plex says');
  const video = mainVideo(seen);
  if (video === null) throw refuse('holds no video');
  for (const share of LOOKED_AT) {
    const atSec = durationSec * share;
    const picture = { stream: video.index, fromSec: atSec, count: 1 };
    const moment = { atSec, video: picture, audio: { streams: [], lengthSec: 0 } };
    const { pictures } = await sampleFile(here, moment, { ffmpeg, container, signal });
    if (pictures.length === 0) throw refuse(`shows no picture at ${Math.round(share * 100)} %`);
  }
}

async function refuseViewers(
  { store }: QueueParts,
  viewers: Viewers,
  { item, file, path }: Copy,
  signal: AbortSignal,
): Promise<void> {
  const { serverId, ratingKey } = item;
  const watched = { serverId, ratingKey, fileId: file.id, serverPath: file.path, localPath: path };
  const watching = holds(await viewers.now(signal), watched, (id) => store.servers.mappingsOf(id));
  if (watching)
    throw new AppError('file_in_use', `${watching.user || 'Somebody'} is watching it. Try again when they are done.`);
}
