import type { Reading, SimulatedSection } from './model.js';
import type { SimulatedLibrary } from './simulated-library.js';

const CODECS = ['h264', 'hevc', 'mpeg2video', 'mpeg4', 'vc1', 'h264', 'av1', 'h264'] as const;
const SIZES = [
  { width: 1920, height: 1080, kbps: 9_000 },
  { width: 1280, height: 720, kbps: 4_500 },
  { width: 3840, height: 2160, kbps: 45_000 },
  { width: 720, height: 576, kbps: 2_500 },
  { width: 1920, height: 800, kbps: 14_000 },
] as const;
const CONTAINERS = ['mkv', 'mkv', 'mp4', 'avi', 'mkv', 'ts'] as const;
const FIRST_ADDED = 1_500_000_000;

/** Fills the first section with items that exist only on paper: many codecs, resolutions, sizes and ages. */
export function fillLibrary(library: SimulatedLibrary, section: SimulatedSection, count: number): void {
  const readings = allReadings();
  const folder = section.locations[0]?.serverPath ?? '/synthetic';
  for (let n = 0; n < count; n++) {
    // Strides without a common divisor, so that every mixture comes up.
    const reading = readings[(n * 7) % readings.length];
    if (reading === undefined) continue;
    const changedAt = FIRST_ADDED + n * 60;
    const isMovie = section.type === 'movie';
    const title = isMovie ? `Film ${n}` : `Part ${(n % 24) + 1}`;
    const show = isMovie
      ? null
      : library.showOf(section.id, `Show ${Math.floor(n / 240)}`, Math.floor(n / 24) % 10).show;
    const file = library.newFile({
      serverPath: `${folder}/${title} (${1950 + (n % 75)})/${title} ${n}.${reading.container}`,
      localPath: null,
      sizeBytes: Math.round((reading.bitrateKbps * 125 * reading.durationMs) / 1000) + (n % 1000) * 1_000_000,
      changedAt,
      reading,
    });
    library.add({
      sectionId: section.id,
      type: isMovie ? 'movie' : 'episode',
      title,
      year: 1950 + (n % 75),
      show,
      season: show === null ? null : Math.floor(n / 24) % 10,
      episode: show === null ? null : (n % 24) + 1,
      addedAt: changedAt,
      updatedAt: changedAt,
      viewCount: n % 3,
      files: [file],
    });
  }
}

/** Shared by all items of a kind: a hundred thousand copies would fill the memory. */
function allReadings(): Reading[] {
  return CODECS.flatMap((codec) =>
    SIZES.flatMap(({ width, height, kbps }) =>
      CONTAINERS.map((container, n) => ({
        durationMs: 4_200_000 + n * 900_000,
        bitrateKbps: kbps + n * 300,
        container,
        streams: [
          {
            streamType: 1,
            index: 0,
            codec,
            width,
            height,
            bitDepth: codec === 'hevc' ? 10 : 8,
            frameRate: 23.976,
            bitrate: kbps,
          },
          {
            streamType: 2,
            index: 1,
            codec: n % 2 === 0 ? 'ac3' : 'aac',
            channels: 6,
            bitrate: 448,
            languageCode: 'eng',
          },
          { streamType: 3, index: 2, codec: 'srt', languageCode: 'eng' },
        ],
      })),
    ),
  );
}
