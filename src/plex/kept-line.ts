/** So many connections that were kept may be gone at once. */
const MOST_GONE = 5;

/**
 * A server closes connections that rest when it likes, perhaps in the moment in which one of them is used again: what such a one
 * never carried is asked once more over another. Only for what may be asked twice.
 */
export async function overLivingLine<T>(ask: () => Promise<T>): Promise<T> {
  for (let gone = 0; ; gone++) {
    try {
      return await ask();
    } catch (error) {
      const { code, request } = error as { code?: unknown; request?: { reusedSocket?: unknown } | undefined };
      if (code !== 'ECONNRESET' || request?.reusedSocket !== true || gone === MOST_GONE) throw error;
    }
  }
}
