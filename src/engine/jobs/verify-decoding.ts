import type { Check } from '../../domain/jobs/job.js';
import type { Probe } from '../../domain/jobs/probe.js';
import { decodeFile, type Decoded } from '../../ffmpeg/decode.js';
import { streamHashes } from '../../ffmpeg/stream-hash.js';
import type { VerifyRequest } from './verify-request.js';
import { check, type Pair } from './verify-streams.js';

/** Share of the whole verification that is done before and after the decoding, in percent. */
const [START_PERCENT, END_PERCENT] = [30, 89];

/**
 * Decodes the whole result. A cut-off Matroska file ends with exit code 0, so code, silence and the time reached must all
 * be right. What the source brought along is forgiven: streams that are copied byte for byte may complain.
 */
export async function checkDecoding(
  request: VerifyRequest,
  { output, pairs }: { output: Probe | null; pairs: readonly Pair[] },
): Promise<Check[]> {
  const { plan, outputPath, ffmpeg, signal, report } = request;
  if (!request.decode) return [];
  const progress = (sec: number): void => {
    const done = START_PERCENT + ((END_PERCENT - START_PERCENT) * sec) / plan.durationSec;
    report(Math.min(END_PERCENT, Math.round(done)));
  };
  // Where a subtitle outlasts picture and sound, the header names a time that no decoder reaches.
  const wantedSec = Math.min(plan.durationSec, output?.durationSec ?? plan.durationSec);
  const checks = judge(await decodeFile(outputPath, { ffmpeg, audio: true, signal, report: progress }), wantedSec);
  if (checks.every(({ ok }) => ok)) return checks;
  return (await forgive(request, pairs, wantedSec)) ?? checks;
}

function judge({ exitCode, lastSec, messages }: Decoded, wantedSec: number): Check[] {
  const missingSec = wantedSec - (lastSec ?? Number.NEGATIVE_INFINITY);
  const reached = lastSec === null ? 'nothing' : `${lastSec.toFixed(2)} s`;
  return [
    check('decodes', exitCode === 0, `ffmpeg ended with ${exitCode}`),
    check('decodes without complaint', messages.length === 0, messages.slice(0, 2).join('; ') || 'none'),
    check('decodes to the end', missingSec <= Math.max(1, wantedSec * 0.01), `${reached} of ${wantedSec.toFixed(2)} s`),
  ];
}

/** Null when the damage is not the source's. Everything that was encoded must be flawless by itself. */
async function forgive(request: VerifyRequest, pairs: readonly Pair[], wantedSec: number): Promise<Check[] | null> {
  const { sourcePath, outputPath, ffmpeg, signal } = request;
  const played = pairs.filter(({ actual }) => actual.kind === 'video' || actual.kind === 'audio');
  const copied = played.filter(({ expected }) => expected.planned.action === 'copy');
  if (copied.length === 0) return null;
  const before = copied.map(({ expected }) => expected.planned.source.index);
  const after = copied.map(({ actual }) => actual.index);
  const source = await streamHashes(sourcePath, before, { ffmpeg, signal });
  const output = await streamHashes(outputPath, after, { ffmpeg, signal });
  if (!source || !output || source.some((hash, n) => hash !== output[n])) return null;
  const encoded = played.filter((pair) => !copied.includes(pair)).map(({ actual }) => actual.index);
  const checks =
    encoded.length === 0
      ? []
      : judge(await decodeFile(outputPath, { ffmpeg, audio: true, streams: encoded, signal }), wantedSec);
  const detail = `${copied.length} copied byte for byte from the source, which has flaws of its own`;
  return [...checks, check('copied streams', true, detail)];
}
