/**
 * What MediaFlow runs on a worker: fixed texts for any POSIX `sh` with the tools of coreutils, busybox or macOS. Everything
 * that varies comes as an argument.
 */

/** SHA-256 of what comes in, as hex, by whatever the machine has. */
export const SHA = `
sha() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256
  else openssl dgst -sha256 -r; fi | cut -c 1-64
}`;

/** Only a process that has our folder in its arguments is ours: numbers of processes are given out again. */
const OURS = `
ours() {
  [ -n "$1" ] && kill -0 "$1" 2>/dev/null || return 1
  if [ -r "/proc/$1/cmdline" ]; then tr '\\0' ' ' < "/proc/$1/cmdline" | grep -qF -- "$2"
  else ps -p "$1" -o args= 2>/dev/null | grep -qF -- "$2"; fi
}`;

/** Ends step by step whatever runs in the job folder `$1`, and takes the folder away. */
const END = `
end_job() (
  cd "$1" 2>/dev/null || exit 0
  rm -f go
  n=0
  while [ -e starting ] && [ "$n" -lt 20 ]; do sleep 0.1 2>/dev/null || sleep 1; n=$((n + 1)); done
  for signal in TERM KILL; do
    n=0
    for p in *.pid; do
      [ -e "$p" ] || continue
      pid=$(cat "$p"); ours "$pid" "$1" && kill -s "$signal" "$pid" 2>/dev/null
    done
    while [ "$n" -lt 25 ]; do
      alive=0
      for p in *.pid; do [ -e "$p" ] && ours "$(cat "$p")" "$1" && alive=1; done
      [ "$alive" -eq 0 ] && break
      sleep 0.2 2>/dev/null || sleep 1; n=$((n + 1))
    done
  done
  cd / && rm -rf "$1"
)`;

/** Where programs lie on every system we know of; what MediaFlow installed itself goes before. */
const TOOLS = `
PATH=$PWD/bin:$PATH:/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin
export PATH`;

/**
 * `$1` scratch folder or nothing, `$2` name of ours in it. Says where our folder is, then where ffmpeg is (an empty line for
 * nowhere), then the render nodes of graphics cards, each on a line.
 */
export const PREPARE = `
base=\${1:-\${XDG_CACHE_HOME:-$HOME/.cache}}
dir=$base/$2
umask 077
mkdir -p "$dir/jobs" || exit 1
cd "$dir" || exit 1
pwd -P
${TOOLS}
command -v ffmpeg || echo
for node in /dev/dri/renderD*; do [ -e "$node" ] && echo "$node"; done
exit 0`;

/** `$1` absolute path of ffmpeg, then its arguments: runs it with a bare environment, for tests that take a moment. */
export const FFMPEG = `
LC_ALL=C.UTF-8 SVT_LOG=1
export LC_ALL SVT_LOG
exec "$@" < /dev/null`;

/** `$1` job folder. Says the free KiB there; makes it when it is not there. */
export const MAKE_JOB = `
umask 077
mkdir -p "$1/scratch" || exit 1
df -Pk "$1" | awk 'NR == 2 { print $4 }'`;

/** `$1` folder, `$2` file in it. Says its size in bytes, or nothing. */
export const SIZE_OF = `cd "$1" 2>/dev/null && [ -f "$2" ] && wc -c < "$2" || true`;

/** `$1` folder, `$2` file in it, `$3` name it gets when its hash is `$4`. */
export const ACCEPT = `${SHA}
cd "$1" || exit 1
seen=$(sha < "$2")
echo "$seen"
if [ "$seen" = "$4" ]; then mv -f "$2" "$3"; else rm -f "$2"; fi`;

/** `$1` folder, `$2` file in it. Says its hash. */
export const HASH_OF = `${SHA}
cd "$1" && [ -f "$2" ] && sha < "$2"`;

/** `$1` folder, `$2` file in it, `$3` bytes of a part and `$4` number of parts. Says the hash of each, on a line. */
export const HASHES_OF = `${SHA}
cd "$1" && [ -f "$2" ] || exit 1
n=0
while [ "$n" -lt "$4" ]; do
  dd if="$2" bs="$3" skip="$n" count=1 2>/dev/null | sha
  n=$((n + 1))
done`;

export const SAMPLE_BYTES = 1 << 20;

/** `$1` file. Says its size, and the hashes of its first MiB, of one in the middle and of the last one, each on a line. */
export const SAMPLE_OF = `${SHA}
[ -f "$1" ] || exit 1
size=$(wc -c < "$1") || exit 1
echo "$size"
head -c ${SAMPLE_BYTES} "$1" | sha
dd if="$1" bs=${SAMPLE_BYTES} skip="$((size / ${2 * SAMPLE_BYTES}))" count=1 2>/dev/null | sha
tail -c ${SAMPLE_BYTES} "$1" | sha`;

/** `$1` folder in which a file `asked` is to hold `$2`. Writes `$3` into a file `answered` beside it. */
export const ANSWER = `
cd "$1" || exit 1
[ "$(cat asked)" = "$2" ] || { echo 'it holds other files there' >&2; exit 1; }
printf %s "$3" > answered.new && mv answered.new answered`;

/** `$1` folder, `$2` file in it, `$3` first and `$4` number of blocks of 64 KiB. */
export const GET = `cd "$1" && exec dd if="$2" bs=65536 skip="$3" count="$4" 2>/dev/null`;

/**
 * `$1` job folder, `$2` step, then the program and its arguments. Begins a step once, however often it is asked. Returns at once; the program runs on, whatever becomes of
 * the connection, with its number in `$2.pid` and its exit code in `$2.rc`. Every command stands alone: with `&&` before it, the
 * shell in the background would keep the connection's output open.
 */
export const START = `
cd "$1" || exit 1
step=$2
shift 2
LC_ALL=C.UTF-8 SVT_LOG=1
export LC_ALL SVT_LOG
mkdir "$step.lock" 2>/dev/null || { echo begun; exit 0; }
: > starting
: > go
run='
  step=$1; shift
  nice=nice; command -v nice >/dev/null 2>&1 || nice=
  if [ -n "$nice" ]; then nice -n 10 "$@" > /dev/null 2> "$step.log" < /dev/null &
  else "$@" > /dev/null 2> "$step.log" < /dev/null & fi
  pid=$!
  echo "$pid" > "$step.pid.new"
  mv "$step.pid.new" "$step.pid"
  rm -f starting
  [ -e go ] || kill "$pid"
  wait "$pid"
  rc=$?
  echo "$rc" > "$step.rc.new"
  mv "$step.rc.new" "$step.rc"
'
if command -v setsid >/dev/null 2>&1; then
  setsid sh -c "$run" mediaflow "$step" "$@" < /dev/null > /dev/null 2>&1 &
else
  nohup sh -c "$run" mediaflow "$step" "$@" < /dev/null > /dev/null 2>&1 &
fi
echo begun`;

/**
 * `$1` job folder, `$2` step, `$3` how many bytes of its log are known. Says in the first line how it is
 * (`none`, `starting`, `running`, `ended <code>`, `gone` for one that ended without a word), then the last figures of ffmpeg,
 * then `log`, its size in bytes, and what is new in it.
 */
export const LOOK = `${OURS}
cd "$1" 2>/dev/null || { echo none; echo log 0; exit 0; }
state() {
  if [ -f "$1.rc" ]; then echo "ended $(cat "$1.rc")"
  elif [ -f "$1.pid" ]; then if ours "$(cat "$1.pid")" "$2"; then echo running; else echo gone; fi
  elif [ -e starting ]; then echo starting
  else echo none; fi
}
now=$(state "$2" "$1")
if [ "$now" = gone ]; then sleep 1; now=$(state "$2" "$1"); fi
echo "$now"
[ -f "$2.progress" ] && tail -c 1500 "$2.progress"
echo "log $(if [ -f "$2.log" ]; then wc -c < "$2.log"; else echo 0; fi)"
[ -f "$2.log" ] && tail -c "+$(($3 + 1))" "$2.log" | head -c 100000
exit 0`;

/** `$1` job folder, `$2` step: forgets a step that ended without a word, so that it can begin again. */
export const FORGET = `cd "$1" && rm -rf "$2.lock" "$2.rc" "$2.pid" "$2.progress" starting`;

/** `$1` job folder: ends what runs in it and removes it. Succeeds when nothing is left. */
export const END_JOB = `${OURS}${END}
end_job "$1"
[ ! -e "$1" ]`;

/** `$1` our folder, then the names of the jobs that stay. Ends and removes all others, and says their names. */
export const SWEEP = `${OURS}${END}
root=$1
shift
cd "$root/jobs" 2>/dev/null || exit 0
for job in *; do
  [ -d "$job" ] || continue
  for kept in "$@"; do [ "$job" = "$kept" ] && continue 2; done
  end_job "$root/jobs/$job"
  echo "$job"
done`;

/**
 * A fixed command that takes a folder and a file in it (with `\\` for a backslash and `\n` for a line's end), then a first
 * block of 64 KiB, each on a line, then what goes into the file from there.
 */
export const PUT_COMMAND = `sh -c 'umask 077; IFS= read -r d && IFS= read -r f && IFS= read -r n && d=$(printf %b "$d.") && f=$(printf %b "$f.") && cd "\${d%.}" && exec dd of="\${f%.}" bs=65536 seek="$n" conv=notrunc'`;

/** A name as `PUT_COMMAND` takes it. */
export const onOneLine = (name: string): string => name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
