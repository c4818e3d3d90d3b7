import { stat } from 'node:fs/promises';
import { AppError } from '../../domain/errors.js';
import type { Check } from '../../domain/jobs/job.js';
import type { Probe } from '../../domain/jobs/probe.js';
import { measureStreams } from '../../ffmpeg/measure.js';
import { probe } from '../../ffmpeg/probe.js';
import { sha256File } from '../../files/hash.js';
import { checkDecoding } from './verify-decoding.js';
import type { VerifyRequest } from './verify-request.js';
import { checkSamples } from './verify-samples.js';
import { check, checkStreams, type Pair } from './verify-streams.js';
import { checkDuration, checkPackets, checkSize } from './verify-timing.js';

export interface Verified {
  checks: Check[];
  refusal: { code: 'verify_failed' | 'not_smaller'; message: string } | null;
  /** Of the very file that was looked at; empty when it was refused. */
  sha256: string;
  sizeBytes: number;
  output: Probe | null;
}

/** A gate: the checks of one kind. All of them run, but no gate after one that holds the file back. */
type Gate = () => Promise<Check[]>;

/**
 * Decides whether an encoded file may take the place of its source. Gates go from cheap to dear; whatever cannot be found
 * out counts against the file. Never throws because of what the file is like, only with the signal's reason or when
 * a program is missing.
 */
export async function verifyOutput(request: VerifyRequest): Promise<Verified> {
  const { plan, outputPath, signal, report } = request;
  const before = await look(outputPath);
  const state = { output: null as Probe | null, pairs: [] as Pair[], sha256: '' };
  const gates: [number, Gate][] = [
    [1, () => Promise.resolve([check('there is a file', (before?.size ?? 0) > 0, `${before?.size ?? 0} bytes`)])],
    [2, () => headerGate(request, state)],
    [3, () => Promise.resolve(checkSize(plan, before?.size ?? 0, request.minSavingPercent))],
    [15, () => packetGate(request, state.pairs)],
    [30, () => sampleGate(request, state.pairs)],
    [90, () => checkDecoding(request, state)],
    [100, () => hashGate(request, before, state)],
  ];
  const checks: Check[] = [];
  for (const [percent, gate] of gates) {
    signal.throwIfAborted();
    checks.push(...(await gate()));
    const refusal = refusalOf(checks);
    if (refusal) return { checks, refusal, sha256: '', sizeBytes: before?.size ?? 0, output: state.output };
    report(percent);
  }
  return { checks, refusal: null, sha256: state.sha256, sizeBytes: before?.size ?? 0, output: state.output };
}

interface Look {
  size: number;
  mtimeNs: bigint;
}

async function look(path: string): Promise<Look | null> {
  const seen = await stat(path, { bigint: true }).catch(() => null);
  return seen?.isFile() ? { size: Number(seen.size), mtimeNs: seen.mtimeNs } : null;
}

function refusalOf(checks: readonly Check[]): Verified['refusal'] {
  const failed = checks.filter(({ ok }) => !ok);
  const [first] = failed;
  if (!first) return null;
  if (failed.every(({ name }) => name === 'smaller')) {
    return { code: 'not_smaller', message: `The result is not small enough to be worth it: ${first.detail}.` };
  }
  const reasons = failed.slice(0, 3).map(({ name, detail }) => `${name}: ${detail}`);
  return { code: 'verify_failed', message: `The result was thrown away. ${reasons.join('; ')}.` };
}

async function headerGate(request: VerifyRequest, state: { output: Probe | null; pairs: Pair[] }): Promise<Check[]> {
  const { plan, source, outputPath, ffprobe, signal } = request;
  try {
    state.output = await probe(outputPath, { ffprobe, signal });
  } catch (error) {
    signal.throwIfAborted();
    return [check('can be opened', false, messageOf(error))];
  }
  const { checks, pairs } = checkStreams(plan, source, state.output);
  state.pairs = pairs;
  return [...checks, checkDuration(plan, state.output)];
}

async function packetGate({ sourcePath, outputPath, ffprobe, signal }: VerifyRequest, pairs: Pair[]): Promise<Check[]> {
  try {
    const output = await measureStreams(outputPath, { ffprobe, signal });
    const source = await measureStreams(sourcePath, { ffprobe, signal });
    return checkPackets(pairs, source, output);
  } catch (error) {
    signal.throwIfAborted();
    return [check('can be read to the end', false, messageOf(error))];
  }
}

async function sampleGate(request: VerifyRequest, pairs: readonly Pair[]): Promise<Check[]> {
  const { plan, sourcePath, outputPath, ffmpeg, signal } = request;
  return checkSamples(pairs, {
    sourcePath,
    outputPath,
    sourceContainer: plan.sourceContainer,
    outputContainer: plan.container,
    durationSec: plan.durationSec,
    toneMap: plan.toneMap,
    ffmpeg,
    signal,
  });
}

async function hashGate(request: VerifyRequest, before: Look | null, state: { sha256: string }): Promise<Check[]> {
  state.sha256 = await sha256File(request.outputPath, request.signal);
  const after = await look(request.outputPath);
  const isSame = before !== null && after?.size === before.size && after.mtimeNs === before.mtimeNs;
  return [check('did not change meanwhile', isSame, isSame ? `sha256 ${state.sha256}` : 'something wrote to the file')];
}

const messageOf = (error: unknown): string => (error instanceof AppError ? error.message : String(error));
