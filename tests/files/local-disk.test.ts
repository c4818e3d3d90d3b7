import { localDisk } from '../../src/files/local-disk.js';
import { diskContract } from '../support/disk-contract.js';

diskContract('this machine', () => localDisk);
