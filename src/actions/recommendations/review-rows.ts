import { z } from 'zod';
import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import { isLossless } from '../../domain/rules/lossless-audio.js';
import { MediaFile, type Hdr } from '../../domain/library/media.js';
import type { Preset } from '../../domain/presets/preset.js';
import { canBeAdded, mergedPreset } from '../../domain/presets/merge.js';
import { partsOf } from '../../domain/recommendations/priority.js';
import { Recommendation, type SavingBasis } from '../../domain/recommendations/recommendation.js';
import { Risk, risksOf, riskWords, type RiskWords } from '../../domain/recommendations/risk.js';
import { mergedInto } from '../../store/row-keys.js';
import type { Context } from '../action.js';
import { canBeApproved } from './approve.js';

/** A file in the few words that tell it from its successor. */
const Look = z.object({
  codec: z.string(),
  width: z.number(),
  height: z.number(),
  hdr: z.string(),
  audio: z.object({ codec: z.string(), channels: z.number() }).nullable(),
});

const RiskWordsRow = z.object({
  id: Risk,
  label: z.string(),
  help: z.string(),
  icon: z.string(),
  tone: z.enum(['warn', '']),
});

/** The copy of a title that stays when the other goes to quarantine. */
const Copy = z.object({
  itemId: z.string(),
  title: z.string(),
  path: z.string(),
  section: z.string(),
  file: MediaFile,
});

export const RecommendationRow = Recommendation.extend({
  title: z.string(),
  /** Series and film alike: what stands behind the title in grey. */
  section: z.string(),
  /** Path of the poster on the media server; null when it has none. */
  thumb: z.string().nullable(),
  ruleTitle: z.string(),
  presetTitle: z.string().nullable(),
  canBeQueued: z.boolean(),
  /** Percent of today's size: what surely remains, and the uncertain rest above it. */
  remainsPercent: z.number(),
  maybePercent: z.number(),
  remainsBytes: z.number(),
  /** The range of what remains, bytes. */
  remainsLowBytes: z.number(),
  remainsHighBytes: z.number(),
  smallerPercent: z.number(),
  /** What the file is now: codec, picture, dynamic range, first sound track. */
  file: MediaFile.nullable(),
  /** How long the encode takes on this machine, by what it did before; null when nothing is encoded. */
  seconds: z.number().nullable(),
  /** What it becomes with the preset; null when nothing is encoded. */
  becomes: Look.nullable(),
  risks: z.array(RiskWordsRow),
  /** The four parts of the priority and the most each can be. */
  parts: z.array(z.object({ name: z.string(), points: z.number(), most: z.number() })),
  /** What the estimate rests on. */
  basisText: z.string(),
  /** Query string of the library that shows the files of a group. */
  groupQuery: z.string().nullable(),
  /** What other rules found in the same file. */
  merged: z.array(
    z.object({
      ruleId: z.string(),
      ruleTitle: z.string(),
      reason: z.string(),
      presetTitle: z.string(),
      /** A job for this one does it as well; otherwise it proposes another encode, in place of which this one is made. */
      isAdded: z.boolean(),
      /** It would have been queued by itself, were it not for this one, which waits for the owner. */
      isHeldBack: z.boolean(),
    }),
  ),
  /** Both copies of a duplicate; null for anything else, and when the other copy is gone. */
  stays: Copy.nullable(),
});
export type RecommendationRow = z.infer<typeof RecommendationRow>;

const BASIS: Record<SavingBasis, string> = {
  learned: 'Learned from finished jobs of this kind.',
  pair: 'From what is commonly published for these two codecs.',
  model: 'From the bit rate that the result needs.',
  fallback: 'Little is known of this codec: 40 % is assumed.',
  exact: 'No estimate: this is what it takes now.',
};

/** What is the same for every row of a page, looked up once. */
interface Names {
  rules: Map<string, string>;
  presets: Map<string, Preset>;
  sections: Map<string, string>;
}

/** How long a page waits for the disks and servers that know about links and viewers, milliseconds. */
const PATIENCE_MS = 250;

/** The rows of a page as they are drawn. */
export async function toRows(ctx: Context, rows: readonly Recommendation[]): Promise<RecommendationRow[]> {
  const names: Names = {
    rules: new Map(ctx.rules.list().map(({ id, title }) => [id, title])),
    presets: new Map(ctx.presets.list().map((preset) => [preset.id, preset])),
    sections: new Map([...ctx.store.sections.values()].map(({ id, title }) => [id, title])),
  };
  const drawn = rows.map((row) => toRow(ctx, names, row));
  const [links, watched] = await Promise.all([linksOf(ctx, drawn), watchedOf(ctx, drawn)]);
  return drawn.map((row) => {
    if (row.file === null) return row;
    const count = links.get(row.file.localPath ?? '') ?? 1;
    const more = [
      ...(count < 2 ? [] : [riskWords('hard-links', row.file, count)]),
      ...(watched.has(row.id) ? [riskWords('in-use', row.file)] : []),
    ];
    return more.length === 0 ? row : { ...row, risks: [...row.risks, ...more] };
  });
}

/** Ids of the rows whose file somebody is watching. */
async function watchedOf({ queue, store }: Context, rows: readonly RecommendationRow[]): Promise<Set<string>> {
  const files = rows.flatMap(({ id, itemId, file, state }) => {
    const item = file === null || state !== 'open' ? null : store.library.find(itemId);
    if (!item || !file) return [];
    const { serverId, ratingKey } = item;
    return [{ id, serverId, ratingKey, fileId: file.id, serverPath: file.path, localPath: file.localPath ?? '' }];
  });
  if (files.length === 0) return new Set();
  return new Set([...(await queue.watched(files, PATIENCE_MS))].map(({ id }) => id));
}

async function linksOf({ countLinks }: Context, rows: readonly RecommendationRow[]): Promise<Map<string, number>> {
  const paths = rows.flatMap(({ file, state }) => (file?.localPath && state === 'open' ? [file.localPath] : []));
  return paths.length === 0 ? new Map() : countLinks([...new Set(paths)], PATIENCE_MS);
}

function toRow(ctx: Context, names: Names, row: Recommendation): RecommendationRow {
  const item = row.itemId === '' ? null : ctx.store.library.find(row.itemId);
  const file = item?.files.find(({ id }) => id === row.fileId) ?? null;
  const own = names.presets.get(row.presetId ?? '') ?? null;
  const merged = mergedInto(ctx.store, row);
  // What is proposed together; on its own the preset would show another result.
  const preset =
    own &&
    mergedPreset(
      own,
      merged.flatMap(({ presetId }) => names.presets.get(presetId ?? '') ?? []),
    );
  const percent = (bytes: number): number =>
    row.fileSizeBytes > 0 ? Math.min(100, Math.max(0, Math.round((bytes / row.fileSizeBytes) * 1000) / 10)) : 0;
  const remains = percent(row.fileSizeBytes - row.savesHighBytes);
  const left = (bytes: number): number => Math.max(0, row.fileSizeBytes - bytes);
  return {
    ...row,
    title: item ? displayTitle(item) : row.group ? `${row.group.files} files of one kind` : row.itemId,
    section: names.sections.get(item?.sectionId ?? '') ?? '',
    thumb: item?.thumb ?? null,
    ruleTitle: names.rules.get(row.ruleId) ?? row.ruleId,
    presetTitle: preset?.title ?? row.presetId,
    canBeQueued: canBeApproved(row),
    remainsPercent: remains,
    maybePercent: Math.max(0, Math.round((percent(row.fileSizeBytes - row.savesLowBytes) - remains) * 10) / 10),
    remainsBytes: left(row.savesBytes),
    remainsLowBytes: left(row.savesHighBytes),
    remainsHighBytes: left(row.savesLowBytes),
    smallerPercent: Math.round(percent(row.savesBytes)),
    file,
    seconds: file && preset && row.keep === null ? ctx.estimates.seconds(file, preset).seconds : null,
    becomes: file && preset && row.keep === null ? becomes(file, preset) : null,
    risks: file ? risksOf(file).map((risk): RiskWords => riskWords(risk, file)) : [],
    parts: partRows(row, item, file),
    basisText: row.basis ? BASIS[row.basis] : '',
    groupQuery: row.group ? new URLSearchParams({ codec: row.group.codec, resolution: row.group.resolution }).toString() : null, // prettier-ignore
    merged: mergedRows(ctx, names, { row, merged }),
    stays: row.keep ? copyOf(ctx, names, row.keep) : null,
  };
}

const isAdded = (preset: Preset | undefined): boolean => preset !== undefined && canBeAdded(preset);

function mergedRows(
  { store }: Context,
  names: Names,
  { row, merged }: { row: Recommendation; merged: readonly Recommendation[] },
): RecommendationRow['merged'] {
  const isAutomatic = (ruleId: string): boolean => store.rules.find(ruleId)?.mode === 'automatic';
  return merged.map(({ ruleId, reason, presetId }) => ({
    ...{ ruleId, reason },
    ruleTitle: names.rules.get(ruleId) ?? ruleId,
    presetTitle: names.presets.get(presetId ?? '')?.title ?? presetId ?? '',
    isAdded: isAdded(names.presets.get(presetId ?? '')),
    isHeldBack: row.state === 'open' && isAutomatic(ruleId) && !isAutomatic(row.ruleId),
  }));
}

function partRows(row: Recommendation, item: LibraryItem | null, file: MediaFile | null): RecommendationRow['parts'] {
  const parts = partsOf(row, item, file);
  const whole = (points: number): number => Math.round(points * 10) / 10;
  return [
    { name: 'File size', points: whole(parts.size), most: 40 },
    { name: 'Age of the codec', points: whole(parts.codecAge), most: 25 },
    { name: 'Confidence', points: whole(parts.confidence), most: 20 },
    { name: 'Rarely played', points: whole(parts.plays), most: 15 },
  ];
}

function copyOf(
  { store }: Context,
  names: Names,
  keep: { itemId: string; fileId: string },
): RecommendationRow['stays'] {
  const item = store.library.find(keep.itemId);
  const file = item?.files.find(({ id }) => id === keep.fileId);
  if (!item || !file) return null;
  return { itemId: item.id, title: displayTitle(item), path: file.path, section: names.sections.get(item.sectionId) ?? '', file }; // prettier-ignore
}

/** What a file will look like after the preset, as far as it can be told without a plan. */
function becomes(file: MediaFile, { video, audio }: Preset): z.infer<typeof Look> | null {
  if (!file.video) return null;
  const { width, height, codec, hdr } = file.video;
  const scale = video.maxHeight !== null && height > video.maxHeight ? video.maxHeight / height : 1;
  const [track] = file.audio;
  const keepsSound = audio.codec === 'copy' || !track || (audio.tracks === 'lossless' && !isLossless(track));
  const range: Hdr = video.toneMap === 'sdr' ? 'sdr' : hdr;
  return {
    codec: video.codec === 'copy' ? codec : video.codec,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    hdr: range,
    audio: track
      ? {
          codec: keepsSound ? track.codec : audio.codec,
          channels: keepsSound ? track.channels : Math.min(track.channels, audio.maxChannels ?? track.channels),
        }
      : null,
  };
}
