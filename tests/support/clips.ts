import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SRT = `1
00:00:00,200 --> 00:00:00,900
Hello

2
00:00:01,100 --> 00:00:01,900
World
`;
const ASS = `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold
Style: Default,Arial,20,&H00FFFFFF,0

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.20,0:00:00.90,Default,Hello {\\i1}there{\\i0}
Dialogue: 0,0:00:01.10,0:00:01.90,Default,World
`;
const CHAPTERS = `;FFMETADATA1
title=A Film
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=One
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2000
title=Two
`;

/** A subtitle every second. */
const lines = (count: number): string =>
  Array.from({ length: count }, (_, n) => {
    const at = String(n).padStart(2, '0');
    return `${n + 1}\n00:00:${at},100 --> 00:00:${at},900\nLine ${n + 1}\n`;
  }).join('\n');

/** A moving picture that differs in every frame and place, and a tone. */
const picture = (sec: number, rate = 25): string[] => ['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=${rate}:d=${sec}`];
const tone = (sec: number, hertz = 440): string[] => ['-f', 'lavfi', '-i', `sine=f=${hertz}:d=${sec}:r=48000`];
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '10', '-g', '25', '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac', '-b:a', '96k'];
const PQ = 'colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc';
const MASTERING =
  'hdr10=1:repeat-headers=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400';
const x265 = (params: string): string[] => [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '12', '-pix_fmt', 'yuv420p10le'],
  ...['-x265-params', `log-level=error:${params}`],
];

/** Name of a clip -> ffmpeg's arguments, in the folder of the texts above. `-y <file>` is added. */
const RECIPES = {
  'plain.mkv': [...picture(2), ...tone(2), ...X264, ...AAC],
  'plain.mp4': [...picture(2), ...tone(2), ...X264, ...AAC],
  'mute.mkv': [...picture(2), ...X264],
  /** Two languages, two subtitles, chapters, flags, titles. */
  'rich.mkv': [
    ...[...picture(2), ...tone(2), ...tone(2, 880), '-i', 'a.srt', '-i', 'a.ass', '-i', 'chapters.txt'],
    ...['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map', '4', '-map_metadata', '5'],
    ...[...X264, ...AAC, '-c:s:0', 'srt', '-c:s:1', 'ass', '-ac:a:0', '6', '-c:a:0', 'ac3'],
    ...[
      '-metadata:s:a:0',
      'language=eng',
      '-metadata:s:a:1',
      'language=fre',
      '-metadata:s:a:1',
      "title=Director's cut",
    ],
    ...['-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=ger', '-disposition:v:0', 'default'],
    ...['-disposition:a:0', '0', '-disposition:a:1', 'default+comment', '-disposition:s:0', 'forced'],
    ...['-disposition:s:1', '0', '-attach', 'font.ttf', '-metadata:s:t:0', 'mimetype=application/x-truetype-font'],
    ...['-attach', 'cover.jpg', '-metadata:s:t:1', 'mimetype=image/jpeg', '-default_mode', 'passthrough'],
  ],
  'rich.mp4': [
    ...[...picture(2), ...tone(2), '-i', 'a.srt', '-i', 'cover.jpg', '-i', 'chapters.txt'],
    ...['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map_metadata', '4'],
    ...[...X264, ...AAC, '-c:v:1', 'copy', '-c:s', 'mov_text', '-disposition:v:1', 'attached_pic'],
    ...['-metadata:s:a:0', 'language=eng', '-metadata:s:s:0', 'language=ger'],
  ],
  /** Long enough for tolerances in percent, and still quick: few pictures a second. */
  'long.mkv': [
    ...[...picture(12, 10), '-f', 'lavfi', '-i', 'aevalsrc=0.2*sin(2764*t)|0.1*sin(1000*t):d=12:s=48000'],
    ...['-i', 'long.srt', '-i', 'chapters.txt', '-map', '0', '-map', '1', '-map', '2', '-map_metadata', '3'],
    ...[...X264, ...AAC, '-c:s', 'srt', '-metadata:s:a:0', 'language=eng', '-metadata:s:s:0', 'language=ger'],
    ...['-disposition:v:0', 'default', '-disposition:a:0', 'default', '-disposition:s:0', 'forced'],
  ],
  'ten-bit.mkv': [...picture(2), ...tone(2), ...x265('keyint=25'), ...AAC],
  'hdr10.mkv': [...picture(2), ...tone(2), ...x265(`${PQ}:${MASTERING}`), ...AAC],
  'hlg.mkv': [...[...picture(2), ...x265('colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc')]],
  /** B-frames packed as XviD does. */
  'old.avi': [...picture(2), ...tone(2), '-c:v', 'mpeg4', '-q:v', '3', '-bf', '2', '-c:a', 'libmp3lame'],
  'broadcast.ts': [...picture(2), ...tone(2), '-c:v', 'mpeg2video', '-q:v', '3', '-c:a', 'mp2'],
  'dvd.mpg': [...picture(2), ...tone(2), '-c:v', 'mpeg2video', '-q:v', '3', '-c:a', 'ac3', '-f', 'vob'],
  'surround.mkv': [
    ...[...picture(2), '-f', 'lavfi', '-i', 'aevalsrc=0.1*sin(440*t*6)|0.1|0.2*sin(800*t)|0.1|0.1|0.1:c=5.1(side):d=2'],
    ...[...X264, '-c:a', 'ac3'],
  ],
  /** Its sound is damaged in every tenth packet or so, as in many old recordings. */
  'flawed.mkv': [...[...picture(2), ...tone(2), ...X264, '-c:a', 'mp2', '-bsf:a', 'noise=amount=300']],
  'variable.mp4': [
    ...[
      ...picture(3),
      ...tone(3),
      '-vf',
      "select='not(mod(n,2))+lt(n,30)'",
      '-fps_mode',
      'passthrough',
      ...X264,
      ...AAC,
    ],
  ],
} as const satisfies Record<string, readonly string[]>;

export type ClipName = keyof typeof RECIPES;

/** Small real films, made when first asked for. */
export class Clips {
  readonly dir: string;
  readonly #made = new Map<string, Promise<string>>();

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<Clips> {
    const clips = new Clips(await mkdtemp(join(tmpdir(), 'clips-')));
    const texts = {
      'a.srt': SRT,
      'long.srt': lines(11),
      'a.ass': ASS,
      'chapters.txt': CHAPTERS,
      'font.ttf': 'not really a font',
    };
    for (const [name, text] of Object.entries(texts)) await writeFile(join(clips.dir, name), text);
    await clips.ffmpeg([...picture(1), '-frames:v', '1', '-y', 'cover.jpg']);
    return clips;
  }

  async close(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }

  /** The absolute path of a clip. */
  get(name: ClipName): Promise<string> {
    return this.make(name, RECIPES[name]);
  }

  /** A clip by ffmpeg arguments, made once per name. */
  make(name: string, args: readonly string[]): Promise<string> {
    const path = join(this.dir, name);
    const made = this.#made.get(name) ?? this.ffmpeg([...args, '-y', path]).then(() => path);
    this.#made.set(name, made);
    return made;
  }

  /** Something that is no film. */
  async broken(): Promise<string> {
    const path = join(this.dir, 'broken.mkv');
    await writeFile(path, 'this is a shopping list\n'.repeat(200));
    return path;
  }

  /** `plain.mkv` with damage in its pictures, as a failing disk makes it. */
  async rotten(): Promise<string> {
    const plain = await this.get('plain.mkv');
    return this.make('rotten.mkv', ['-i', plain, '-c', 'copy', '-bsf:v', 'noise=amount=2000']);
  }

  /** Runs ffmpeg in the folder of the clips. */
  async ffmpeg(args: readonly string[]): Promise<void> {
    await execa('ffmpeg', ['-nostdin', '-v', 'error', ...args], { cwd: this.dir });
  }
}
