import DataLoader from 'dataloader';

/**
 * Asks for many things at once: what somebody wants while one question is under way is asked for with the next, at most `most` together.
 * Nobody waits who comes alone. `ask` answers in the order of its keys; an error in place of an answer is for that one only.
 */
export function together<Key, Value>(
  ask: (keys: readonly Key[]) => Promise<readonly (Value | Error)[]>,
  most: number,
): (key: Key) => Promise<Value> {
  let last: Promise<unknown> = Promise.resolve();
  const loader = new DataLoader<Key, Value>(
    (keys) => {
      const asked = ask(keys);
      last = asked.catch(() => undefined);
      return asked;
    },
    { cache: false, maxBatchSize: most, batchScheduleFn: (begin) => void last.then(begin) },
  );
  return (key) => loader.load(key);
}
