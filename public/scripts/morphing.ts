/** What stays as it is when a part of the page is drawn anew. */
export function startMorphing(): void {
  if (typeof Idiomorph !== 'object') return;
  // A menu or a group that is open stays open, and so do the filters of a narrow screen.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    // Where the reader is in a list, no drawing knows.
    name !== 'data-at' &&
    !(name === 'open' && node.matches('details.menu, .causes details')) &&
    !(name === 'checked' && node.matches('.fold-box'));
  // An item's tags are read by themselves; the page that is drawn anew holds only their place.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !(node instanceof Element) || node.id !== 'item-tags';
}
