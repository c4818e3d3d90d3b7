import type { LibraryItem } from '../src/domain/library/library.js';
import { aFile, anItem } from '../tests/support/builders.js';

const CODECS = ['h264', 'hevc', 'mpeg4', 'mpeg2video', 'vc1', 'av1'];
const SIZES: [number, number][] = [
  [1920, 1080],
  [3840, 2160],
  [1280, 720],
  [720, 576],
];

/** A mixed library of so many films, the same every time. */
export function manyItems(count: number): LibraryItem[] {
  return Array.from({ length: count }, (_, n) => {
    const [width, height] = SIZES[n % SIZES.length] ?? [1920, 1080];
    const name = `Film number ${n} (${1950 + (n % 75)})`;
    const file = aFile({
      id: String(500_000 + n),
      mediaId: String(300_000 + n),
      path: `/share/Media/Movies/${name}/${name}.mkv`,
      localPath: `/data/media/Movies/${name}/${name}.mkv`,
      sizeBytes: 1_000_000_000 + ((n * 7_919) % 40_000) * 1_000_000,
      video: { codec: CODECS[n % CODECS.length] ?? 'h264', width, height, bitrateKbps: 2000 + ((n * 31) % 30_000) },
    });
    return anItem({
      id: `01234567-${n}`,
      ratingKey: String(n),
      guid: `plex://movie/${n.toString(16).padStart(24, '0')}`,
      sectionId: String(1 + (n % 3)),
      title: name,
      year: 1950 + (n % 75),
      plays: n % 5,
      files: [file],
    });
  });
}
