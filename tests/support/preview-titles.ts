/** Invented films: title, year, codec, width, height, megabits per second, HDR, audio codec, channels, minutes, plays. */
export type FilmLine = [string, number, string, number, number, number, string, string, number, number, number];

// prettier-ignore
export const FILMS: readonly FilmLine[] = [
  ['Hollow Sun', 2022, 'hevc', 3840, 2160, 69.4, 'hdr10', 'truehd', 8, 138, 1],
  ['Orbital Debt', 2023, 'hevc', 3840, 1608, 64.1, 'dolby-vision', 'truehd', 8, 131, 2],
  ['Vermilion Coast', 2024, 'hevc', 3840, 2160, 52.0, 'hdr10', 'dts', 8, 115, 0],
  ['The Salt Meridian', 2021, 'h264', 1920, 804, 31.2, 'sdr', 'dts', 6, 118, 1],
  ['Ninety Winters', 2018, 'vc1', 1920, 1080, 27.8, 'sdr', 'dts', 6, 112, 4],
  ['Copper & Rain', 2017, 'h264', 1920, 1080, 25.0, 'sdr', 'dts', 6, 126, 0],
  ['Lantern Street', 2016, 'h264', 1920, 1080, 17.9, 'sdr', 'flac', 6, 129, 6],
  ['A Quiet Ledger', 2014, 'mpeg2video', 1920, 1080, 18.9, 'sdr', 'ac3', 6, 109, 2],
  ['Kestrel', 2020, 'h264', 1920, 1080, 15.8, 'sdr', 'dts', 6, 121, 1],
  ['Blue Hour', 2015, 'h264', 1920, 1080, 24.7, 'sdr', 'dts', 6, 117, 3],
  ['The Tin Astronaut', 2025, 'h264', 1920, 1080, 21.4, 'sdr', 'eac3', 6, 119, 0],
  ["The Cartographer's Daughter", 2019, 'h264', 1920, 1040, 12.6, 'sdr', 'ac3', 6, 124, 5],
  ['Last Train to Verrin', 2009, 'mpeg4', 720, 304, 1.6, 'sdr', 'mp3', 2, 97, 8],
  ['Paper Harbour', 2011, 'mpeg2video', 720, 576, 6.1, 'sdr', 'ac3', 2, 101, 2],
  ['Nine Doors to Monday', 2013, 'h264', 1280, 536, 6.9, 'sdr', 'ac3', 6, 106, 1],
  ['The Glassblowers', 2012, 'wmv3', 1280, 720, 7.4, 'sdr', 'aac', 2, 93, 0],
  ['Under a Borrowed Moon', 2023, 'av1', 1920, 800, 4.2, 'sdr', 'opus', 6, 111, 2],
  ['Saltwater Clocks', 2010, 'mpeg4', 640, 272, 1.1, 'sdr', 'mp3', 2, 88, 3],
  ['Ten Thousand Umbrellas', 2019, 'hevc', 1920, 1080, 5.1, 'sdr', 'eac3', 6, 107, 9],
  ['The Weight of Feathers', 2021, 'h264', 3840, 2160, 44.8, 'sdr', 'flac', 6, 122, 1],
  ['Cold Parade', 2008, 'msmpeg4v3', 624, 352, 1.3, 'sdr', 'mp3', 2, 95, 0],
  ['Any Port', 2024, 'hevc', 3840, 1600, 38.5, 'hlg', 'eac3', 6, 104, 0],
];

/** Invented episodes: series, season, episode, title, codec, megabits per second, minutes, plays. */
export type EpisodeLine = [string, number, number, string, string, number, number, number];

const series = (
  name: string,
  season: number,
  codec: string,
  mbps: number,
  minutes: number,
  titles: string,
): EpisodeLine[] =>
  titles
    .split(', ')
    .map((title, at) => [name, season, at + 1, title, codec, mbps + (at % 4) * 0.7, minutes + (at % 3), (at * 7) % 5]);

/** Four short series. */
export const EPISODES: readonly EpisodeLine[] = [
  ...series('Northline', 3, 'h264', 15.1, 52, 'Frost Line, The Signal Box, Down Platform, Points Failure, Whiteout, Sleepers, The Ice Road, The Long Night Shift, Thaw, Meltwater, Spring Timetable'),
  ...series('Glass Orchard', 1, 'h264', 11.8, 48, 'Seed, Root, The Graft, First Blossom, Hail, Windfall, Cider, Bare Branches'),
  ...series('Harbour Nine', 2, 'mpeg2video', 8.2, 44, 'Spring Tide, Bilge, The Pilot, Fog Signal, Dry Dock, Neap, Ballast, Slack Water, Anchor Watch, Landfall'),
  ...series('Saturday Machines', 5, 'hevc', 2.1, 24, 'Toaster, Lathe, Loom, Press, Kiln, Pump, Crane, Clock, Engine'),
]; // prettier-ignore
