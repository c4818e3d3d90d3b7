import { z } from 'zod';
import { NewPassword } from '../../domain/access/access.js';
import { AppError } from '../../domain/errors.js';
import { action } from '../action.js';

const Done = z.object({ ok: z.literal(true) });
const done = { ok: true } as const;

/** Why somebody is asked to sign in: their session ended, perhaps with a form that is kept meanwhile. */
const Why = z.enum(['ended', 'kept']).optional().catch(undefined);

/** What the sign-in page needs: where to go afterwards, and why it is there. */
export const showSignIn = action(
  {
    summary: 'The sign-in page',
    input: z.object({ next: z.string().max(2000).default(''), why: Why }),
    output: z.object({ next: z.string(), why: Why }),
  },
  (_ctx, { next, why }) => ({ next, why }),
);

/** Throws `unauthorized` for a wrong password. */
export const signIn = action(
  { summary: 'Sign in with the password', input: z.object({ password: z.string().min(1).max(200) }), output: Done },
  async ({ access, store, log }, { password }) => {
    if (!(await access.checkPassword(password))) {
      log.warn('Somebody tried to sign in with a wrong password');
      throw new AppError('unauthorized', 'That is not the password. Try again.', {
        fields: { password: 'is not right' },
      });
    }
    await store.audit.append({ who: 'owner', action: 'sign in', object: 'MediaFlow' }).catch((error: unknown) => {
      // Whoever comes to free a full disk must get in.
      log.error({ err: error }, 'A sign-in could not be written into the audit');
    });
    return done;
  },
);

/** The session itself is ended by the door it came through. */
export const signOut = action({ summary: 'Sign out', input: z.object({}), output: Done }, () => done);

/** Ends every session but the one that asks. Throws `unauthorized` when the current password is wrong, `conflict` when the environment holds it. */
export const changePassword = action(
  {
    summary: 'Change the password',
    input: z.object({ currentPassword: z.string().min(1).max(200), password: NewPassword }),
    output: Done,
  },
  async ({ access, store }, { currentPassword, password }) => {
    if (!(await access.checkPassword(currentPassword))) {
      throw new AppError('unauthorized', 'That is not the current password.', {
        fields: { currentPassword: 'is not right' },
      });
    }
    await access.setPassword(password);
    await store.audit.append({ who: 'owner', action: 'change password', object: 'MediaFlow' });
    return done;
  },
);

/** The old key ends at once. Throws `conflict` when the environment holds it. */
export const rotateApiKey = action(
  {
    summary: 'Make a new API key; it is shown only in this answer',
    input: z.object({}),
    output: z.object({ apiKey: z.string() }),
  },
  async ({ access, store }) => {
    const apiKey = await access.rotateApiKey();
    await store.audit.append({ who: 'owner', action: 'rotate API key', object: 'MediaFlow' });
    return { apiKey };
  },
);
