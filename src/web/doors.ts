import type { Context } from '../actions/action.js';
import type { Acts } from './acts.js';
import type { DrawnPages } from './drawn-pages.js';
import type { Guard } from './guard.js';
import type { HeldForms } from './held-forms.js';
import type { MissedEvents } from './missed-events.js';
import type { Views } from './render.js';
import type { Route } from './route.js';

/** What every door works with. */
export interface Doors {
  ctx: Context;
  guard: Guard;
  views: Views;
  drawnPages: DrawnPages;
  acts: Acts;
  routes: readonly Route[];
  /** What was typed into forms whose session had ended. */
  held: HeldForms;
  missed: MissedEvents;
  /** Called after a session was granted or ended. */
  onSession: () => void;
}
