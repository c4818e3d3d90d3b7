import { z } from 'zod';

/** One or several choices: repeated, comma-separated, or a single one. Empty means "any". */
export const Choices = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((value) =>
    [value]
      .flat()
      .flatMap((text) => text.split(','))
      .map((text) => text.trim())
      .filter(Boolean),
  );
