/** What htmx tells with its events, as far as this program listens. */
export interface HtmxDetail {
  elt: HTMLElement;
  target: HTMLElement;
  xhr: XMLHttpRequest;
  shouldSwap: boolean;
  successful: boolean;
  headers: Record<string, string>;
  requestConfig?: { elt: HTMLElement; verb: string; path: string };
  /** Sends a request that was held back; with true it is not asked about again. */
  issueRequest(skipConfirmation: boolean): void;
}

/** Listens to an event of htmx anywhere on the page. */
export function onHtmx(name: `htmx:${string}`, act: (detail: HtmxDetail, event: Event) => void): void {
  document.addEventListener(name, (event) => {
    act((event as CustomEvent<HtmxDetail>).detail, event);
  });
}

/** Listens to what the server says about a form that was sent: done, or refused. */
export function onAnswer(name: 'mf:done' | 'mf:refused', act: (message: string, event: Event) => void): void {
  document.addEventListener(name, (event) => {
    act((event as CustomEvent<{ message: string }>).detail.message, event);
  });
}
