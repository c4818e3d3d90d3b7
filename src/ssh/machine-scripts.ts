import type { Gpu, WorkerMetrics } from '../domain/workers/worker.js';

/**
 * What a machine is asked about itself, and how its answer is read. As in `scripts`, fixed texts for any POSIX `sh`; what a
 * machine does not have is left out of the answer, and an answer nobody expected is no answer.
 */

/** Finds the tools that only root has in its path, and says where our folder is or would be (`$1` and `$2` as in `PREPARE`). */
const OPENING = `
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/wsl/lib:/opt/homebrew/bin
LC_ALL=C
export PATH LC_ALL
dir=\${1:-\${XDG_CACHE_HOME:-$HOME/.cache}}/$2
until [ -d "$dir" ]; do
  case $dir in /?*) dir=\${dir%/*}; dir=\${dir:-/} ;; *) dir=. ;; esac
done
exec 2>/dev/null
echo '== disk'
df -Pk -- "$dir"
echo '== memory'
grep -E '^(MemTotal|MemFree|MemAvailable|Buffers|Cached):' /proc/meminfo || sysctl hw.memsize
`;

/**
 * Asks nvidia-smi, for so many seconds at most. A driver in trouble lets it hang so that nothing can end it; then only the
 * process that passes its words on is ended, because whoever holds the connection's output keeps it open.
 */
const CARD = `
card() {
  left=$(($1 * 10 + 10)); limit=
  timeout 1 true && limit="timeout -s KILL $1"
  shift
  command -v nvidia-smi > /dev/null || return 0
  $limit nvidia-smi "$@" --format=csv,noheader,nounits < /dev/null | cat &
  relay=$!
  while kill -0 "$relay"; do
    [ "$left" -gt 0 ] || { kill "$relay"; echo; echo '== stuck'; return 0; }
    sleep 0.1 || { sleep 1; left=$((left - 9)); }
    left=$((left - 1))
  done
}`;

/** `$1` scratch folder or nothing, `$2` name of ours in it, `$3` empty when nvidia-smi is not to be asked. Takes a second or two. */
export const MEASURE = `${OPENING}${CARD}
if [ -r /proc/stat ]; then
  echo '== processor'
  head -n 1 /proc/stat
  sleep 0.5 || sleep 1
  head -n 1 /proc/stat
elif [ "$(uname)" = Darwin ]; then
  echo '== pages'
  vm_stat
  echo '== top'
  top -l 2 -n 0 -s 1 < /dev/null | grep '^CPU usage'
fi
echo '== heat'
for zone in /sys/class/thermal/thermal_zone*; do
  read -r name < "$zone/type" && read -r heat < "$zone/temp" && echo "$heat $name"
done
for chip in /sys/class/hwmon/hwmon*; do
  read -r name < "$chip/name" && read -r heat < "$chip/temp1_input" && echo "$heat $name"
done
echo '== card'
[ -n "$3" ] && card 3 --query-gpu=utilization.gpu,temperature.gpu
exit 0`;

/** `$1` scratch folder or nothing, `$2` name of ours in it. */
export const DESCRIBE = `${OPENING}${CARD}
echo '== release'
cat /etc/os-release || cat /usr/lib/os-release
echo '== mac'
[ "$(uname)" = Darwin ] && sw_vers
echo '== kernel'
uname -sr
echo '== model'
grep -E '^(model name|Model|Hardware|cpu model)[[:space:]]*:' /proc/cpuinfo | sort -u | head -n 8
lscpu | grep '^Model name:'
[ "$(uname)" = Darwin ] && echo "model name: $(sysctl -n machdep.cpu.brand_string)"
echo "machine: $(uname -m)"
echo '== cores'
nproc || getconf _NPROCESSORS_ONLN || sysctl -n hw.ncpu
echo '== pci'
lspci | grep -E '(VGA compatible|3D|Display) controller'
echo '== drm'
for device in /sys/class/drm/card*/device; do
  case $device in *card*-*) continue ;; esac
  read -r vendor < "$device/vendor" && echo "$vendor $(basename "$(readlink "$device/driver")")"
done
[ "$(uname)" = Darwin ] && { echo '== displays'; system_profiler SPDisplaysDataType < /dev/null | grep 'Chipset Model'; }
echo '== card'
card 15 --query-gpu=name,driver_version,memory.total
exit 0`;

/** `$1` job folder, `$2` bytes. Makes `sample` in it at least as large, of noise that nothing on the way makes smaller. */
export const SAMPLE = `
cd "$1" || exit 1
[ -s sample ] || dd if=/dev/urandom of=sample bs=65536 count=16 2>/dev/null || exit 1
while [ $(wc -c < sample) -lt "$2" ]; do
  cat sample sample > more || exit 1
  mv -f more sample || exit 1
done`;

/** `$1` a file that is no longer wanted. */
export const REMOVE = `rm -f -- "$1"`;

/** How a machine is. `isCardStuck`: nvidia-smi never came back, and should be left alone. */
export type MachineState = Omit<WorkerMetrics, 'at'> & { isCardStuck: boolean };

/** What a machine is; zero where it does not say a number. */
export interface MachineDescription {
  os: string;
  cpu: string;
  cores: number;
  memoryBytes: number;
  scratchFreeBytes: number;
  gpus: Gpu[];
  isCardStuck: boolean;
}

type Sections = ReadonlyMap<string, readonly string[]>;

const CPU_SENSOR = /cpu|pkg_temp|coretemp|k10temp|k8temp|zenpower|soc[-_]thermal/i;
const VENDORS: Readonly<Record<string, string>> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel' };

/** Reads what `MEASURE` said. Null when that was no answer to it at all. */
export function readState(answer: string): MachineState | null {
  const said = sectionsOf(answer);
  if (!said.has('card')) return null;
  const memory = memoryOf(said);
  const cards = (said.get('card') ?? []).map((line) => {
    const [load, heat] = line.split(',');
    return { load: numberOf(load, 0, 100), heat: heatOf(heat) };
  });
  const busiest = cards.reduce<(typeof cards)[number] | null>(
    (most, card) => (most === null || (card.load ?? -1) > (most.load ?? -1) ? card : most),
    null,
  );
  return {
    cpuPercent: loadOf(said),
    gpuPercent: busiest?.load ?? null,
    memoryUsedBytes: memory.used,
    memoryBytes: memory.total,
    scratchFreeBytes: freeOf(said),
    temperatureC: busiest?.heat ?? processorHeat(said),
    isCardStuck: said.has('stuck'),
  };
}

/** Reads what `DESCRIBE` said. Null when that was no answer to it at all. */
export function readDescription(answer: string): MachineDescription | null {
  const said = sectionsOf(answer);
  if (!said.has('card')) return null;
  return {
    os: systemOf(said),
    cpu: modelOf(said),
    cores: numberOf(said.get('cores')?.[0], 1, 100_000) ?? 0,
    memoryBytes: memoryOf(said).total ?? 0,
    scratchFreeBytes: freeOf(said) ?? 0,
    gpus: gpusOf(said),
    isCardStuck: said.has('stuck'),
  };
}

/** What a login says before our first heading is not ours. */
function sectionsOf(answer: string): Sections {
  const sections = new Map<string, string[]>();
  let lines: string[] | null = null;
  for (const line of answer.split(/\r?\n/)) {
    const name = /^== (\w+)$/.exec(line)?.[1];
    if (name !== undefined) sections.set(name, (lines = []));
    else if (line.trim() !== '') lines?.push(line.trim());
  }
  return sections;
}

/** Null for what is no plain number, or none between `least` and `most`. */
function numberOf(text: string | undefined, least: number, most: number): number | null {
  if (text === undefined || !/^\s*-?\d+(\.\d+)?\s*$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

/** Sensors that are not connected say -128, 0 or 255. */
const heatOf = (text: string | undefined): number | null => numberOf(text, 1, 150);

/** Of `df -Pk`, in bytes; names of devices and folders may have spaces in them. */
function freeOf(said: Sections): number | null {
  const blocks = / \d+ +-?\d+ +(\d+) +(?:\d+%|-) /.exec(said.get('disk')?.at(-1) ?? '')?.[1];
  const kibibytes = numberOf(blocks, 0, Number.MAX_SAFE_INTEGER / 1024);
  return kibibytes === null ? null : kibibytes * 1024;
}

function memoryOf(said: Sections): { total: number | null; used: number | null } {
  const kib = new Map<string, number>();
  for (const line of said.get('memory') ?? []) {
    const [, name = '', value = ''] = /^(\w+): +(\d+) kB$/.exec(line) ?? [];
    if (name !== '') kib.set(name, Number(value) * 1024);
    const bytes = /^hw\.memsize[:=] *(\d+)$/.exec(line)?.[1];
    if (bytes !== undefined) return { total: Number(bytes), used: usedOf(said.get('pages') ?? []) };
  }
  const total = kib.get('MemTotal') ?? null;
  // Kernels before 3.14 do not say what is available.
  const parts = ['MemFree', 'Buffers', 'Cached'].map((name) => kib.get(name));
  const guessed = parts.reduce<number | undefined>((sum, part) => (sum ?? 0) + (part ?? 0), undefined);
  const available = kib.get('MemAvailable') ?? (parts[0] === undefined ? undefined : guessed);
  const isKnown = total !== null && available !== undefined && available <= total;
  return { total, used: isKnown ? total - available : null };
}

/** Of `vm_stat`, what the Activity Monitor of a Mac calls used: of programs, wired, and compressed. */
function usedOf(lines: readonly string[]): number | null {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(lines[0] ?? '')?.[1]);
  const pages = (name: string): number =>
    Number(/: +(\d+)\.$/.exec(lines.find((line) => line.startsWith(`${name}:`)) ?? '')?.[1]);
  const own = pages('Anonymous pages') - pages('Pages purgeable');
  const used = pageBytes * (own + pages('Pages wired down') + pages('Pages occupied by compressor'));
  return Number.isSafeInteger(used) && used >= 0 ? used : null;
}

/** Percent of the time between two looks at /proc/stat that was neither idle nor spent waiting for disks. */
function loadOf(said: Sections): number | null {
  const idle = /(?<![\d.])([\d.]+)% idle/.exec(said.get('top')?.at(-1) ?? '')?.[1];
  const rest = numberOf(idle, 0, 100);
  if (rest !== null) return round(100 - rest);
  const [before, after] = (said.get('processor') ?? []).map((line) => {
    // What guests use is in what users use already.
    const times = /^cpu((?: +\d+){4,})$/.exec(line)?.[1]?.trim().split(/ +/).slice(0, 8).map(Number) ?? [];
    return { all: times.reduce((sum, time) => sum + time, 0), idle: (times[3] ?? NaN) + (times[4] ?? 0) };
  });
  if (!before || !after) return null;
  const [all, free] = [after.all - before.all, after.idle - before.idle];
  // Some counters are known to go back a little.
  return all > 0 && !Number.isNaN(free) ? round(Math.min(100, Math.max(0, 100 * (1 - free / all)))) : null;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** The hottest sensor that is known to be the processor's, degrees Celsius. */
function processorHeat(said: Sections): number | null {
  const heats = (said.get('heat') ?? []).flatMap((line) => {
    const [, value, name = ''] = /^(-?\d+) (.+)$/.exec(line) ?? [];
    const heat = CPU_SENSOR.test(name) ? heatOf(String(Number(value) / 1000)) : null;
    return heat === null ? [] : [heat];
  });
  return heats.length === 0 ? null : Math.max(...heats);
}

function systemOf(said: Sections): string {
  const mac = ['ProductName', 'ProductVersion'].flatMap(
    (key) => (said.get('mac') ?? []).find((line) => line.startsWith(`${key}:`))?.split(/:\s*/)[1] ?? [],
  );
  if (mac.length > 0) return mac.join(' ');
  const pretty = (said.get('release') ?? []).find((line) => line.startsWith('PRETTY_NAME='));
  const name = pretty?.slice('PRETTY_NAME='.length).replace(/^(["'])(.*)\1$/, '$2');
  return name ?? said.get('kernel')?.[0] ?? 'unknown';
}

/** The processor's own name where it says it, else the board's, else the kind of machine. */
function modelOf(said: Sections): string {
  const lines = (said.get('model') ?? []).map((line) => line.split(':', 2).map((part) => part.trim()));
  for (const wanted of ['model name', 'Model name', 'cpu model', 'Model', 'Hardware', 'machine']) {
    const name = lines.find(([key, value = '']) => key === wanted && value !== '' && value !== '-')?.[1];
    if (name !== undefined) return name.replace(/\s+/g, ' ');
  }
  return 'unknown';
}

function gpusOf(said: Sections): Gpu[] {
  const plain = (name: string, driver: string | null = null): Gpu => ({ name, driver, memoryBytes: null });
  const cards = (said.get('card') ?? []).flatMap((line): Gpu[] => {
    const [, name = '', driver = '', memory = ''] = /^(.+), ([\d.]+|\[?N.+), (\d+|\[?N.+)$/.exec(line) ?? [];
    if (name === '') return [];
    const mebibytes = numberOf(memory, 1, 1e9);
    return [{ name, driver: /^\d/.test(driver) ? driver : null, memoryBytes: mebibytes && mebibytes * 1024 ** 2 }];
  });
  if (cards.length > 0) return cards;
  const onBus = (said.get('pci') ?? []).flatMap((line) => / controller: (.+)$/.exec(line)?.[1] ?? []);
  if (onBus.length > 0) return onBus.map((name) => plain(name.replace(/ \(rev \w+\)$/, '')));
  const inMac = (said.get('displays') ?? []).flatMap((line) => /^Chipset Model: (.+)$/.exec(line)?.[1] ?? []);
  if (inMac.length > 0) return inMac.map((name) => plain(name));
  return (said.get('drm') ?? []).map((line) => {
    const [vendor = '', driver = ''] = line.split(' ');
    return plain(`${VENDORS[vendor] ?? `Vendor ${vendor}`} graphics`, driver === '' ? null : driver);
  });
}
