import { withoutEnd } from '../../lib/without-end.js';

/** One folder as the media server sees it, and as this machine sees it. */
export interface PathMapping {
  from: string;
  to: string;
  /** Of the server that sees it so; without one it counts for all of them. */
  serverId?: string;
}

/** Those that count for a server; its own first, for they win over others of the same length. */
export const mappingsOf = (serverId: string, mappings: readonly PathMapping[]): PathMapping[] => [
  ...mappings.filter((mapping) => mapping.serverId === serverId),
  ...mappings.filter((mapping) => mapping.serverId === undefined),
];

const isWindowsPath = (path: string): boolean => /^[A-Za-z]:[\\/]/.test(path) || path.startsWith('\\\\');
const trimEnd = (path: string): string => (path.length > 1 ? withoutEnd(path, '\\/') : path);

/** Where this machine sees a server path: the longest mapping whose folder contains it, or null. */
export function toLocalPath(serverPath: string, mappings: readonly PathMapping[]): string | null {
  const rest = longestRest(serverPath, mappings, 'from');
  if (!rest) return null;
  const tail = isWindowsPath(rest.mapping.from) ? rest.tail.replaceAll('\\', '/') : rest.tail;
  return joinTail(rest.mapping.to, tail, '/');
}

/** The reverse: where the media server sees a local path, or null. */
export function toServerPath(localPath: string, mappings: readonly PathMapping[]): string | null {
  const rest = longestRest(localPath, mappings, 'to');
  if (!rest) return null;
  const isWindows = isWindowsPath(rest.mapping.from);
  return joinTail(rest.mapping.from, isWindows ? rest.tail.replaceAll('/', '\\') : rest.tail, isWindows ? '\\' : '/');
}

/** The local folder of the mapping that holds a path, or null: the boundary inside which files may be touched. */
export function localRootOf(localPath: string, mappings: readonly PathMapping[]): string | null {
  const rest = longestRest(localPath, mappings, 'to');
  return rest ? trimEnd(rest.mapping.to) : null;
}

/** Whether `path` is `folder` or lies below it; `/tv2` does not lie below `/tv`. */
export function isInside(path: string, folder: string): boolean {
  return tailOf(path, folder) !== null;
}

function longestRest(
  path: string,
  mappings: readonly PathMapping[],
  side: 'from' | 'to',
): { mapping: PathMapping; tail: string } | null {
  let best: { mapping: PathMapping; tail: string } | null = null;
  for (const mapping of mappings) {
    const tail = tailOf(path, mapping[side]);
    if (tail !== null && (!best || trimEnd(mapping[side]).length > trimEnd(best.mapping[side]).length))
      best = { mapping, tail };
  }
  return best;
}

/** What follows `folder` in `path`, without a leading separator; null when it is not below. `..` never counts as below. */
function tailOf(path: string, folder: string): string | null {
  const base = trimEnd(folder);
  const isWindows = isWindowsPath(base);
  const fold = (text: string): string => (isWindows ? text.toLowerCase().replaceAll('\\', '/') : text);
  const [whole, start] = [fold(path), fold(base)];
  if (whole === start) return '';
  const prefix = start === '/' ? '/' : `${start}/`;
  if (!whole.startsWith(prefix)) return null;
  const tail = path.slice(prefix.length);
  return tail.split(isWindows ? /[\\/]/ : '/').includes('..') ? null : tail;
}

const joinTail = (folder: string, tail: string, separator: string): string =>
  tail === '' ? trimEnd(folder) : trimEnd(folder) === '/' ? `/${tail}` : `${trimEnd(folder)}${separator}${tail}`;

/** The folder a server path lies in, with the server's own separators and none at the end. */
export function serverFolderOf(serverPath: string): string {
  const at = isWindowsPath(serverPath)
    ? Math.max(serverPath.lastIndexOf('\\'), serverPath.lastIndexOf('/'))
    : serverPath.lastIndexOf('/');
  return at <= 0 ? serverPath.slice(0, 1) : serverPath.slice(0, at);
}

/** The same path with another extension (with its dot). */
export function withExtension(path: string, extension: string): string {
  const start = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1;
  const dot = path.lastIndexOf('.');
  return (dot > start ? path.slice(0, dot) : path) + extension;
}

/** What of a name's ending may travel: enough for ffmpeg to know a container by, and nothing that is not plain. */
export function plainExtension(path: string): string {
  const [extension = ''] = /\.[a-z0-9]{1,8}$/.exec(path.toLowerCase()) ?? [];
  return path.length > extension.length && !path.endsWith(`/${extension}`) ? extension : '';
}
