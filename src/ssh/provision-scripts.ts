import type { ProvisionFacts } from '../domain/workers/provision.js';

/**
 * What puts an ffmpeg on a worker. As in `scripts`, fixed texts for any POSIX `sh`. Those that take long are begun by `START`
 * and followed, so that a lost connection ends neither a download nor, worse, a package manager in the middle of its work;
 * they take their folder as `$1`, by which they are known as ours, and say everything to their log.
 */

/** Finds what only root, or only a Mac, has in its path. */
const WIDE_PATH = `
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin
export PATH`;

/** What `ProvisionFacts` are made of, a `name=value` on each line. */
export const FACTS = `${WIDE_PATH}
echo '== facts'
echo "system=$(uname -s)"
echo "machine=$(uname -m)"
echo "user=$(id -u)"
sudo -n true < /dev/null > /dev/null 2>&1 && echo sudo=yes
for program in curl wget tar xz apt-get dnf apk brew; do
  command -v "$program" > /dev/null 2>&1 && echo "program=$program"
done
echo "libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>/dev/null | head -n 1)"
for release in /etc/os-release /usr/lib/os-release; do
  [ -r "$release" ] && { sed -n -e 's/^ID=/family=/p' -e 's/^ID_LIKE=/family=/p' "$release"; break; }
done
exit 0`;

/** Reads what `FACTS` said; `driver` is known from elsewhere. Null when that was no answer to it at all. */
export function readFacts(answer: string, driver: string | null): ProvisionFacts | null {
  const lines = answer.split(/\r?\n/);
  const from = lines.indexOf('== facts');
  if (from < 0) return null;
  const all = (name: string): string[] =>
    lines.slice(from).flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1).trim()] : []));
  const system = all('system')[0] ?? '';
  return {
    system: system === 'Linux' ? 'linux' : system === 'Darwin' ? 'darwin' : 'other',
    machine: all('machine')[0] ?? '',
    families: all('family')
      .flatMap((text) => text.replace(/["']/g, '').split(/\s+/))
      .filter(Boolean),
    glibc: /^(?:glibc|ldd \(.*(?:GLIBC|GNU libc).*\)) +(\d+\.\d+)/.exec(all('libc')[0] ?? '')?.[1] ?? null,
    isRoot: all('user')[0] === '0',
    maySudo: all('sudo')[0] === 'yes',
    programs: all('program'),
    driver,
  };
}

/**
 * Loads `$1` into the file `$2`, or says it when that is `-`. An address of https stays one, whatever it is sent on to; who is
 * given nothing for a minute gives up.
 */
const FETCH = `
fetch() {
  case $1 in https:*) only='=https' ;; *) only='=http,https' ;; esac
  if command -v curl > /dev/null 2>&1; then
    exec curl -fsSL --proto "$only" --proto-redir "$only" --connect-timeout 15 --speed-limit 1000 --speed-time 60 --retry 2 -o "$2" "$1"
  fi
  exec wget -q -T 60 -O "$2" "$1"
}`;

/** `$1` address. Says what a small file holds. */
export const SHOW = `${WIDE_PATH}${FETCH}
fetch "$1" - < /dev/null`;

/** `$1` folder, `$2` step, `$3` address, `$4` file. Says in `$2.progress` how many bytes are there. Nothing is left of a part. */
export const DOWNLOAD = `${WIDE_PATH}${FETCH}
exec 1>&2
cd "$1" || exit 1
rm -f "$4"
fetch "$3" "$4.part" < /dev/null &
loading=$!
trap 'kill "$loading" 2>/dev/null; exit 143' TERM INT HUP
while kill -0 "$loading" 2>/dev/null; do
  printf 'bytes=%s\\nprogress=continue\\n' "$(if [ -f "$4.part" ]; then wc -c < "$4.part"; else echo 0; fi)" >> "$2.progress"
  sleep 0.3 2>/dev/null || sleep 1
done
wait "$loading" || { rc=$?; rm -f "$4.part"; exit "$rc"; }
mv -f "$4.part" "$4"`;

/** `$1` folder, `$2` name of an archive without its ending. Leaves the ffmpeg in it as `$2.ffmpeg`, and nothing else. */
export const UNPACK = `${WIDE_PATH}
exec 1>&2
cd "$1" || exit 1
rm -rf unpacked
mkdir unpacked || exit 1
member=$2/bin/ffmpeg
if ! xz -dc "$2.tar.xz" | tar -xf - -C unpacked "$member"; then
  member=$(xz -dc "$2.tar.xz" | tar -tf - | grep '/bin/ffmpeg$' | head -n 1)
  [ -n "$member" ] || { echo 'there is no ffmpeg in it'; exit 1; }
  xz -dc "$2.tar.xz" | tar -xf - -C unpacked "$member" || exit 1
fi
chmod 755 "unpacked/$member" && mv -f "unpacked/$member" "$2.ffmpeg" || exit 1
rm -rf unpacked "$2.tar.xz"`;

/**
 * `$1` our folder, `$2` a file that becomes our ffmpeg. One that is there stays beside it as `ffmpeg.previous`, and its name
 * never stands empty. Asked twice it does the same.
 */
export const PLACE = `
cd "$1" || exit 1
[ -f "$2" ] || { [ -f bin/ffmpeg ]; exit; }
mkdir -p bin || exit 1
rm -f bin/ffmpeg.previous
if [ -f bin/ffmpeg ]; then ln bin/ffmpeg bin/ffmpeg.previous || cp -p bin/ffmpeg bin/ffmpeg.previous || exit 1; fi
mv -f "$2" bin/ffmpeg`;

/** `$1` our folder: our ffmpeg is no longer found, and stays as `ffmpeg.previous`. Asked twice it does the same. */
export const SET_ASIDE = `
cd "$1" || exit 1
[ ! -f bin/ffmpeg ] || mv -f bin/ffmpeg bin/ffmpeg.previous`;

/** `$1` our folder, `$2` `none` when there was no ffmpeg of ours before. Puts back what was there. Asked twice it does the same. */
export const PUT_BACK = `
cd "$1" || exit 1
if [ "$2" = none ]; then rm -f bin/ffmpeg bin/ffmpeg.previous; exit 0; fi
[ -f bin/ffmpeg.previous ] || { [ -f bin/ffmpeg ]; exit; }
rm -f bin/ffmpeg.back
ln bin/ffmpeg.previous bin/ffmpeg.back || cp -p bin/ffmpeg.previous bin/ffmpeg.back || exit 1
mv -f bin/ffmpeg.back bin/ffmpeg
rm -f bin/ffmpeg.back`;

/**
 * `$1` folder, `$2` `refresh`, `simulate` or `install`, `$3` the package manager, `$4` `sudo` or nothing. Installs ffmpeg and
 * what it needs: nothing is upgraded for its own sake, nothing removed, and no service started anew.
 */
export const PACKAGE = `${WIDE_PATH}
exec 1>&2
cd "$1" || exit 1
as() {
  if [ "$by" = sudo ]; then set -- sudo -n env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@"
  else set -- env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@"; fi
  "$@" < /dev/null
}
by=$4
case "$3 $2" in
  'apt refresh') as apt-get -o DPkg::Lock::Timeout=300 update ;;
  'apt simulate') as apt-get -s -o DPkg::Lock::Timeout=300 install -y --no-install-recommends --no-remove ffmpeg ;;
  'apt install') as apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends --no-remove ffmpeg ;;
  'dnf simulate') as dnf --assumeno install ffmpeg-free; true ;;
  'dnf install') as dnf install -y ffmpeg-free ;;
  'apk refresh') as apk --wait 300 update ;;
  'apk simulate') as apk --wait 300 add --simulate ffmpeg ;;
  'apk install') as apk --wait 300 add ffmpeg ;;
  'brew install')
    NONINTERACTIVE=1 HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_INSTALL_UPGRADE=1 HOMEBREW_NO_INSTALL_CLEANUP=1
    export NONINTERACTIVE HOMEBREW_NO_AUTO_UPDATE HOMEBREW_NO_INSTALL_UPGRADE HOMEBREW_NO_INSTALL_CLEANUP
    as brew install ffmpeg ;;
  *) true ;;
esac`;
