// Does nothing, and says how late its timers were meanwhile.
import { watchLoop } from './watch-loop.js';
import { answer } from './child.js';

const watch = await watchLoop();
process.on('message', () => {
  answer({ blockedMs: watch.stop() });
});
process.send?.('ready');
