// The container's health check: 0 when MediaFlow says that it is ready.
const base = (process.env.MEDIAFLOW_URL_BASE ?? '').replace(/\/+$/, '');
const port = process.env.PORT ?? '9876';
try {
  const response = await fetch(`http://127.0.0.1:${port}${base}/readyz`, { signal: AbortSignal.timeout(4000) });
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
