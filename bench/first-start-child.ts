// A browser that opens the library again and again while the program at an address reads it for the first time; says how
// long each page took, and when the first analysis was stored.
import { io } from 'socket.io-client';
import { answer } from './child.js';

const [url = '', cookie = '', limitMs = '0'] = process.argv.slice(2);
const PAUSE_MS = 100;
const endsAt = performance.now() + Number(limitMs);

const headers = { Cookie: cookie };
const pages: number[] = [];
const socket = io(url, { path: '/socket.io', extraHeaders: headers, transports: ['websocket'] });
const analysis = { isOver: false };
const over = new Promise<number>((resolve) => {
  socket.on('analysis.completed', () => {
    analysis.isOver = true;
    resolve(Date.now());
  });
});
while (!analysis.isOver) {
  if (performance.now() > endsAt) throw new Error(`the first analysis was not over after ${limitMs} ms`);
  const start = performance.now();
  const response = await fetch(`${url}/library`, { headers });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`the library answered ${response.status}`);
  pages.push(performance.now() - start);
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
socket.close();
answer({ pages, endedAt: await over });
