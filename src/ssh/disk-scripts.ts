import { SHA } from './scripts.js';

/**
 * What MediaFlow does with files on a machine where media lie. As in `scripts`, fixed texts for any POSIX `sh`. Each ends with
 * the words of the system when it fails, in English, so that the caller knows why.
 */

const PLAIN = `
LC_ALL=C
export LC_ALL
umask 077`;

/** Ends with the system's words when nothing stands at `$1`. */
const MUST_STAND = `ls -d "$1" > /dev/null || exit 1`;

/** Ends as the system would when something stands at a path. */
const FREE = `
free() {
  if [ -e "$1" ] || [ -L "$1" ]; then echo 'File exists' >&2; exit 1; fi
}`;

const DEVICE = `
device() { stat -c %d "$1" 2>/dev/null || stat -f %d "$1"; }`;

/** `$1` `follow` or nothing, `$2` path. Says type and mode (hex), device, number, bytes, times of change and reading, names, owner, group. */
export const STAT = `${PLAIN}
if [ "$1" = follow ]; then set -- -L "$2"; else set -- "$2"; fi
if stat -c %i / > /dev/null 2>&1; then exec stat -c '%f %d %i %s %.9Y %.9X %h %u %g' "$@"; fi
exec stat -f '%Xp %d %i %z %Fm %Fa %l %u %g' "$@"`;

/** `$1` folder. Says the names in it, each ended by a zero byte. */
export const NAMES = `${PLAIN}
ls -d "$1/." > /dev/null && cd "$1" || exit 1
for name in * .[!.]* ..?*; do
  if [ -e "$name" ] || [ -L "$name" ]; then printf '%s\\0' "$name"; fi
done`;

/** `$1` folder. Says its path without links. */
export const REAL = `${PLAIN}
ls -d "$1/." > /dev/null && cd "$1" && pwd -P`;

/** `$1` folder: complains unless files in it can be read and made. */
export const ACCESS = `${PLAIN}
${MUST_STAND}
if [ -r "$1" ] && [ -w "$1" ] && [ -x "$1" ]; then exit 0; fi
echo 'Permission denied' >&2
exit 1`;

/** `$1` folder. Says the free KiB there. */
export const ROOM = `${PLAIN}
${MUST_STAND}
df -Pk "$1" | awk 'NR == 2 { print $4 }'`;

/** `$1` file. Says its hash. */
export const HASH = `${PLAIN}
${SHA}
${MUST_STAND}
sha < "$1"`;

/** `$1` gets the second name `$2`. */
export const LINK = `${PLAIN}
${FREE}
free "$2"
exec ln "$1" "$2"`;

/** `$1` gets the name `$2`. */
export const RENAME = `${PLAIN}
${DEVICE}
${MUST_STAND}
if [ -d "$2" ]; then echo 'Is a directory' >&2; exit 1; fi
folder=\${2%/*}
there=$(device "\${folder:-/}") || exit 1
if [ "$(device "$1")" != "$there" ]; then echo 'Invalid cross-device link' >&2; exit 1; fi
exec mv -f "$1" "$2"`;

/** `$1` goes. */
export const UNLINK = `${PLAIN}
exec rm "$1"`;

/** Makes the folder `$1`. */
export const MKDIR = `${PLAIN}
exec mkdir "$1"`;

/** Makes the folder `$1` and all above it. Says the first that was made. */
export const MKDIRS = `${PLAIN}
at=$1
first=
while [ ! -d "$at" ]; do
  first=$at
  at=\${at%/*}
  at=\${at:-/}
done
[ -z "$first" ] && exit 0
mkdir -p "$1" && printf %s "$first"`;

/** Takes the empty folder `$1` away. */
export const RMDIR = `${PLAIN}
exec rmdir "$1"`;

/** `$1` path, `$2` permissions in octal. */
export const CHMOD = `${PLAIN}
exec chmod "$2" "$1"`;

/** `$1` path, `$2` numbers of owner and group with a colon between. */
export const CHOWN = `${PLAIN}
exec chown "$2" "$1"`;

/** `$1` path; `$2` and `$3` seconds of reading and change; `$4` and `$5` the same as `touch -t` wants them, in UTC. */
export const UTIMES = `${PLAIN}
if touch -a -d "@$2" "$1" 2> /dev/null; then exec touch -m -d "@$3" "$1"; fi
TZ=UTC0
export TZ
touch -a -t "$4" "$1" && exec touch -m -t "$5" "$1"`;

/** `$1` path, `$2` what a new file there holds. */
export const WRITE_NEW = `${PLAIN}
${FREE}
free "$1"
printf %s "$2" > "$1" && { sync "$1" 2> /dev/null || sync; }`;

/** Brings `$1` to the disk; where that cannot be done for one file, everything. */
export const SYNC = `${PLAIN}
${MUST_STAND}
sync "$1" 2> /dev/null || sync`;

/** `$1` is copied to `$2`; `again` as `$3`: an earlier try may have left something there. Says the hash of what was copied. */
export const COPY = `${PLAIN}
${SHA}
${FREE}
[ "$3" = again ] && rm -f "$2"
free "$2"
cp "$1" "$2" && sha < "$1"`;
