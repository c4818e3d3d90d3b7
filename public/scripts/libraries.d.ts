// What vendor.js puts into the page before our own scripts run.
import type htmxApi from 'htmx.org';

declare global {
  const htmx: typeof htmxApi;
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
