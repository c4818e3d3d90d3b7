const isWindowsPath = (path: string): boolean => /^[A-Za-z]:[\\/]/.test(path) || path.startsWith('\\\\');

/** The last part of a path as the server sees it, Windows or not. */
export function serverBasename(path: string): string {
  const parts = isWindowsPath(path) ? path.split(/[\\/]/) : path.split('/');
  return parts.at(-1) ?? path;
}

/** Whether two server paths name one file: Windows ignores case, and a Mac or SMB share may compose letters differently. */
export function isSameServerPath(a: string, b: string): boolean {
  if (a === b) return true;
  const fold = (path: string): string => {
    const composed = path.normalize('NFC');
    return isWindowsPath(path) ? composed.toLowerCase().replaceAll('/', '\\') : composed;
  };
  return fold(a) === fold(b);
}
