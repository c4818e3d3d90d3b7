import { z } from 'zod';
import { LibraryFilter, LibrarySort } from '../../domain/library/filter.js';
import { resolutionOf } from '../../domain/library/media.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import { action, type Context } from '../action.js';
import { toRow, type LibraryRow } from './library.js';

/** A file to be sent piece by piece. */
export interface Download {
  fileName: string;
  type: string;
  pieces: AsyncIterable<string>;
}

/** Pieces of about this length travel well. */
const PIECE_CHARS = 64 * 1024;

/**
 * Column -> what stands in it; codecs, resolutions and the like by the values that filters take. One line a file, so that a sum over
 * the lines is the size of the library.
 */
const COLUMNS: Record<string, (row: LibraryRow, file: LibraryRow['files'][number]) => string | number | null> = {
  id: ({ id }) => id,
  title: ({ title }) => title,
  year: ({ year }) => year,
  show: ({ show }) => show,
  season: ({ season }) => season,
  episode: ({ episode }) => episode,
  type: ({ type }) => type,
  sectionId: ({ sectionId }) => sectionId,
  addedAt: ({ addedAt }) => addedAt,
  plays: ({ plays }) => plays,
  lastPlayedAt: ({ lastPlayedAt }) => lastPlayedAt,
  tags: ({ tags }) => tags.join('; '),
  state: ({ state }) => state,
  path: (_, { path }) => path,
  sizeBytes: (_, { sizeBytes }) => sizeBytes,
  container: (_, { container }) => container,
  durationMs: (_, { durationMs }) => durationMs,
  bitrateKbps: (_, { video, bitrateKbps }) => video?.bitrateKbps ?? bitrateKbps,
  codec: (_, { video }) => video?.codec ?? null,
  width: (_, { video }) => video?.width ?? null,
  height: (_, { video }) => video?.height ?? null,
  bitDepth: (_, { video }) => video?.bitDepth ?? null,
  hdr: (_, { video }) => video?.hdr ?? null,
  audio: (_, { audio }) => audio.map(({ codec, channels }) => `${codec} ${channels}`).join('; '),
  subtitles: (_, { subtitles }) => subtitles.map(({ codec, language }) => `${language ?? 'und'} ${codec}`).join('; '),
  resolution: (_, { video }) => (video ? resolutionOf(video) : null),
};

/** A table program takes text that begins like this for a formula and runs it. */
const FORMULA = /^[=+\-@\t\r]/;

/** RFC 4180, and nothing a table program would run. */
function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvLines(row: LibraryRow): string {
  const columns = Object.values(COLUMNS);
  const matched = row.files.filter(({ id }) => row.matchedFileIds.includes(id));
  return matched.map((file) => `${columns.map((of) => cell(of(row, file))).join(',')}\r\n`).join('');
}

type Found = Pick<Awaited<ReturnType<Context['search']['find']>>, 'ids' | 'matched'>;

/** Everything a filter matches as CSV (one line a file that matches) or JSON (a list of titles), whatever the number. */
export const exportLibrary = action(
  {
    summary: 'Export what matches a filter as CSV or JSON',
    input: z.object({
      ...LibraryFilter.shape,
      sort: LibrarySort.default('title'),
      format: z.enum(['csv', 'json']).default('csv'),
    }),
    output: z.custom<Download>(),
  },
  async (ctx, { sort, format, ...filter }) => {
    const found = await ctx.search.find({ filter, sort, page: 1, pageSize: Infinity });
    const day = ctx.now().toISOString().slice(0, 10);
    const pieces = format === 'csv' ? csv(ctx, found) : json(ctx, found);
    return {
      fileName: `mediaflow-library-${day}.${format}`,
      type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json',
      pieces,
    };
  },
);

async function* csv(ctx: Context, found: Found): AsyncGenerator<string> {
  // The mark at the start tells table programs that this is UTF-8.
  yield* inPieces(ctx, found, {
    start: `\uFEFF${Object.keys(COLUMNS).join(',')}\r\n`,
    text: (row) => csvLines({ ...row, tags: row.tags.map((id) => ctx.store.tags.find(id)?.name ?? id) }),
    between: '',
    end: '',
  });
}

async function* json(ctx: Context, found: Found): AsyncGenerator<string> {
  yield* inPieces(ctx, found, { start: '[\n', text: (row) => JSON.stringify(row), between: ',\n', end: '\n]\n' });
}

async function* inPieces(
  { store }: Context,
  { ids, matched }: Found,
  as: { start: string; text: (row: LibraryRow) => string; between: string; end: string },
): AsyncGenerator<string> {
  const loopYield = new EventLoopYield();
  let piece = as.start;
  let isFirst = true;
  for (const id of ids) {
    // It may have been removed since the list was made.
    const item = store.library.find(id);
    if (!item) continue;
    piece += `${isFirst ? '' : as.between}${as.text(toRow(item, matched.get(id) ?? null))}`;
    isFirst = false;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
    if (loopYield.isDue) await loopYield.pause();
  }
  yield piece + as.end;
}
