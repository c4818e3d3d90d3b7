import { LOCAL_WORKER_ID } from './worker.js';

/** This machine, and the name under which MediaFlow's own key is kept among those of workers. */
const RESERVED: ReadonlySet<string> = new Set([LOCAL_WORKER_ID, 'own-key']);

/**
 * The id of a new worker: its name in letters, digits and dashes, for it stands in the paths of what lies there
 * (`/ssh:nas/volume1/Films`). With a number where `isTaken` says so.
 */
export function workerIdFor(name: string, isTaken: (id: string) => boolean): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
  const base = plain === '' ? 'worker' : plain;
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!RESERVED.has(id) && !isTaken(id)) return id;
  }
}
