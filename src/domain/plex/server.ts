import { z } from 'zod';

/** A Plex server beside the first one, whose address stands in the settings. */
export const Server = z.object({
  /** What the server calls itself (`machineIdentifier`). */
  id: z.string().min(1),
  name: z.string(),
  url: z.string(),
  /** False for one that somebody shares: it is read, but only its owner may let it scan. */
  isOwned: z.boolean(),
  addedAt: z.string(),
});
export type Server = z.infer<typeof Server>;

/** Where a server is reached, and what opens it. */
export interface ServerAddress {
  /** Empty for a first server that has not told it yet. */
  serverId: string;
  url: string;
  token: string;
  /** The one of the settings. */
  isFirst: boolean;
}
