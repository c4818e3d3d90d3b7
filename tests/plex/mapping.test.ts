import { expect } from 'chai';
import { LibraryItem } from '../../src/domain/library/library.js';
import type { Raw } from '../../src/plex/coerce.js';
import { toItem } from '../../src/plex/mapping.js';
import { toPlaySession } from '../../src/plex/play-sessions.js';
import { hdrOf } from '../../src/plex/streams.js';
import { isSameServerPath, serverBasename } from '../../src/plex/server-path.js';

const place = { serverId: 'abcdef0123456789', sectionId: '1' };
const map = (raw: Raw): LibraryItem => {
  const item = toItem(raw, place);
  if (item === null) throw new Error('mapped to nothing');
  return LibraryItem.parse(item);
};
const withMedia = (...Media: Raw[]): Raw => ({ ratingKey: '1', type: 'movie', title: 'A', addedAt: 1, Media });

describe('kinds of HDR', () => {
  const rows: [string, Raw, string][] = [
    ['HDR10', { colorTrc: 'smpte2084', bitDepth: 10, displayTitle: '4K HDR10 (HEVC Main 10)' }, 'hdr10'],
    ['HDR10 with numbers as text', { colorTrc: 'smpte2084', bitDepth: '10' }, 'hdr10'],
    ['HDR10 of unknown depth', { colorTrc: 'smpte2084' }, 'hdr10'],
    ['PQ in 8 bits', { colorTrc: 'smpte2084', bitDepth: 8 }, 'sdr'],
    ['HLG', { colorTrc: 'arib-std-b67', bitDepth: 10 }, 'hlg'],
    ['Dolby Vision 8', { colorTrc: 'smpte2084', bitDepth: 10, DOVIPresent: true, DOVIProfile: 8 }, 'dolby-vision'],
    ['Dolby Vision 5, which has no transfer', { DOVIPresent: '1', DOVIProfile: '5', bitDepth: 10 }, 'dolby-vision'],
    ['Dolby Vision in the title alone', { displayTitle: '4K DoVi (HEVC Main 10)' }, 'dolby-vision'],
    ['Dolby Vision with HDR10+', { DOVIPresent: true, HDR10PlusPresent: true }, 'dolby-vision'],
    ['HDR10+', { colorTrc: 'smpte2084', HDR10PlusPresent: true }, 'hdr10plus'],
    ['HDR10+ in the title alone', { colorTrc: 'smpte2084', displayTitle: '4K HDR10+ (HEVC)' }, 'hdr10plus'],
    ['bt2020 alone', { colorPrimaries: 'bt2020', colorSpace: 'bt2020nc', bitDepth: 10 }, 'sdr'],
    ['main 10 alone', { profile: 'main 10', bitDepth: 10 }, 'sdr'],
    ['nothing', {}, 'sdr'],
  ];
  for (const [name, stream, hdr] of rows)
    it(`${name} is ${hdr}`, () => {
      expect(hdrOf(stream)).to.equal(hdr);
    });
});

describe('an item of Plex', () => {
  it('is read from a detail answer', () => {
    const item = map({
      ratingKey: '159637',
      guid: 'plex://movie/5d77702e6afb3d0020613fd1',
      type: 'movie',
      title: 'Black Panther: Wakanda Forever',
      librarySectionID: 1,
      year: 2022,
      addedAt: 1_675_330_657,
      updatedAt: 1_675_330_665,
      Label: [{ tag: 'Keep' }],
      Collection: [{ tag: 'Marvel' }],
      Media: [
        {
          id: 307_380,
          duration: 9_678_688,
          bitrate: 8791,
          width: 3840,
          height: 1608,
          videoCodec: 'hevc',
          container: 'mkv',
          Part: [
            {
              id: 320_497,
              key: '/library/parts/320497/1675330548/file.mkv',
              duration: 9_678_688,
              file: '/mnt/media/movies/Black Panther (2022)/Black Panther (2022).mkv',
              size: 10_638_512_184,
              container: 'mkv',
              hasThumbnail: '1',
              Stream: [
                {
                  id: 1,
                  streamType: 1,
                  codec: 'hevc',
                  index: 0,
                  bitrate: 8023,
                  bitDepth: 10,
                  colorTrc: 'smpte2084',
                  frameRate: 23.976,
                  width: 3840,
                  height: 1608,
                },
                {
                  id: 2,
                  streamType: 2,
                  codec: 'eac3',
                  index: 1,
                  channels: 6,
                  bitrate: 768,
                  languageCode: 'eng',
                  title: 'English DDP Atmos 5.1',
                  displayTitle: 'English (EAC3 5.1)',
                },
                { id: 3, streamType: 2, codec: 'dca', profile: 'ma', channels: 8, languageCode: 'und' },
                { id: 4, streamType: 3, codec: 'srt', index: 3, bitrate: 0, languageCode: 'eng', forced: true },
                { id: 5, streamType: 3, codec: 'srt', key: '/library/streams/5', languageCode: 'ger' },
                { id: 6, streamType: 3, codec: 'srt', index: 4, key: '/library/streams/6' },
              ],
            },
          ],
        },
      ],
    });
    expect(item).to.include({
      id: 'abcdef01-159637',
      title: 'Black Panther: Wakanda Forever',
      year: 2022,
      plays: 0,
      addedAt: '2023-02-02T09:37:37.000Z',
      updatedAt: '2023-02-02T09:37:45.000Z',
    });
    expect(item.labels).to.deep.equal(['Keep']);
    expect(item.collections).to.deep.equal(['Marvel']);
    const [file] = item.files;
    expect(file).to.include({
      id: '320497',
      mediaId: '307380',
      sizeBytes: 10_638_512_184,
      container: 'mkv',
      bitrateKbps: 8791,
      detailed: true,
      optimized: false,
      stackedParts: 1,
    });
    expect(file?.video).to.deep.equal({
      codec: 'hevc',
      width: 3840,
      height: 1608,
      bitrateKbps: 8023,
      bitDepth: 10,
      hdr: 'hdr10',
      fps: 23.976,
    });
    expect(file?.audio.map(({ codec, profile, language }) => [codec, profile, language])).to.deep.equal([
      ['eac3', null, 'eng'],
      ['dts', 'ma', null],
    ]);
    expect(file?.subtitles.map(({ external, forced }) => [external, forced])).to.deep.equal([
      [false, true],
      [true, false],
      [false, false],
    ]);
  });

  it('keeps the word Atmos when only the displayed title has it', () => {
    const part = {
      id: 1,
      file: '/a.mkv',
      Stream: [
        { streamType: 2, codec: 'eac3', channels: 6, title: 'Main', displayTitle: 'English (EAC3 5.1 + Atmos)' },
      ],
    };
    expect(map(withMedia({ id: 1, Part: [part] })).files[0]?.audio[0]?.title).to.equal(
      'Main (English (EAC3 5.1 + Atmos))',
    );
  });

  it('has no sound and no HDR in a listing, and says so', () => {
    const media = { id: 1, videoCodec: 'hevc', width: 1920, height: 1080, audioCodec: 'aac', audioChannels: 2 };
    const [file] = map(withMedia({ ...media, Part: [{ id: 2, file: '/a.mkv' }] })).files;
    expect(file).to.include({ detailed: false, sizeBytes: 0, container: 'mkv' });
    expect(file?.audio).to.deep.equal([]);
    expect(file?.video).to.include({ codec: 'hevc', width: 1920, hdr: 'sdr', bitDepth: null });
  });

  const marks: [string, Raw, string][] = [
    ['a proxy type', { proxyType: 42 }, '/a.mp4'],
    ['a proxy type as text', { proxyType: '42' }, '/a.mp4'],
    ['a target', { target: 'Tablet-1080p-Low' }, '/a.mp4'],
    ['its folder', {}, '/mnt/Plex Versions/Tablet/a.mp4'],
    ['its folder on Windows', {}, 'D:\\TV\\Plex Versions\\Tablet\\a.mp4'],
  ];
  for (const [name, media, file] of marks)
    it(`knows an optimized version by ${name}`, () => {
      expect(map(withMedia({ id: 1, ...media, Part: [{ id: 2, file }] })).files[0]?.optimized).to.equal(true);
    });

  it('takes an empty target for none', () => {
    const media = { id: 1, target: '', proxyType: 0, Part: [{ id: 2, file: '/My Plex Versions.mkv' }] };
    expect(map(withMedia(media)).files[0]?.optimized).to.equal(false);
  });

  it('counts the parts of a stacked film', () => {
    const Part = [
      { id: 1, file: '/a cd1.avi' },
      { id: 2, file: '/a cd2.avi' },
    ];
    expect(map(withMedia({ id: 1, Part })).files.map(({ stackedParts }) => stackedParts)).to.deep.equal([2, 2]);
  });

  it('lives through an item that is just being added', () => {
    expect(map({ ratingKey: 5, type: 'movie' }).files).to.deep.equal([]);
    expect(map(withMedia({ id: 1 })).files).to.deep.equal([]);
    expect(map(withMedia({ id: 1, Part: [{ id: 1 }, { file: '/no-id.mkv' }] })).files).to.deep.equal([]);
    const [file] = map(withMedia({ id: 1, Part: [{ id: 2, file: '/a.mkv' }] })).files;
    expect(file).to.include({ video: null, durationMs: 0, detailed: false });
  });

  it('is nothing when it is neither film nor episode', () => {
    for (const type of ['show', 'season', 'clip', 'track', undefined])
      expect(toItem({ ratingKey: '1', type }, place)).to.be.null;
    expect(toItem({ type: 'movie' }, place)).to.be.null;
  });

  it('never takes a picture whose address holds more than a path', () => {
    expect(map({ ...withMedia(), thumb: '/t/1?X-Plex-Token=abc' }).thumb).to.be.null;
    expect(map({ ...withMedia(), thumb: 'https://elsewhere/t.jpg' }).thumb).to.be.null;
    expect(map({ ...withMedia(), thumb: '/scene', grandparentThumb: '/poster' }).thumb).to.equal('/poster');
  });
});

describe('somebody who watches', () => {
  it('is read from silence when the file is played as it is', () => {
    const session = toPlaySession({
      ratingKey: '118',
      sessionKey: '3',
      title: 'Test',
      Media: [{ id: '289', Part: [{ id: '289', file: '/var/media/nas/Test.mkv', size: 1_483_721_609 }] }],
      User: { id: '1', title: 'Ann' },
      Player: { state: 'paused' },
    });
    expect(session).to.deep.equal({
      ratingKey: '118',
      title: 'Test',
      user: 'Ann',
      state: 'paused',
      fileIds: ['289'],
      paths: ['/var/media/nas/Test.mkv'],
      transcodesVideo: false,
    });
  });

  it('names a part but no path when it is transcoded', () => {
    const session = toPlaySession({
      ratingKey: '118',
      Media: [
        { id: '1', Part: [{ id: '1', file: '/other.mkv' }] },
        { id: '289', selected: true, Part: [{ id: '289', decision: 'transcode' }] },
      ],
      TranscodeSession: { videoDecision: 'transcode', throttled: true },
    });
    expect(session).to.deep.include({ fileIds: ['289'], paths: [], transcodesVideo: true, state: 'playing' });
  });

  it('holds no file when it is live television', () => {
    const Media = [{ id: 1, Part: [{ id: 7 }] }];
    expect(toPlaySession({ ratingKey: 'tv.plex.x', key: '/livetv/sessions/1', Media }).fileIds).to.deep.equal([]);
    expect(toPlaySession({ ratingKey: '7', key: '/livetv/sessions/1', Media }).fileIds).to.deep.equal([]);
  });
});

describe('paths as the server writes them', () => {
  it('are the same whatever the composition of letters, and on Windows whatever the case', () => {
    expect(isSameServerPath('/a/Amélie.mkv', '/a/Ame\u0301lie.mkv')).to.equal(true);
    expect(isSameServerPath('O:\\Media\\A.mkv', 'o:/media/a.MKV')).to.equal(true);
    expect(isSameServerPath('/a/A.mkv', '/a/a.mkv')).to.equal(false);
  });

  it('have a last part', () => {
    expect(serverBasename('O:\\Media\\A.mkv')).to.equal('A.mkv');
    expect(serverBasename('\\\\nas\\share\\A.mkv')).to.equal('A.mkv');
    expect(serverBasename('/a/b\\c.mkv')).to.equal('b\\c.mkv');
  });
});
