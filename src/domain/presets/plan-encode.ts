import { AppError } from '../errors.js';
import type { EncodePlan, PlannedStream } from './plan.js';
import { planAudio, planSubtitle, type Verdict } from './plan-streams.js';
import type { Preset } from './preset.js';
import { mainVideo, type Probe, type ProbedStream } from '../jobs/probe.js';

type Container = EncodePlan['container'];

/** Pixel formats that an encode keeps or turns into an equal one. Others (4:2:2, 4:4:4, RGB) would lose colour. */
const USUAL_PIXELS = /^(yuvj?420p|yuv420p10le|nv12|p010le)$/;

const refuse = (message: string): AppError => new AppError('plan_refused', message);

/**
 * Decides what an encode will do to a file: which streams are copied, encoded or left out, and what the result must
 * look like. Nothing is ever dropped silently: what does not fit is in `dropped` with the reason, or the plan is refused.
 *
 * Throws `plan_refused` with the reason when an encode would harm the file or could not be verified.
 */
export function planEncode(probe: Probe, preset: Preset): EncodePlan {
  const video = mainVideo(probe);
  if (!video?.width || !video.height) throw refuse('There is no video in this file.');
  if (probe.durationSec === null || probe.durationSec <= 0)
    throw refuse('The file does not say how long it is, so the result could not be compared.');
  refuseHarm(probe, video, preset);
  const container = chooseContainer(probe, preset);
  const toneMap = isToneMapped(probe, preset);
  const planned = probe.streams.map((stream) => planStream(stream, container, { probe, preset }));
  const size = scaledSize(video.width, video.height, preset.video.maxHeight);
  return {
    presetId: preset.id,
    preset,
    container,
    extension: `.${container}`,
    streams: planned.filter((verdict) => 'stream' in verdict).map(({ stream }) => stream),
    dropped: planned.filter((verdict) => 'reason' in verdict).map(({ source, reason }) => ({ source, reason })),
    ...size,
    pixelFormat: pixelFormatOf(probe, video, preset),
    isHdr10: probe.hdr === 'hdr10' && !toneMap,
    toneMap,
    mastering: toneMap ? null : probe.mastering,
    chapters: probe.chapters,
    durationSec: probe.durationSec,
    sourceSizeBytes: probe.sizeBytes,
    sourceContainer: probe.container,
  };
}

/** What cannot come out as good as it went in is left alone. */
function refuseHarm(probe: Probe, video: ProbedStream, preset: Preset): void {
  const target = preset.video;
  if (target.codec === 'copy') {
    // ffmpeg drops the Dolby Vision record on the way between Matroska and MP4.
    if (probe.hdr === 'dolby-vision' && chooseContainer(probe, preset) !== probe.container) {
      throw refuse('Dolby Vision may be lost when the container changes.');
    }
    return;
  }
  if (probe.hdr === 'dolby-vision')
    throw refuse('Dolby Vision would be lost: its dynamic metadata does not survive an encode.');
  if (probe.hdr === 'hdr10plus') throw refuse('HDR10+ would be lost: its dynamic metadata does not survive an encode.');
  if (video.interlaced)
    throw refuse('The video is interlaced; encoding it as it is would freeze the comb lines into the picture.');
  if (!USUAL_PIXELS.test(video.pixelFormat ?? '')) {
    throw refuse(`The pixel format ${video.pixelFormat ?? 'unknown'} is unusual; colour would be lost.`);
  }
  const staysHdr = probe.hdr !== 'sdr' && !isToneMapped(probe, preset);
  if (staysHdr && (target.bitDepth === '8' || target.codec === 'h264')) {
    throw refuse('This preset makes 8-bit video, which cannot hold HDR. Use a preset with HEVC or AV1 in 10 bit.');
  }
  if (probe.streams.filter(({ kind }) => kind === 'video').length > 1) {
    throw refuse('The file holds more than one video track; which one is the film is not certain.');
  }
}

/** Whether a preset turns this kind of HDR into SDR. Dolby Vision and HDR10+ are never encoded at all. */
export const isToneMapped = ({ hdr }: Pick<Probe, 'hdr'>, { video }: Preset): boolean =>
  video.toneMap === 'sdr' && (hdr === 'hdr10' || hdr === 'hlg');

/** `keep` stays with Matroska and MP4 and turns everything else into Matroska, which holds any stream. */
export function chooseContainer(probe: Pick<Probe, 'container'>, preset: Preset): Container {
  if (preset.container !== 'keep') return preset.container;
  return probe.container === 'mp4' ? 'mp4' : 'mkv';
}

function planStream(
  source: ProbedStream,
  container: Container,
  { probe, preset }: { probe: Probe; preset: Preset },
): Verdict {
  switch (source.kind) {
    case 'video':
      return { stream: planVideo(source, preset, isToneMapped(probe, preset)) };
    case 'audio':
      return planAudio(source, container, preset);
    case 'subtitle':
      return planSubtitle(source, container, preset);
    case 'cover':
      return { stream: { source, action: 'copy', codec: source.codec, note: null, channels: null, bitrateKbps: null } };
    case 'attachment':
      if (container === 'mkv')
        return {
          stream: { source, action: 'copy', codec: source.codec, note: null, channels: null, bitrateKbps: null },
        };
      return { source, reason: 'MP4 cannot hold attached fonts' };
    case 'data':
      return { source, reason: `${source.codec} data is of no use to a player; chapters are kept on their own` };
  }
}

function planVideo(source: ProbedStream, { video }: Preset, toneMap: boolean): PlannedStream {
  if (video.codec === 'copy')
    return { source, action: 'copy', codec: source.codec, note: null, channels: null, bitrateKbps: null };
  return {
    source,
    action: 'encode',
    codec: video.codec,
    note: `${source.codec} -> ${video.codec}${toneMap ? ', HDR -> SDR' : ''}`,
    channels: null,
    bitrateKbps: null,
  };
}

/** Fits the height, keeps the shape, even numbers; never enlarges. Pixels. */
export function scaledSize(width: number, height: number, maxHeight: number | null): { width: number; height: number } {
  if (maxHeight === null) return { width, height };
  // A wide film is as wide as its class: 1080 means 1920 across, whatever the height.
  const factor = Math.min(1, maxHeight / height, Math.round((maxHeight * 16) / 9) / width);
  if (factor === 1) return { width, height };
  return { width: 2 * Math.round((width * factor) / 2), height: 2 * Math.round((height * factor) / 2) };
}

/** H.264 is always 8 bit (players cannot decode more); others keep what the source has unless told otherwise. */
function pixelFormatOf(probe: Probe, source: ProbedStream, { video }: Preset): string | null {
  if (video.codec === 'copy') return null;
  if (video.codec === 'h264' || video.bitDepth === '8') return 'yuv420p';
  const isTenBit = video.bitDepth === '10' || (source.bitDepth ?? 8) > 8 || probe.hdr !== 'sdr';
  return isTenBit ? 'yuv420p10le' : 'yuv420p';
}

/** The plan in lines for people: what becomes of every stream, and what is left out and why. */
export function describePlan(plan: EncodePlan): string[] {
  const name = ({ kind, index, codec, language }: ProbedStream): string =>
    `${kind} ${index} (${[codec, language].filter((part) => part !== null).join(', ')})`;
  const kept = plan.streams.map(({ source, note }) => `${name(source)}: ${note ?? 'kept as it is'}`);
  const lost = plan.dropped.map(({ source, reason }) => `${name(source)}: left out, ${reason}`);
  const video = plan.streams.find(({ source }) => source.kind === 'video')?.source;
  const scaled = video && (video.width !== plan.width || video.height !== plan.height);
  return [
    `${plan.sourceContainer} -> ${plan.container}`,
    ...(scaled ? [`picture ${video.width ?? 0}x${video.height ?? 0} -> ${plan.width}x${plan.height}`] : []),
    ...kept,
    ...lost,
  ];
}
