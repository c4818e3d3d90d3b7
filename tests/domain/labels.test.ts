import { expect } from 'chai';
import { channelsName, codecName, hdrName, pictureName, rateName, resolutionName } from '../../src/domain/labels.js';
import { Hdr, resolutionOf, type Resolution } from '../../src/domain/library/media.js';
import { worthOf } from '../../src/domain/recommendations/codec-worth.js';
import { aFile } from '../support/builders.js';

/** [width, height, class, what people call it] */
const PICTURES: [number, number, Resolution, string][] = [
  [7680, 4320, '4k', '4K'],
  [4096, 1716, '4k', '4K'],
  [3840, 2160, '4k', '4K'],
  [3840, 1600, '4k', '4K'],
  [3000, 1600, '4k', '4K'],
  [2880, 2160, '4k', '4K'],
  [2880, 1200, '4k', '4K'],
  [2560, 1440, '1080', '1080p'],
  [2048, 858, '1080', '1080p'],
  [1920, 1088, '1080', '1080p'],
  [1920, 800, '1080', '1080p'],
  [1728, 720, '1080', '1080p'],
  [1600, 900, '1080', '1080p'],
  [1440, 1080, '1080', '1080p'],
  [1080, 1920, '1080', '1080p'],
  [1280, 720, '720', '720p'],
  [1280, 528, '720', '720p'],
  [960, 720, '720', '720p'],
  [720, 1280, '720', '720p'],
  [1024, 576, '576', '576p'],
  [1024, 428, '576', '576p'],
  [960, 540, '576', '576p'],
  [720, 576, '576', '576p'],
  [854, 480, 'sd', 'SD'],
  [720, 480, 'sd', 'SD'],
  [720, 304, 'sd', 'SD'],
  [640, 360, 'sd', 'SD'],
];

describe('what people call things', () => {
  for (const [width, height, resolution, name] of PICTURES)
    it(`a picture of ${width}x${height} is ${name}`, () => {
      expect(resolutionOf({ width, height })).to.equal(resolution);
      expect(pictureName({ width, height })).to.equal(name);
      expect(resolutionName(resolution)).to.equal(name);
    });

  it('codecs of video, sound and subtitles have their own names, others stand in capitals', () => {
    const said = ['h264', 'hevc', 'mpeg2video', 'eac3', 'dca', 'pcm_s24le', 'truehd', 'subrip', 'vvc', ''];
    expect(said.map(codecName)).to.deep.equal([
      ...['H.264', 'HEVC', 'MPEG-2', 'E-AC-3', 'DTS', 'PCM', 'TrueHD', 'SRT', 'VVC', 'unknown'],
    ]);
    // What rules can compare has a name that is more than its capitals.
    for (const codec of ['h263', 'wmv2', 'rv40', 'msmpeg4v2', 'vp6f', 'flv1', 'mjpeg', 'dvvideo']) {
      expect(worthOf(codec)).to.be.a('number');
      expect(codecName(codec)).to.not.equal(codec.toUpperCase());
    }
  });

  it('HDR and channels', () => {
    expect(Hdr.options.map(hdrName)).to.deep.equal(['SDR', 'HDR10', 'HDR10+', 'HLG', 'Dolby Vision']);
    expect((['4k', '1080', '720', '576', 'sd'] as const).map(resolutionName)).to.deep.equal([
      '4K',
      '1080p',
      '720p',
      '576p',
      'SD',
    ]);
    expect([0, 1, 2, 4, 6, 7, 8, 12].map(channelsName)).to.deep.equal([
      ...['unknown', 'mono', 'stereo', '4 channels', '5.1', '6.1', '7.1', '12 channels'],
    ]);
  });

  it('a bit rate with its codec, or the codec alone', () => {
    expect(rateName(aFile())).to.equal('14 Mbit/s H.264');
    expect(rateName(aFile({ video: null }))).to.match(/unknown$/);
  });
});
