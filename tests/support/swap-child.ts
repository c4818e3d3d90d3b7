// A process that performs a swap and stands still at one step, so that a test can kill it exactly there.
// Reads one line of JSON from its input; writes `begun`, then `reached` or `done`.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { SwapPlan } from '../../src/domain/replace/swap.js';
import { Swapper } from '../../src/files/swap.js';

const Order = z.object({
  plan: SwapPlan,
  journalDir: z.string(),
  acts: z.array(z.enum(['place', 'retire', 'undo', 'finish', 'recover'])),
  hangAt: z.string(),
});

const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string];
const { plan, journalDir, acts, hangAt } = Order.parse(JSON.parse(line));
const swapper = new Swapper({
  journalDir,
  onStep: async (name) => {
    if (name !== hangAt) return;
    process.stdout.write('reached\n');
    await new Promise(() => setInterval(() => undefined, 1000));
  },
});
process.stdout.write('begun\n');
for (const act of acts) {
  if (act === 'place') await swapper.place(plan);
  else if (act === 'recover') await swapper.recover();
  else await swapper[act](plan.id);
}
process.stdout.write('done\n');
process.stdin.destroy();
