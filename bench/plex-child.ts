// A simulated Plex with so many items, in a process of its own, so that its work does not hold up who asks it.
import { setPriority } from 'node:os';
import { SimulatedPlex } from '../src/demo/plex/simulated-plex.js';

// It stands for another machine: it may not take a core away from who is measured, and serves the yardstick as slowly.
setPriority(10);

const [count = '0', token = 'bench'] = process.argv.slice(2);
const plex = new SimulatedPlex({
  token,
  sections: [
    {
      id: '1',
      title: 'Films',
      type: 'movie',
      locations: [{ serverPath: '/share/Films', localPath: '/nowhere/Films' }],
    },
  ],
});
plex.loadSynthetic(Number(count));
await plex.start();
process.on('disconnect', () => {
  process.exit(0);
});
process.send?.({
  url: plex.url,
  serverId: plex.machineIdentifier,
  keys: plex.items().map(({ ratingKey }) => ratingKey),
});
