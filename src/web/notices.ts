import { formatLineSpeed } from '../lib/units.js';
import { withoutEnd } from '../lib/without-end.js';

// What the owner is told when a form went well. Each is given what its action returned.

export const say = (text: string) => () => text;
export const outcome = (result: { outcome: string }): string => result.outcome;
export const queued = ({
  items,
  refused = [],
}: {
  items: readonly unknown[];
  refused?: readonly { message: string; count?: number }[];
}): string => {
  const done = `${items.length} ${items.length === 1 ? 'job' : 'jobs'} queued.`;
  const leftOut = refused.reduce((sum, { count = 1 }) => sum + count, 0);
  return leftOut === 0 ? done : `${withoutEnd(`${done} ${leftOut} left out: ${refused[0]?.message ?? ''}`, '.')}.`;
};
export const approved = ({
  items,
  kept,
  isCovered,
}: {
  items: readonly { title: string }[];
  kept: { title: string } | null;
  isCovered: boolean;
}): string => {
  if (isCovered) return 'There is a job for this file already. It covers this recommendation.';
  if (kept !== null) return `The surplus version of ${kept.title} is in quarantine.`;
  return items.length === 1 ? `${items[0]?.title ?? 'It'} is queued.` : `${items.length} jobs are queued.`;
};
export const approvedMany = (result: {
  items: readonly unknown[];
  kept: number;
  refused: readonly { message: string }[];
}): string => {
  const copies = `${result.kept} surplus ${result.kept === 1 ? 'version is' : 'versions are'} in quarantine.`;
  return result.kept > 0 ? `${queued(result)} ${copies}` : queued(result);
};
export const changedMany =
  (done: string) =>
  ({ changed, skipped }: { changed: number; skipped: number }): string =>
    `${changed} ${changed === 1 ? 'recommendation is' : 'recommendations are'} ${done}.${skipped > 0 ? ` ${skipped} had been decided before.` : ''}`;
export const snoozed = ({ recommendation }: { recommendation: { snoozedUntil: string | null } }): string =>
  `Snoozed until ${recommendation.snoozedUntil?.slice(0, 10) ?? 'later'}.`;
export const analyzed = ({
  items,
  findings,
  error,
}: {
  items: number;
  findings: number;
  error: string | null;
}): string =>
  error ??
  `Analyzed ${items} ${items === 1 ? 'title' : 'titles'}: ${findings} ${findings === 1 ? 'recommendation' : 'recommendations'}.`;
const BULK_DONE = {
  retry: 'queued again',
  cancel: 'cancelled',
  exclude: 'cleared, with their items excluded',
  clear: 'cleared',
};
export const bulkDone = (result: {
  action: keyof typeof BULK_DONE;
  changed: number;
  refused: readonly { message: string }[];
}): string => {
  const done = `${result.changed} ${result.changed === 1 ? 'job is' : 'jobs are'} ${BULK_DONE[result.action]}.`;
  return result.refused.length === 0
    ? done
    : `${done} ${result.refused.length} left out: ${result.refused[0]?.message ?? ''}`;
};
export const connected = ({ name, kind }: { name: string; kind: string }): string =>
  kind === 'relay'
    ? `Connected to ${name}, but only over Plex's relay, which is slow. Set up a direct connection when you can.`
    : `Connected to ${name}.`;

export const named =
  (what: string) =>
  ({ name }: { name: string }): string =>
    `${name} ${what}`;
export const measured = ({ name, line }: { name: string; line: { upMbps: number; downMbps: number } | null }): string =>
  `${name}: ${formatLineSpeed(line?.upMbps ?? 0)} up, ${formatLineSpeed(line?.downMbps ?? 0)} down.`;
