import { z } from 'zod';

/** A view of the library that the owner gave a name: filter and order, as in an address. */
export const SavedFilter = z.object({
  id: z.string(),
  name: z.string(),
  /** Query string without the question mark: `codec=mpeg4&sort=-sizeBytes`. */
  query: z.string(),
  /** What the library opens with. At most one is. */
  isDefault: z.boolean(),
  createdAt: z.string(),
});
export type SavedFilter = z.infer<typeof SavedFilter>;
