/** One sign-in with plex.tv, from the code we got to the owner's answer. */
export interface SignIn {
  id: string;
  state: 'waiting' | 'approved' | 'denied' | 'expired';
  /** Where the owner signs in. */
  authUrl: string;
  /** ISO time; a sign-in that is not approved by then has expired. */
  expiresAt: string;
  /** What it gave us; null before the approval, and once it was kept elsewhere. */
  token: string | null;
  /** Why the last look at it told nothing, for the owner. It is asked again. */
  trouble: string | null;
}

/** The account that signed in. */
export interface PlexAccount {
  name: string;
  hasPlexPass: boolean;
  /** Whether Plex lists webhooks among what the account may use. */
  hasWebhooks: boolean;
}

/** One address under which plex.tv says a server can be reached. */
export interface ServerConnection {
  url: string;
  /** `local` is an address of some private network, not necessarily ours. */
  kind: 'local' | 'remote' | 'relay';
}

/** A media server the account may use. */
export interface FoundServer {
  serverId: string;
  name: string;
  version: string;
  /** False: somebody shares it, and only they may let it scan. */
  isOwned: boolean;
  /** Who shares it; null for one's own. */
  sharedBy: string | null;
  /** Whether plex.tv has it online at the moment. */
  isOnline: boolean;
  /** What opens this server for this account. */
  accessToken: string;
  /** In the order in which they should be taken. */
  connections: ServerConnection[];
}

/** A connection after it was tried from here. */
export interface TriedConnection extends ServerConnection {
  works: boolean;
  /** A few words on what is in the way; null when it works. */
  reason: string | null;
}

/**
 * What MediaFlow asks of plex.tv. Every method that asks the network throws an `AppError` with a `plex_*` code, whose
 * message says what to do; `plex_unauthorized` alone means that the token is no longer worth anything.
 */
export interface PlexTv {
  /** Asks for a new code. */
  beginSignIn(): Promise<SignIn>;
  /** The sign-in with this id, or the latest, asked anew while it waits. Null when there is none. Never throws. */
  findSignIn(id?: string): Promise<SignIn | null>;
  /** Forgets its token, which is kept elsewhere now. */
  settleSignIn(id: string): void;
  /** Kept for some minutes. */
  account(token: string): Promise<PlexAccount>;
  /** Own servers first. Kept for a minute. */
  servers(token: string): Promise<FoundServer[]>;
  /** Tries all connections at once and keeps their order. Sends no token, and never throws. */
  tryConnections(server: Pick<FoundServer, 'serverId' | 'connections'>): Promise<TriedConnection[]>;
  /** The addresses Plex posts the account's webhooks to. */
  webhooks(token: string): Promise<string[]>;
  /** Adds one and keeps the rest; answers the list as plex.tv has it afterwards. */
  addWebhook(token: string, url: string): Promise<string[]>;
}
