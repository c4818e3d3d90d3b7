import { z } from 'zod';

/** All events Plex is known to send. */
export const PLEX_EVENTS = [
  'library.new',
  'library.on.deck',
  'media.play',
  'media.pause',
  'media.resume',
  'media.stop',
  'media.scrobble',
  'media.rate',
  'admin.database.backup',
  'admin.database.corrupted',
  'admin.database.corrupt',
  'device.new',
  'playback.started',
] as const;

const Text = z.union([z.string(), z.number()]).transform(String);

/** What we read of a Plex webhook. Everything else in it is ignored; the item itself is read from Plex. */
export const PlexWebhook = z.object({
  event: z.string(),
  Server: z.object({ uuid: z.string(), title: z.string().default('') }),
  Metadata: z
    .object({
      ratingKey: Text,
      type: z.string(),
      title: z.string().default(''),
      librarySectionID: Text.optional(),
      addedAt: z.coerce.number().optional().catch(undefined),
      /** Epoch seconds; later than at the last read means that there is something new. */
      updatedAt: z.coerce.number().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});
export type PlexWebhook = z.infer<typeof PlexWebhook>;

/** What became of one webhook; counted and shown. */
export const WebhookOutcome = z.enum([
  'accepted',
  'repeated',
  'ignored',
  'malformed',
  'wrong_server',
  'wrong_secret',
  'too_large',
]);
export type WebhookOutcome = z.infer<typeof WebhookOutcome>;

/** Whether it was an event from a server of the owner, though perhaps one that asks for nothing. */
export const isFromPlex = (outcome: WebhookOutcome): boolean => ['accepted', 'repeated', 'ignored'].includes(outcome);

/** An item that waits to settle before it is read. Stored, so that a restart forgets nothing. */
export const PendingItem = z.object({
  /** `<serverId>/<ratingKey>` */
  id: z.string(),
  ratingKey: z.string(),
  type: z.string(),
  cause: z.enum(['webhook', 'schedule', 'owner']),
  firstSeenAt: z.string(),
  /** Not read before this ISO time. */
  dueAt: z.string(),
  /** How often reading it failed. */
  failures: z.int().nonnegative(),
  lastError: z.string().nullable(),
  /** Epoch seconds; episodes older than this are not taken when a show is expanded. */
  addedAfter: z.number().nullable(),
});
export type PendingItem = z.infer<typeof PendingItem>;
