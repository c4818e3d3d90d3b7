import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Section } from '../../domain/library/library.js';
import { PathProof } from '../../domain/settings/path-proof.js';
import { isInside, toLocalPath, type PathMapping } from '../../domain/settings/paths.js';
import type { Context } from '../action.js';

/** A folder as Plex sees it and as this machine does, with what proves it. */
export const ProvedMapping = z.object({
  from: z.string(),
  to: z.string(),
  proof: PathProof.nullable(),
  /** Of some files that Plex lists below the folder, how many lie there with their size. Null when Plex lists none. */
  seen: z.object({ matched: z.int(), of: z.int() }).nullable(),
});
export type ProvedMapping = z.infer<typeof ProvedMapping>;

/** A file that Plex lists. */
interface Listed {
  path: string;
  sizeBytes: number;
}

const SAMPLES_PER_FOLDER = 6;

/** What is known, with its proof; else every folder of the server's libraries with where its files were found on this machine. */
export async function suggestMappings(ctx: Context): Promise<ProvedMapping[]> {
  const known = ctx.store.settings.value.paths.mappings;
  const folders = await sampleFolders(ctx);
  if (known.length > 0) {
    const samples = [...folders.values()].flat();
    return Promise.all(
      known.map(async ({ from, to }) => ({
        from,
        to,
        proof: await ctx.verifyPath(to),
        seen: await seenIn(ctx, { from, to }, samples),
      })),
    );
  }
  const pairs = new Map<string, ProvedMapping>();
  for (const [folder, samples] of folders) {
    const found = await ctx.findFolder(folder, samples);
    const pair = found ?? { from: folder, to: isAbsolute(folder) ? folder : '' };
    const before = pairs.get(pair.from);
    // Two libraries of one parent: their files prove it together.
    const files = [...(before ? samplesBelow(pair.from, [...folders.values()].flat()) : samples)];
    const proof = found ? await ctx.verifyPath(pair.to) : null;
    pairs.set(pair.from, { ...pair, proof, seen: await seenIn(ctx, pair, files) });
  }
  const all = [...pairs.values()];
  // A library without files lies where its neighbours do.
  const isCovered = (pair: ProvedMapping): boolean =>
    all.some((other) => other !== pair && other.proof !== null && isInside(pair.from, other.from));
  const asked = all.filter((pair) => pair.proof !== null || !isCovered(pair));
  return asked.length > 0 ? asked : [{ from: '', to: '', proof: null, seen: null }];
}

/** Folders of which Plex lists files, but not one of those lies where the mapping says. */
export async function wrongFolders(ctx: Context, mappings: readonly PathMapping[]): Promise<string[]> {
  const samples = [...(await sampleFolders(ctx)).values()].flat();
  const checked = await Promise.all(
    mappings.map(async (pair) => {
      const seen = await seenIn(ctx, pair, samples);
      if (seen === null || seen.matched > 0) return null;
      return `None of ${seen.of} files that Plex has in ${pair.from} lies in ${pair.to}.`;
    }),
  );
  return checked.filter((text) => text !== null);
}

async function seenIn(
  ctx: Context,
  pair: PathMapping,
  samples: readonly Listed[],
): Promise<{ matched: number; of: number } | null> {
  const below = samplesBelow(pair.from, samples).slice(0, 2 * SAMPLES_PER_FOLDER);
  if (below.length === 0) return null;
  const files = below.map(({ path, sizeBytes }) => ({ path: toLocalPath(path, [pair]) ?? '', sizeBytes }));
  return { matched: await ctx.countFiles(files), of: below.length };
}

const samplesBelow = (folder: string, samples: readonly Listed[]): Listed[] =>
  samples.filter(({ path }) => isInside(path, folder));

/** Some files of every folder of the server's libraries. A server that does not answer has none to show. */
async function sampleFolders(ctx: Context): Promise<Map<string, Listed[]>> {
  const folders = new Map<string, Listed[]>();
  try {
    for (const section of await ctx.server().sections()) {
      for (const folder of section.locations) folders.set(folder, []);
      for (const file of await firstFiles(ctx, section)) {
        const folder = section.locations.find((location) => isInside(file.path, location));
        const samples = folder === undefined ? undefined : folders.get(folder);
        if (samples && samples.length < SAMPLES_PER_FOLDER) samples.push(file);
      }
    }
  } catch (error) {
    ctx.log.warn({ err: error }, 'The libraries could not be listed for the setup');
  }
  return folders;
}

/** Of one page, spread over it: neighbours often lie in one folder. */
async function firstFiles(ctx: Context, section: Pick<Section, 'id' | 'type'>): Promise<Listed[]> {
  for await (const { items } of ctx.server().items(section)) {
    const files = items.flatMap(({ files: [file] }) => (file && file.sizeBytes > 0 ? [file] : []));
    const step = Math.max(1, Math.floor(files.length / (4 * SAMPLES_PER_FOLDER)));
    return files.filter((_, index) => index % step === 0).map(({ path, sizeBytes }) => ({ path, sizeBytes }));
  }
  return [];
}
