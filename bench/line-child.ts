// A line to a port of this machine, as long and as slow as a real one, in a process of its own: port, milliseconds there and back, Mbit/s.
import { TcpProxy } from '../tests/support/tcp-proxy.js';

const [port = '0', roundTripMs = '0', mbps = '0'] = process.argv.slice(2);
const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(port) });
proxy.faults.latencyMs = Number(roundTripMs) / 2;
proxy.faults.bytesPerSec = Number(mbps) === 0 ? null : (Number(mbps) * 1e6) / 8;
process.on('disconnect', () => {
  process.exit(0);
});
process.send?.({ port: proxy.port });
