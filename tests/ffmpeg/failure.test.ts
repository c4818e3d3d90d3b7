import { expect } from 'chai';
import type { HardwareTrouble } from '../../src/domain/presets/encoders/encoder.js';
import { encodeFailure, hardwareFailure } from '../../src/ffmpeg/failure.js';

const GENERIC = [
  '[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
  '[info] Conversion failed!',
];
const nvenc = (text: string, level = 'error'): string => `[hevc_nvenc @ 0x5603597618c0] [${level}] ${text}`;
const vaapi = (text: string): string => `[h264_vaapi @ 0x5603597618c0] [error] ${text}`;
const qsv = (text: string): string => `[av1_qsv @ 0x5603597618c0] [error] ${text}`;

describe('what ffmpeg says when a graphics card fails', () => {
  const cases: [string, string[], HardwareTrouble, RegExp][] = [
    ['no driver', [nvenc('Cannot load libcuda.so.1')], 'no-driver', /no NVIDIA driver.*--gpus all/],
    [
      'no driver for the device',
      ['[AVHWDeviceContext @ 0x5] [error] Could not dynamically load CUDA', '[error] Device creation failed: -1.'],
      'no-driver',
      /load CUDA$/,
    ],
    [
      'a container without the video capability',
      [nvenc('Cannot load libnvidia-encode.so.1'), nvenc('The minimum required Nvidia driver for nvenc is (unknown)')],
      'no-video-capability',
      /NVIDIA_DRIVER_CAPABILITIES/,
    ],
    [
      'a driver that is too old, with both versions',
      [
        nvenc('Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1'),
        nvenc('The minimum required Nvidia driver for nvenc is 570.0 or newer'),
      ],
      'old-driver',
      /too old.*Required: 13\.0 Found: 12\.1; The minimum required Nvidia driver for nvenc is 570\.0 or newer$/,
    ],
    ['no card', [nvenc('No capable devices found', 'fatal')], 'no-device', /No graphics card/],
    [
      'a card that cannot do 10 bit, and says so in a warning',
      [nvenc('10 bit encode not supported', 'warning'), nvenc('No capable devices found', 'fatal')],
      'unsupported',
      /as the preset asks.*10 bit encode not supported$/,
    ],
    [
      'too many sessions',
      [nvenc('OpenEncodeSessionEx failed: out of memory (10): (no details)')],
      'busy',
      /fewer jobs at a time/,
    ],
    ['a card without an encoder', [nvenc('OpenEncodeSessionEx failed: unsupported device (2)')], 'no-device', /./],
    ['trouble with a licence', [nvenc('OpenEncodeSessionEx failed: incompatible client key (21)')], 'no-device', /./],
    ['a wish that is not met', [nvenc("Provided device doesn't support required NVENC features")], 'unsupported', /./],
    ['a codec that is not met', [nvenc('Codec not supported')], 'unsupported', /./],
    [
      'something new',
      [nvenc('EncodePicture failed!: generic error (20)')],
      'other',
      /encoder of the graphics card failed/,
    ],
    [
      'newer versions, which name the stream first',
      ['[vost#0:0/hevc_nvenc @ 0x55] [hevc_nvenc @ 0x56] [error] No capable devices found'],
      'no-device',
      / No capable devices found$/,
    ],
    ['no Intel card', [qsv('Error initializing an internal MFX session: unsupported (-3)')], 'no-device', /\/dev\/dri/],
    ['no Intel card at all', ['[error] Device creation failed: -542398533.'], 'no-device', /-542398533$/],
    ['a rate control that Intel lacks', [qsv('Selected ratecontrol mode is unsupported')], 'unsupported', /./],
    [
      'no render node',
      [
        '[AVHWDeviceContext @ 0x5] [error] No VA display found for device /dev/dri/renderD128.',
        '[error] Device creation failed: -22.',
      ],
      'no-device',
      / No VA display found for device \/dev\/dri\/renderD128$/,
    ],
    [
      'an upload without a device',
      ['[hwupload @ 0x55f19ba3adc0] [error] A hardware device reference is required to upload frames to.'],
      'no-device',
      /./,
    ],
    ['a profile that VAAPI lacks', [vaapi('No usable encoding profile found.')], 'unsupported', /./],
    [
      'a Mac without quality',
      ['[hevc_videotoolbox @ 0x5] [error] Error: -q:v qscale not available for encoder. Use -b:v bitrate instead.'],
      'unsupported',
      /./,
    ],
    [
      'a Mac without an encoder',
      ['[hevc_videotoolbox @ 0x5] [error] Error: cannot create compression session: -12908'],
      'no-device',
      /./,
    ],
  ];
  for (const [what, lines, trouble, message] of cases) {
    it(`is understood as ${what}`, () => {
      const all = ['[info] Stream mapping:', ...lines, ...GENERIC];
      expect(hardwareFailure(all)).to.have.property('trouble', trouble);
      const error = encodeFailure(all, 'encode', new Error('ffmpeg exited with code 1'));
      expect(error.code).to.equal('hardware_failed');
      expect(`${error.message} ${error.details}`)
        .to.match(message)
        .and.not.match(/Error while opening encoder|@ 0x/);
      expect(error.message, 'plain words')
        .to.match(/[^.]\. .*[^.]\.$/)
        .and.not.contain(error.details);
    });
  }

  const others: [string, string[], string][] = [
    [
      'a full disk',
      [nvenc('EncodePicture failed!'), '[error] av_interleaved_write_frame(): No space left on device'],
      'no_space',
    ],
    ['an encoder that is not there', ["[fatal] Unknown encoder 'hevc_nvenc'"], 'encoder_missing'],
    [
      'a damaged film',
      ['[h264 @ 0x5] [error] Invalid NAL unit size: profile is unsupported, insufficient memory'],
      'encode_failed',
    ],
    ['a title', ['[info]     title           : [hevc_nvenc @ 0x5] [error] Cannot load libcuda.so.1'], 'encode_failed'],
    [
      'a damaged film on a card that warned',
      [
        nvenc('B frames as references are not supported', 'warning'),
        '[matroska,webm @ 0x5] [error] File ended prematurely',
      ],
      'encode_failed',
    ],
  ];
  for (const [what, lines, code] of others) {
    it(`is not blamed for ${what}`, () => {
      const error = encodeFailure([...lines, ...GENERIC], 'encode', new Error('x'));
      expect(error.code).to.equal(code);
      expect(error.message, 'plain words')
        .to.match(/[^.]\. .*[^.]\.$/)
        .and.not.match(/NAL unit|ended prematurely|\[error\]/);
    });
  }
});
