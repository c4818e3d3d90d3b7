/** Mounts that hold no films: parts of the system, and what programs show of themselves. */
const NO_FILMS = [
  ...['proc', 'sysfs', 'devtmpfs', 'devpts', 'tmpfs', 'ramfs', 'cgroup*', 'securityfs', 'pstore', 'bpf', 'tracefs'],
  ...['debugfs', 'mqueue', 'hugetlbfs', 'configfs', 'fusectl', 'autofs', 'binfmt_misc', 'rpc_pipefs', 'nsfs', 'squashfs'],
  ...['efivarfs', 'fuse.lxcfs', 'fuse.gvfsd*', 'fuse.portal', 'fuse.snapfuse'],
].join('|'); // prettier-ignore

/**
 * `$1` seconds it may take, `$2` how deep, then what `find` is to look for. Looks through mounted disks, those of other machines
 * first, then through the folders of the root that may hold films; hidden folders are left out. Says the paths, each with a
 * NUL after it, and `late` at the end when the time was over. A disk that hangs holds up nobody but its own `find`, whose
 * words go into a file, so that it does not keep the connection's output open.
 */
export const FIND = `
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/sbin
export PATH
end=$(($(date +%s) + $1))
depth=$2
shift 2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mounts() {
  while read -r _ at kind _; do
    case $kind in ${NO_FILMS}) continue ;; esac
    case $at in / | /boot* | /etc/* | /usr/* | /snap/* | /proc/* | /sys/* | /dev/*) continue ;; esac
    case $kind in nfs* | cifs | smb* | fuse* | 9p | virtiofs | ceph*) order=1 ;; *) order=2 ;; esac
    echo "$order$at"
  done < /proc/self/mounts | sort -u | cut -c 2- | sed 's/\\\\040/ /g; s/\\\\134/\\\\/g'
}
{
  [ -r /proc/self/mounts ] && mounts
  for at in /Volumes/* /*; do
    case $at in
      '/Volumes/*' | /bin | /boot | /dev | /etc | /lib* | /proc | /run | /sbin | /snap | /sys | /usr | /nix | /System | /Library | /Applications | /private) ;;
      *) echo "$at" ;;
    esac
  done
} > "$dir/places"
while IFS= read -r at; do
  : > "$dir/found"
  find "$at" -xdev -maxdepth "$depth" -name '.?*' -prune -o -type f "$@" -exec printf '%s\\0' {} \\; > "$dir/found" 2>/dev/null < /dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null && [ "$(date +%s)" -lt "$end" ]; do sleep 0.1 2>/dev/null || sleep 1; done
  kill -KILL "$pid" 2>/dev/null
  head -c 100000 "$dir/found"
  [ "$(date +%s)" -lt "$end" ] || { printf 'late\\0'; break; }
done < "$dir/places"
exit 0`;
