import { expect } from 'chai';
import { lastDayOf, monthsUntil, StatisticsTally } from '../../../src/domain/library/statistics.js';
import { aFile, anItem } from '../../support/builders.js';

describe('library statistics', () => {
  it('count titles once and bytes by file', () => {
    const tally = new StatisticsTally();
    const sound = (codec: string) => ({
      codec,
      channels: 6,
      bitrateKbps: 1,
      language: null,
      title: null,
      profile: null,
    });
    tally.add(
      anItem({
        id: 'two-versions',
        addedAt: '2026-01-31T23:59:59.000Z',
        files: [
          aFile({ id: '1', sizeBytes: 30, video: { codec: 'hevc', width: 3840, height: 2160, hdr: 'hdr10' }, audio: [sound('dts'), sound('ac3'), sound('dts')] }),
          aFile({ id: '2', sizeBytes: 10, container: 'mp4', audio: [sound('ac3')] }),
          aFile({ id: '3', sizeBytes: 5, container: 'mp4', audio: [] }),
        ],
      }),
    ); // prettier-ignore
    tally.add(anItem({ id: 'not-read', sectionId: '2', addedAt: '2026-03-01T00:00:00.000Z', file: { sizeBytes: 7, video: null, audio: [], detailed: false } })); // prettier-ignore
    tally.add(anItem({ id: 'no-file', addedAt: '2026-03-09T00:00:00.000Z', files: [] }));
    const { by, growth, ...sums } = tally.result();
    expect(sums).to.deep.equal({ items: 3, files: 4, sizeBytes: 52, unread: 1 });
    expect(by.codec).to.deep.equal([
      { value: 'hevc', items: 1, sizeBytes: 30 },
      { value: 'h264', items: 1, sizeBytes: 15 },
    ]);
    expect(by.resolution).to.deep.equal([
      { value: '4k', items: 1, sizeBytes: 30 },
      { value: '1080', items: 1, sizeBytes: 15 },
    ]);
    expect(by.hdr.map(({ value }) => value)).to.deep.equal(['hdr10', 'sdr']);
    expect(by.audioCodec).to.deep.equal([
      { value: 'ac3', items: 1, sizeBytes: 40 },
      { value: 'dts', items: 1, sizeBytes: 30 },
    ]);
    expect(by.container).to.deep.equal([
      { value: 'mkv', items: 2, sizeBytes: 37 },
      { value: 'mp4', items: 1, sizeBytes: 15 },
    ]);
    expect(by.sectionId).to.deep.equal([
      { value: '1', items: 1, sizeBytes: 45 },
      { value: '2', items: 1, sizeBytes: 7 },
    ]);
    expect(growth).to.deep.equal([
      { month: '2026-01', items: 1, sizeBytes: 45 },
      { month: '2026-03', items: 2, sizeBytes: 7 },
    ]);
  });

  it('know the months before, and how long one is', () => {
    expect(monthsUntil('2026-02', 4)).to.deep.equal(['2025-11', '2025-12', '2026-01', '2026-02']);
    expect(['2026-02', '2024-02', '2026-12', '2026-04'].map(lastDayOf)).to.deep.equal([
      '2026-02-28',
      '2024-02-29',
      '2026-12-31',
      '2026-04-30',
    ]);
  });
});
