import { all, one } from './page.js';

/** How far a job is, as the socket tells it. */
export interface JobProgress {
  jobId: string;
  percent: number;
  fps: number | null;
  /** How many times faster than the film plays. */
  speed: number | null;
  etaSec: number | null;
}

function leftOf(etaSec: number | null): string {
  if (etaSec === null) return '';
  if (etaSec < 90) return `${Math.round(etaSec)} s left`;
  const minutes = Math.round(etaSec / 60);
  if (etaSec < 5400) return `${minutes} min left`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min left`;
}

/** Writes the progress of a job wherever the page shows that job. */
export function showProgress({ jobId, percent, fps, speed, etaSec }: JobProgress): void {
  const whole = Math.floor(percent);
  for (const row of all('[data-job]')) {
    if (row.dataset['job'] !== jobId) continue;
    const write = (name: string, text: string | null): void => {
      const place = one(`[data-job-${name}]`, row);
      if (place && text !== null) place.textContent = text;
    };
    for (const bar of all<HTMLProgressElement>('progress', row)) bar.value = percent;
    const place = one('[data-job-percent]', row);
    if (place) place.textContent = place.closest('.now-pct, .end') ? String(whole) : `${whole} %`;
    write('text', `${whole} %`);
    write('left', leftOf(etaSec));
    write('fps', fps ? `${Math.round(fps)} fps` : null);
    const times = speed ? `${Math.round(speed * 10) / 10}` : null;
    write('speed', times && (row.closest('.dock') ? `, ${times}× real time` : `${times} times real time`));
  }
}
