import { chmod, readFile, writeFile } from 'node:fs/promises';
import { findProgram } from '../../src/ffmpeg/program.js';

export interface PlayedNvenc {
  /** Comes between the options of the encode. */
  change?: string;
  /** What it makes of p010. */
  tenBit?: string;
  /** Whether the encoders of the processor work as well; default no. */
  hasSoftware?: boolean;
  /** It passes its tests and fails with every film, as a card does whose memory is full. */
  failsFilms?: boolean;
}

/** An ffmpeg with NVENC, played by x265. Everything it is asked for is noted. */
export async function playedNvenc(
  path: string,
  { change = '', tenBit = 'yuv420p10le', hasSoftware = false, failsFilms = false }: PlayedNvenc = {},
): Promise<{ path: string; asked: () => Promise<string[][]> }> {
  const real = await findProgram('ffmpeg');
  const others = hasSoftware ? `exec "${real}" "$@"` : 'echo "[error] Unknown encoder" >&2; exit 1';
  const films = failsFilms
    ? `case " $* " in *" -i file:"*) echo '[hevc_nvenc @ 0x5] [error] OpenEncodeSessionEx failed: out of memory (10): (no details)' >&2; exit 1 ;; esac`
    : '';
  const listing = hasSoftware
    ? `"${real}" "$@" | grep -v nvenc; echo ' V....D hevc_nvenc           NVIDIA NVENC hevc encoder (codec hevc)'; exit 0`
    : `echo ' V....D hevc_nvenc           NVIDIA NVENC hevc encoder (codec hevc)'; exit 0`;
  const script = `#!/bin/sh
printf '%s\\n' "$@" -- >> "${path}.asked"
case " $* " in
  *" -encoders "*) ${listing} ;;
  *" hevc_nvenc "*) ${films} ;;
  *" -c:v:0 "*) ${others} ;;
  *) exec "${real}" "$@" ;;
esac
n=$#
while [ $n -gt 0 ]; do
  arg=$1; shift; n=$((n - 1))
  case "$arg" in
    hevc_nvenc) set -- "$@" libx265 -x265-params log-level=error ${change} ;;
    -preset:v:0) shift; n=$((n - 1)); set -- "$@" "$arg" ultrafast ;;
    -cq:v:0) set -- "$@" -crf:v:0 "$1"; shift; n=$((n - 1)) ;;
    -tune:v:0 | -rc:v:0 | -b:v:0) shift; n=$((n - 1)) ;;
    p010le) set -- "$@" ${tenBit} ;;
    *) set -- "$@" "$arg" ;;
  esac
done
exec "${real}" "$@"
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  const asked = async (): Promise<string[][]> =>
    (await readFile(`${path}.asked`, 'utf8'))
      .split('\n--\n')
      .filter(Boolean)
      .map((text) => text.split('\n'));
  return { path, asked };
}
