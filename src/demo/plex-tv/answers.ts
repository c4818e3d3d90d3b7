import type { SimulatedDevice, SimulatedPin } from './model.js';

/** The body of an error, as plex.tv words it. */
export const errors = (code: number, message: string, status: number): object => ({
  errors: [{ code, message, status }],
});

/** A code as plex.tv answers it. `odd` sends numbers as text and an empty token instead of none, as old answers do. */
export function pinAnswer(pin: SimulatedPin, nowMs: number, odd: boolean): object {
  const expiresIn = Math.round((pin.expiresAtMs - nowMs) / 1000);
  return {
    id: odd ? String(pin.id) : pin.id,
    code: pin.code,
    product: pin.product,
    trusted: false,
    clientIdentifier: pin.clientId,
    location: { code: 'GB', country: 'United Kingdom', city: 'London', time_zone: 'Europe/London' },
    expiresIn: odd ? String(expiresIn) : expiresIn,
    createdAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(pin.expiresAtMs).toISOString(),
    authToken: pin.authToken ?? (odd ? '' : null),
    newRegistration: null,
  };
}

/** The account of the owner. */
export const userAnswer = (name: string, hasPlexPass: boolean): object => ({
  id: 4711,
  uuid: '0123456789abcdef',
  username: name,
  title: name,
  friendlyName: name,
  email: 'owner@example.org',
  home: false,
  restricted: false,
  subscription: {
    active: hasPlexPass,
    status: hasPlexPass ? 'Active' : 'Inactive',
    plan: hasPlexPass ? 'lifetime' : null,
    features: hasPlexPass ? ['webhooks', 'pass', 'sync', 'hardware_transcoding'] : ['kevin-bacon'],
  },
});

/** A device as plex.tv lists it. */
export function resourceAnswer(device: SimulatedDevice, odd: boolean): object {
  const { owned = true, sourceTitle = null, provides = 'server', presence = true, httpsRequired = false } = device;
  const bool = (value: boolean): boolean | string => (odd ? (value ? '1' : '0') : value);
  return {
    name: device.name,
    product: provides.includes('server') ? 'Plex Media Server' : 'Plex for Android',
    productVersion: '1.41.3.9314-a0bfb8370',
    platform: 'Linux',
    device: 'Docker Container',
    clientIdentifier: device.clientIdentifier,
    createdAt: '2021-01-01T12:12:24Z',
    lastSeenAt: '2026-01-01T13:43:34Z',
    provides,
    ownerId: owned ? null : 99,
    sourceTitle,
    publicAddress: '203.0.113.7',
    accessToken: device.accessToken,
    owned: bool(owned),
    home: false,
    synced: false,
    relay: device.connections.some(({ relay }) => relay),
    presence: bool(presence),
    httpsRequired: bool(httpsRequired),
    publicAddressMatches: false,
    dnsRebindingProtection: false,
    natLoopbackSupported: false,
    connections: device.connections.map(({ uri, local = false, relay = false, address, port }) => {
      const { protocol, hostname, port: ownPort } = new URL(uri);
      const number = port ?? Number(ownPort || (protocol === 'https:' ? 443 : 80));
      return {
        protocol: protocol.replace(':', ''),
        address: address ?? hostname,
        port: odd ? String(number) : number,
        uri,
        local: bool(local),
        relay: bool(relay),
        IPv6: bool(hostname.startsWith('[')),
      };
    }),
  };
}

/** The page on which an owner decides about the codes that wait; it needs no script. */
export const authPage = (pins: readonly SimulatedPin[]): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated plex.tv</title></head>
<body><h1>Simulated plex.tv</h1>
${pins.length === 0 ? '<p>Nothing waits for you. You can close this window.</p>' : ''}
${pins
  .map(
    ({ id }) => `<form method="post" action="/auth/${id}"><p>MediaFlow wants to use your account.</p>
<button name="answer" value="approve">Sign in</button> <button name="answer" value="deny">Refuse</button></form>`,
  )
  .join('\n')}
</body></html>`;
