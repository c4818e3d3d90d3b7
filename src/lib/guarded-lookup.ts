import { lookup as ask, type LookupAddress, type LookupOptions } from 'node:dns';

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** `dns.lookup`, but what a name leads to is left out where it is refused; a name that leads to nothing else is not known. */
export const lookupWithout =
  (isRefused: (address: string) => boolean) =>
  (hostname: string, options: LookupOptions, answer: Answer): void => {
    ask(hostname, { ...options, all: true }, (error, found) => {
      const allowed = error ? [] : found.filter(({ address }) => !isRefused(address));
      const [first] = allowed;
      if (first === undefined) {
        const none: NodeJS.ErrnoException = error ?? new Error(`${hostname} leads to no address that is asked`);
        none.code ??= 'ENOTFOUND';
        answer(none, '');
      } else if (options.all) answer(null, allowed);
      else answer(null, first.address, first.family);
    });
  };
