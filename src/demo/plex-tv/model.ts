import type { IncomingHttpHeaders } from 'node:http';

/** What the simulated plex.tv was asked. */
export interface SeenAccountRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What it does wrong: a status, a web page instead of JSON, half an answer, no answer at all, or a cut line. */
export type AccountFault = number | 'html' | 'cut' | 'hang' | 'reset';

/** A code that waits for its owner. */
export interface SimulatedPin {
  id: number;
  code: string;
  clientId: string;
  product: string;
  expiresAtMs: number;
  authToken: string | null;
}

/** A device of the account, as plex.tv lists it; whatever is left out gets a usual value. */
export interface SimulatedDevice {
  name: string;
  clientIdentifier: string;
  accessToken: string;
  owned?: boolean;
  sourceTitle?: string | null;
  provides?: string;
  presence?: boolean;
  httpsRequired?: boolean;
  connections: SimulatedConnection[];
}

/** One of a device's addresses. */
interface SimulatedConnection {
  uri: string;
  local?: boolean;
  relay?: boolean;
  /** By default those of the address. */
  address?: string;
  port?: number;
}
