// Loaded once the page is there: what happens from then on is heard over a socket.
import { io } from 'socket.io-client';
import { startLiveSocket } from './live-socket.js';

startLiveSocket(io);
