import { z } from 'zod';
import { codecName } from '../labels.js';
import type { EncodePlan } from './plan.js';
import { hardwareEncoders, softwareEncoder } from './encoders.js';
import type { EncodedCodec } from './video-target.js';
import type { EncoderSupport } from '../workers/worker.js';

/** What a plan asks of an encoder. */
export interface EncoderNeeds {
  codec: EncodedCodec;
  tenBit: boolean;
  /** The result must carry the mastering metadata or light levels of HDR10. */
  mastering: boolean;
}

/** Null when the video is copied, which needs no encoder. */
export function encoderNeeds(plan: Pick<EncodePlan, 'preset' | 'pixelFormat' | 'mastering'>): EncoderNeeds | null {
  const { codec } = plan.preset.video;
  if (codec === 'copy') return null;
  const { display = null, lightLevel = null } = plan.mastering ?? {};
  return {
    codec,
    tenBit: plan.pixelFormat?.includes('10') ?? false,
    mastering: display !== null || lightLevel !== null,
  };
}

/** Which of a machine's encoders a job uses. */
export interface ChosenEncoder {
  /** ffmpeg's name. */
  encoder: string;
  /** The render node it works at; null where it needs none. */
  device: string | null;
  isHardware: boolean;
  /** A sentence for the owner. */
  why: string;
}
export type EncoderChoice = ChosenEncoder | { encoder: null; why: string };

/**
 * The encoder for a plan among those that a machine was tested with. With `gpu` a graphics card takes the place of the
 * processor when it passed its test in that bit depth; one that did not is never tried on a film. `cpu` is for a job whose
 * graphics card failed.
 *
 * No graphics card gets a film with HDR10 metadata: NVENC writes it only in the newest builds, the others are not known to,
 * and the software encoders do it in every version.
 */
export function chooseEncoder(
  needs: EncoderNeeds,
  encoders: readonly EncoderSupport[],
  preference: 'gpu' | 'cpu',
): EncoderChoice {
  const twins = hardwareEncoders(needs.codec).flatMap(({ name }) => encoders.filter((found) => found.name === name));
  const proved = twins.find((twin) => isProved(twin, needs));
  if (preference === 'gpu' && proved && !needs.mastering) {
    const why = `${proved.name} on the graphics card: it passed its test in ${needs.tenBit ? 10 : 8} bit here.`;
    return { encoder: proved.name, device: proved.device, isHardware: true, why };
  }
  const { name } = softwareEncoder(needs.codec);
  const own = encoders.find((found) => found.name === name);
  if (!own || !isProved(own, needs)) return { encoder: null, why: whyNone(needs, own ?? null, proved !== undefined) };
  const because = preference === 'cpu' ? 'this job leaves the graphics card out' : whySoftware(needs, twins);
  return { encoder: name, device: null, isHardware: false, why: `${name} on the processor: ${because}.` };
}

const isProved = ({ works, tenBit }: EncoderSupport, needs: EncoderNeeds): boolean =>
  works && (tenBit || !needs.tenBit);

function whySoftware(needs: EncoderNeeds, twins: readonly EncoderSupport[]): string {
  const working = twins.find(({ works }) => works);
  if (!working) return `no graphics card here has passed a test in ${codecName(needs.codec)}`;
  if (!twins.some((twin) => isProved(twin, needs)))
    return `${working.name} makes 8 bit only here, and this film needs 10`;
  return "the graphics card may lose the film's HDR10 metadata";
}

function whyNone({ codec, mastering }: EncoderNeeds, own: EncoderSupport | null, hasCard: boolean): string {
  const { name } = softwareEncoder(codec);
  const card = hasCard && mastering ? " The graphics card would do, but may lose the film's HDR10 metadata." : '';
  if (own?.works) {
    return `${name} makes 8 bit only here, and this film needs 10. Install a full ffmpeg, or choose a preset with 8 bit.${card}`;
  }
  return `This ffmpeg cannot encode with ${name}${own?.error ? ` (${own.error})` : ''}. Install a full ffmpeg, or choose a preset with another codec.${card}`;
}

/** What becomes of a job whose graphics card failed. */
export const HardwareFallback = z.enum(['fail', 'other-worker', 'cpu']);
export type HardwareFallback = z.infer<typeof HardwareFallback>;

/**
 * What to do with one job after `hardware_failed`. It says nothing about the next job, which finds the graphics card as
 * trusted as before: a card that failed once must not turn a library over to the processor in silence.
 */
export function afterHardwareFailure(
  policy: HardwareFallback,
  facts: {
    /** Workers that proved a graphics card for this job and have not failed it yet. */
    otherWorkers: number;
    /** Whether the software encoder passed its test on a worker this job may use. */
    softwareWorks: boolean;
  },
): { then: HardwareFallback; why: string } {
  if (policy === 'fail') return { then: 'fail', why: 'Jobs whose graphics card fails are not tried another way.' };
  if (policy === 'other-worker') {
    return facts.otherWorkers > 0
      ? { then: 'other-worker', why: 'The graphics card failed; another worker tries it with its own.' }
      : { then: 'fail', why: 'The graphics card failed, and no other worker has one that is left to try.' };
  }
  return facts.softwareWorks
    ? { then: 'cpu', why: 'The graphics card failed; this job is encoded on the processor instead.' }
    : { then: 'fail', why: 'The graphics card failed, and the encoder for the processor does not work either.' };
}
