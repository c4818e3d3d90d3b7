import { runChild } from './child.js';
import type { Figure } from './figure.js';

/** All nine rules over 100,000 items in their watched thread, beside calling them directly. */
export const benchRules = (): Promise<Figure[]> => runChild<Figure[]>('rules-child.ts');
