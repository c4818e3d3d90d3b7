/** What a `<meta>` of this page says, or nothing. */
export const metaOf = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';

/** What stands before every path of the program, such as `/mediaflow`; mostly empty. */
export const urlBase = metaOf('url-base');

/** The first element that matches; `E` is what the templates put there. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export const one = <E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E | null =>
  within.querySelector<E>(selector);

/** Every element that matches, in the order of the page. */
export const all = <E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E[] => [
  ...within.querySelectorAll<E>(selector),
];

/** The checkboxes that match. */
export const boxes = (selector: string, within?: ParentNode): HTMLInputElement[] =>
  all<HTMLInputElement>(selector, within);

/** What an event is about; the page itself where that is no element. */
export const elementOf = ({ target }: Event): Element =>
  target instanceof Element ? target : document.documentElement;

/** The form that an element belongs to, also one from outside of it. */
export const formOf = (element: Element): HTMLFormElement | null =>
  'form' in element && element.form instanceof HTMLFormElement ? element.form : null;

/** A checkbox or a radio button. */
export const isTicked = (field: Element): field is HTMLInputElement =>
  field instanceof HTMLInputElement && (field.type === 'checkbox' || field.type === 'radio');

/** Closes every open menu. */
export function closeMenus(): void {
  for (const menu of all<HTMLDetailsElement>('details.menu[open]')) menu.open = false;
}

/** Held together with another key, a key is the browser's. */
export const isWithModifier = (event: KeyboardEvent | MouseEvent): boolean =>
  event.ctrlKey || event.metaKey || event.altKey;

/** Whether a key that was pressed here is text for a field, or meant for a dialog. */
export const isTyping = (event: Event): boolean =>
  elementOf(event).closest('input:not([type="checkbox"]), select, textarea, dialog[open]') !== null;
