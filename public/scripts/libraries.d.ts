// What vendor.js puts into the page before our own scripts run.
import type htmxApi from 'htmx.org';
import type { io as connect } from 'socket.io-client';

declare global {
  const htmx: typeof htmxApi;
  const io: typeof connect | undefined;
  const Idiomorph:
    | {
        defaults: {
          ignoreActiveValue: boolean;
          callbacks: {
            /** Whether an attribute may become what the new drawing says. */
            beforeAttributeUpdated: (name: string, node: Element) => boolean;
            /** Whether a node may become what the new drawing says. */
            beforeNodeMorphed: (node: Node) => boolean;
          };
        };
      }
    | undefined;
}
