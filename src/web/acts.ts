import type { RequestHandler } from 'express';

/** Counts what people and scripts do, as opposed to look at: whoever did something sees the outcome. */
export class Acts {
  #count = 0;
  #underway = 0;

  /** Another number than before: somebody did something since. Null while somebody does. */
  get count(): number | null {
    return this.#underway > 0 ? null : this.#count;
  }

  readonly watch: RequestHandler = (req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      this.#count++;
      this.#underway++;
      res.once('close', () => this.#underway--);
    }
    next();
  };
}
