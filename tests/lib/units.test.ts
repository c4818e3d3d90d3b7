import { expect } from 'chai';
import { formatBitrate, formatBytes, formatDuration, formatLineSpeed } from '../../src/lib/units.js';

describe('figures for people', () => {
  it('are bytes in decimal units, rounded to a tenth, never a thousand of one', () => {
    const said = [0, 1, 999, 1000, 1234, 999_949, 999_950, 4.3e9, 4.35e9, 12e9, 1.5e12, 999.99e15, -2.5e6, -0.2];
    expect(said.map(formatBytes)).to.deep.equal([
      ...['0 B', '1 B', '999 B', '1 kB', '1.2 kB', '999.9 kB', '1 MB', '4.3 GB', '4.4 GB', '12 GB', '1.5 TB', '1 EB'],
      ...['-2.5 MB', '0 B'],
    ]);
  });

  it('are bit rates and durations', () => {
    expect([0, 640, 999.4, 999.6, 1000, 14_600, 40_000].map(formatBitrate)).to.deep.equal([
      ...['0 kbit/s', '640 kbit/s', '999 kbit/s', '1 Mbit/s', '1 Mbit/s', '14.6 Mbit/s', '40 Mbit/s'],
    ]);
    expect([0, 0.44, 9.46, 94.4, 940.6].map(formatLineSpeed)).to.deep.equal([
      ...['0 Mbit/s', '0.4 Mbit/s', '9.5 Mbit/s', '94 Mbit/s', '941 Mbit/s'],
    ]);
    expect([12_000, 42 * 60_000, 7_500_000].map(formatDuration)).to.deep.equal(['12 s', '42 min', '2 h 05 min']);
  });
});
