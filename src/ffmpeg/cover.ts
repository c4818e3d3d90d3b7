import type { ProbedStream } from '../domain/jobs/probe.js';

interface CoverType {
  mimetype: string;
  extension: string;
}

const TYPES: Readonly<Record<string, CoverType>> = {
  mjpeg: { mimetype: 'image/jpeg', extension: 'jpg' },
  png: { mimetype: 'image/png', extension: 'png' },
  gif: { mimetype: 'image/gif', extension: 'gif' },
  tiff: { mimetype: 'image/tiff', extension: 'tiff' },
};

/** How a picture is named when it is attached to a Matroska file. */
export const coverType = ({ codec }: ProbedStream): CoverType =>
  TYPES[codec] ?? { mimetype: 'image/jpeg', extension: 'jpg' };

/** Name of the file that a cover is taken out into, unique within one source. */
export const coverFile = (source: ProbedStream): string => `cover-${source.index}.${coverType(source).extension}`;
