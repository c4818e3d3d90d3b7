import { expect } from 'chai';
import session, { type SessionData } from 'express-session';
import type { Context } from '../../src/actions/action.js';
import { SessionStore } from '../../src/web/sessions.js';

describe('sessions in memory', () => {
  it('end by what really passed, however far the clock jumps', () => {
    let [wallMs, steadyMs] = [Date.parse('2026-03-01T12:00:00Z'), 5000];
    const rows = { find: () => null, has: () => false };
    const ctx = { store: { sessions: rows }, now: () => new Date(wallMs) } as unknown as Context;
    const sessions = new SessionStore(ctx, () => steadyMs);
    const isLost = (): boolean => {
      let found: SessionData | null | undefined;
      sessions.get('visitor', (_error, data) => (found = data));
      return found?.lost === true;
    };
    sessions.set('visitor', { cookie: new session.Cookie(), seen: true });
    for (const jumpMs of [400 * 86_400_000, -800 * 86_400_000]) {
      wallMs += jumpMs;
      steadyMs += 1_790_000;
      expect(isLost(), String(jumpMs)).to.equal(false);
    }
    steadyMs += 30_000;
    expect(isLost(), 'an hour').to.equal(true);
  });
});
