import { createLog } from '../../src/lib/log.js';
import { Carrier } from '../../src/ssh/carrier.js';
import type { CarryFile } from '../../src/ssh/reconnecting.js';

/** Files are carried by a process of their own, as in the program. It ends by itself with the last test. */
const carrier = new Carrier({ log: createLog('silent') });
export const carry: CarryFile = carrier.carry.bind(carrier);
