// Tells whether npm, which started us, is still there: who is killed passes no signal on.
import { readFileSync } from 'node:fs';

const SHELLS = new Set(['sh', 'dash', 'bash', 'ash', 'busybox', 'zsh']);

/** Answers a question to ask again and again: does npm still wait for us? Always yes for who was not started by npm. */
export function watchParents() {
  if (!process.env.npm_lifecycle_event) return () => true;
  const parent = process.ppid;
  const above = processAt(parent);
  // npm runs us through a shell; most shells put us in their own place, others wait between npm and us.
  const isShell = above !== null && SHELLS.has(above.name);
  return () => process.ppid === parent && (!isShell || processAt(parent)?.parent === above.parent);
}

/** Null where the system does not say. */
function processAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const nameEnd = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, nameEnd);
    return { name, parent: Number(stat.slice(nameEnd + 2).split(' ')[1]) };
  } catch {
    return null;
  }
}
