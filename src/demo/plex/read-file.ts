import { execa } from 'execa';
import { extname } from 'node:path';
import { inputFile } from '../../ffmpeg/inputs.js';
import { bareEnvironment } from '../../ffmpeg/program.js';
import type { Reading } from './model.js';

interface ProbedStream {
  index: number;
  codec_type?: string;
  codec_name?: string;
  profile?: string;
  width?: number;
  height?: number;
  pix_fmt?: string;
  avg_frame_rate?: string;
  color_transfer?: string;
  color_primaries?: string;
  color_space?: string;
  channels?: number;
  channel_layout?: string;
  bit_rate?: string;
  disposition?: Record<string, number>;
  tags?: Record<string, string>;
}

interface Probed {
  format?: { duration?: string; bit_rate?: string };
  streams?: ProbedStream[];
}

const SUBTITLE_CODECS: Record<string, string> = { subrip: 'srt', hdmv_pgs_subtitle: 'pgs', dvd_subtitle: 'vobsub' };

/** Looks into a file as Plex would; null when it cannot be read, which leaves an item without analysis. */
export async function readMedia(path: string, ffprobe: string): Promise<Reading | null> {
  const args = ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', inputFile(path)];
  const result = await execa(ffprobe, args, {
    reject: false,
    stdin: 'ignore',
    timeout: 30_000,
    extendEnv: false,
    env: bareEnvironment(ffprobe),
  });
  if (result.failed) return null;
  const { format, streams = [] } = JSON.parse(result.stdout) as Probed;
  return {
    durationMs: Math.round(Number(format?.duration ?? 0) * 1000),
    bitrateKbps: Math.round(Number(format?.bit_rate ?? 0) / 1000),
    container: extname(path).slice(1).toLowerCase(),
    streams: streams.map(toStream).filter((stream) => stream !== null),
  };
}

/** A stream in Plex's words; what is empty or false is left out. */
function toStream(stream: ProbedStream): Record<string, unknown> | null {
  const language = stream.tags?.['language'];
  const common = {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    ...(stream.bit_rate === undefined ? {} : { bitrate: Math.round(Number(stream.bit_rate) / 1000) }),
    ...(stream.disposition?.['default'] === 1 ? { default: true } : {}),
    ...(language === undefined || language === 'und' ? {} : { languageCode: language }),
    ...(stream.tags?.['title'] === undefined ? {} : { title: stream.tags['title'] }),
  };
  if (stream.codec_type === 'video' && stream.disposition?.['attached_pic'] !== 1)
    return { streamType: 1, ...common, ...pictureOf(stream) };
  if (stream.codec_type === 'audio')
    return {
      streamType: 2,
      ...common,
      channels: stream.channels ?? 2,
      ...(stream.channel_layout === undefined ? {} : { audioChannelLayout: stream.channel_layout }),
      displayTitle: `${(language ?? 'Unknown').toUpperCase()} (${common.codec.toUpperCase()})`,
    };
  if (stream.codec_type !== 'subtitle') return null;
  return {
    streamType: 3,
    ...common,
    codec: SUBTITLE_CODECS[common.codec] ?? common.codec,
    ...(stream.disposition?.['forced'] === 1 ? { forced: true } : {}),
  };
}

function pictureOf(stream: ProbedStream): Record<string, unknown> {
  const [over, under] = (stream.avg_frame_rate ?? '0/1').split('/').map(Number);
  const fps = (over ?? 0) / (under ?? 1);
  return {
    width: stream.width ?? 0,
    height: stream.height ?? 0,
    codedWidth: stream.width ?? 0,
    codedHeight: stream.height ?? 0,
    bitDepth: /p?10(le|be)?$/.test(stream.pix_fmt ?? '') ? 10 : 8,
    ...(Number.isFinite(fps) && fps > 0 ? { frameRate: Math.round(fps * 1000) / 1000 } : {}),
    ...(stream.profile === undefined ? {} : { profile: stream.profile.toLowerCase() }),
    ...(stream.color_transfer === undefined ? {} : { colorTrc: stream.color_transfer }),
    ...(stream.color_primaries === undefined ? {} : { colorPrimaries: stream.color_primaries }),
    ...(stream.color_space === undefined ? {} : { colorSpace: stream.color_space }),
  };
}
