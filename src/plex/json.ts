import { EventLoopYield } from '../lib/event-loop-yield.js';

/** What is shorter cannot become more than the memory can hold. */
const SMALL_CHARS = 4_000_000;
const MAX_DEPTH = 100;
const MAX_VALUES = 5_000_000;
/** Characters read between two looks at the clock. */
const LOOK_EVERY = 250_000;

/**
 * Reads JSON. A long text is looked through first: a few megabytes of brackets become gigabytes of empty lists.
 * Throws an `Error` for what is damaged, too deep, or holds too many values.
 */
export async function parseJson(text: string): Promise<unknown> {
  if (text.length > SMALL_CHARS) await checkShape(text);
  if (text.length < LOOK_EVERY) return JSON.parse(text);
  // A page of a library takes ten milliseconds: a turn of its own, apart from receiving it and from what is made of it.
  const loopYield = new EventLoopYield();
  await loopYield.pause();
  const value: unknown = JSON.parse(text);
  await loopYield.pause();
  return value;
}

async function checkShape(text: string): Promise<void> {
  const loopYield = new EventLoopYield();
  let depth = 0;
  let values = 0;
  let lookAt = LOOK_EVERY;
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === '"') at = endOfString(text, at);
    else if (mark === '[' || mark === '{') depth++;
    else if (mark === ']' || mark === '}') depth--;
    else if (mark !== ',') continue;
    values++;
    if (depth > MAX_DEPTH || values > MAX_VALUES) throw new Error('JSON that is too deep or too large');
    if (at < lookAt) continue;
    lookAt = at + LOOK_EVERY;
    if (loopYield.isDue) await loopYield.pause();
  }
}

/** Where the string that begins at `start` has its closing quote; the last character when it has none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length - 1;
}
