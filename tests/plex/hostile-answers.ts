import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { LibraryItem } from '../../src/domain/library/library.js';
import { json, send, SERVER_ID } from './hand-made-server.js';
import {
  changedFilm,
  detailedFilm,
  films,
  FOLDER,
  LIBRARIES,
  listedFilm,
  listOf,
  partOf2,
  type Question,
} from './hostile-honest.js';

/** Nothing in the library changes, and the run ends with this. */
interface Refused {
  says: RegExp;
}
/** The run ends well. `row` is the second film as it should be then; it comes as an honest answer would have left it. */
interface Taken {
  row: (row: LibraryItem) => void;
}
/** The run ends well, and nothing changes. */
type Passed = 'nothing';
export type Outcome = Refused | Taken | Passed;

export interface HostileAnswer {
  name: string;
  to: Question;
  answer: (res: ServerResponse, req: IncomingMessage) => void;
  full: Outcome;
  /** Of a sync that looks for changes only. */
  changed: Outcome;
  /** For what never comes to an end. */
  timeoutMs?: number;
}

type Answer = HostileAnswer['answer'];
const cases: HostileAnswer[] = [];
const add = (
  name: string,
  to: Question,
  answer: Answer,
  full: Outcome,
  changed: Outcome = full,
  timeoutMs?: number,
): void => {
  cases.push({ name, to, answer, full, changed, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
};

const text =
  (body: string, type = 'application/json'): Answer =>
  (res) => {
    send(res, 200, type, body);
  };
const bytes =
  (body: Buffer, headers: Record<string, string> = {}): Answer =>
  (res) => {
    res.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(body);
  };
const container =
  (fields: Record<string, unknown>): Answer =>
  (res) => {
    json(res, fields);
  };
const status =
  (code: number, body = '', headers: Record<string, string> = {}): Answer =>
  (res) => {
    res.writeHead(code, { 'Content-Type': 'text/html', ...headers }).end(body);
  };

// ---------------------------------------------------------------- what is no answer at all, to any question

const PAGE = '<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>';
const HALF = '{"MediaContainer":{"size":3,"totalSize":3,"Metadata":[{"ratingKey":"1","type":"mov';
const WHOLE = JSON.stringify({
  MediaContainer: { ...listOf(films()), machineIdentifier: SERVER_ID, Directory: LIBRARIES },
});
const xml = (inside: string, head = '<?xml version="1.0"?>'): string =>
  `${head}<MediaContainer size="0">${inside}</MediaContainer>`;
const LOL = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');
const LATIN = Buffer.from(WHOLE.replaceAll('Film', 'Am\u00e9lie'), 'latin1');

const nowhere: [string, Answer, RegExp][] = [
  ['an empty body', text(''), /it is empty/],
  ['204 and nothing', status(204), /it is empty/],
  ['blanks', text(' \n\t '), /it is empty/],
  ['a byte order mark and nothing else', text('\ufeff'), /it is empty/],
  ['a sign-in page', text(PAGE, 'text/html'), /web page/],
  ['a sign-in page that claims to be JSON', text(PAGE), /web page/],
  ['a page in capitals behind blank lines', text(`\n\n<!DOCTYPE HTML>${PAGE}`, 'text/xml'), /web page/],
  ['half a JSON', text(HALF), /damaged or cut off/],
  ['half an XML', text('<MediaContainer size="1"><Video ratingKey="1', 'text/xml'), /damaged or cut off/],
  ['JSON with something behind it', text(`${WHOLE}garbage`), /damaged/],
  ['two JSON answers in one', text(WHOLE + WHOLE), /damaged/],
  ['JSON with single quotes', text("{'MediaContainer':{'size':0}}"), /damaged/],
  ['JSON with a comment', text('{"MediaContainer":{/* */"size":0}}'), /damaged/],
  ['NaN where a number is due', text('{"MediaContainer":{"size":NaN}}'), /damaged/],
  ['null', text('null'), /no MediaContainer/],
  ['true', text('true'), /no MediaContainer/],
  ['a number beyond all numbers', text('1e400'), /no MediaContainer/],
  ['a word', text('"MediaContainer"'), /no MediaContainer/],
  ['an empty list', text('[]'), /no MediaContainer/],
  ['a container that is null', text('{"MediaContainer":null}'), /no MediaContainer/],
  ['a container that is text', text('{"MediaContainer":"size=0"}'), /no MediaContainer/],
  ['a container that is a number', text('{"MediaContainer":3}'), /no MediaContainer/],
  ['a container that is an empty list', text('{"MediaContainer":[]}'), /no MediaContainer/],
  ['a container in small letters', text(WHOLE.replace('MediaContainer', 'mediacontainer')), /no MediaContainer/],
  ['a container in the prototype', text(`{"__proto__":${WHOLE}}`), /no MediaContainer/],
  [
    'UTF-16',
    bytes(Buffer.from(`\ufeff${WHOLE}`, 'utf16le'), { 'Content-Type': 'application/json; charset=utf-16' }),
    /UTF-8/,
  ],
  ['UTF-16 without a mark', bytes(Buffer.from(WHOLE, 'utf16le')), /damaged/],
  ['Latin-1', bytes(LATIN, { 'Content-Type': 'application/json; charset=iso-8859-1' }), /UTF-8/],
  ['bytes that are no text', bytes(Buffer.from([0x7b, 0xc0, 0xaf, 0xff, 0xfe, 0x7d])), /UTF-8/],
  ['zeros', bytes(Buffer.alloc(4096), { 'Content-Type': 'application/octet-stream' }), /neither JSON nor XML/],
  ['a picture', bytes(Buffer.from('ffd8ffe000104a464946', 'hex'), { 'Content-Type': 'image/jpeg' }), /UTF-8/],
  ['plain words', text('Plex is busy.', 'text/plain'), /neither JSON nor XML/],
  [
    'a billion laughs',
    text(`<?xml version="1.0"?><!DOCTYPE m [<!ENTITY l0 "lol">${LOL}]><MediaContainer title="&l9;"/>`, 'text/xml'),
    /XML is damaged/,
  ],
  [
    'one huge entity many times',
    text(`<!DOCTYPE m [<!ENTITY a "${'a'.repeat(50_000)}">]>${xml('&a;'.repeat(5000), '')}`, 'text/xml'),
    /XML is damaged|neither/,
  ],
  [
    'an entity from a file',
    text(
      `<?xml version="1.0"?><!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><MediaContainer title="&x;"/>`,
      'text/xml',
    ),
    /XML is damaged/,
  ],
  [
    'a document type from elsewhere',
    text('<?xml version="1.0"?><!DOCTYPE m SYSTEM "http://127.0.0.1:9/m.dtd"><MediaContainer/>', 'text/xml'),
    /XML is damaged/,
  ],
  ['an entity that is not explained', text(xml('<Video title="&xxe;"/>'), 'text/xml'), /XML is damaged/],
  ['XML with two roots', text(xml('') + xml('', ''), 'text/xml'), /XML is damaged/],
  ['XML whose comment never ends', text(xml('<!-- '), 'text/xml'), /XML is damaged/],
  [
    'XML whose quote never ends',
    text('<MediaContainer size="0><Video/></MediaContainer>', 'text/xml'),
    /XML is damaged/,
  ],
  [
    'XML that closes what it did not open',
    text('<MediaContainer></Video></MediaContainer>', 'text/xml'),
    /XML is damaged/,
  ],
  ['XML of great depth', text(xml('<a>'.repeat(100_000)), 'text/xml'), /XML is damaged/],
  ['XML without a container', text('<?xml version="1.0"?><Response code="200"/>', 'text/xml'), /no MediaContainer/],
  [
    'a compression that is none',
    bytes(Buffer.from('no gzip at all'), { 'Content-Encoding': 'gzip' }),
    /compression is damaged/,
  ],
  [
    'a compression cut off',
    bytes(gzipSync(WHOLE).subarray(0, 60), { 'Content-Encoding': 'gzip' }),
    /it is empty|damaged/,
  ],
  ['an unknown compression', bytes(gzipSync(WHOLE), { 'Content-Encoding': 'zstd' }), /UTF-8/],
  ['a move to another host', status(302, '', { Location: 'http://127.0.0.2:9/library' }), /sends us elsewhere \(302\)/],
  ['a lasting move', status(301, '', { Location: 'https://elsewhere.invalid/' }), /sends us elsewhere \(301\)/],
  ['a move that keeps the method', status(307, '', { Location: '//elsewhere.invalid/' }), /sends us elsewhere \(307\)/],
  ['a choice', status(300, PAGE), /sends us elsewhere \(300\)/],
  ['401', status(401, PAGE), /token \(401\)/],
  ['403', status(403, PAGE), /refuses this to our token \(403\)/],
  ['410', status(410, PAGE), /unexpected status 410/],
  ['a teapot', status(418, PAGE), /unexpected status 418/],
  ['a request to slow down', status(429, '', { 'Retry-After': '-1' }), /slow down \(429\)/],
  ['maintenance', status(503, '<Response code="503" title="Maintenance"/>'), /maintenance/],
];
for (const [name, answer, says] of nowhere)
  for (const to of ['listing', 'detail'] as const) add(name, to, answer, { says });
for (const [name, answer, says] of nowhere.filter((_, n) => n % 3 === 0)) {
  add(name, 'identity', answer, { says });
  add(name, 'sections', answer, { says });
}

add('a page that is not there', 'listing', status(404, PAGE), { says: /does not know what was asked for \(404\)/ });
add('an error of its own', 'sections', status(500, PAGE), { says: /an error of its own \(500\)/ });
add('a reset', 'listing', (res) => res.socket?.resetAndDestroy(), { says: /cannot be reached/ });
add(
  'less than its length',
  'detail',
  (res) => {
    res.writeHead(200, { 'Content-Length': WHOLE.length + 10 }).write(WHOLE);
    setImmediate(() => res.destroy());
  },
  { says: /cannot be reached/ },
);
add('no HTTP', 'listing', (res) => res.socket?.end('NOT HTTP AT ALL\r\n\r\n'), { says: /not HTTP/ });
add(
  'chunks that are none',
  'listing',
  (res) => res.socket?.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
  { says: /not HTTP/ },
);
add(
  'a flood of headers',
  'listing',
  (res) => res.socket?.end(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`),
  { says: /not HTTP/ },
);

function drip(res: ServerResponse, piece: string): void {
  const timer = setInterval(() => res.write(piece), 20);
  res.once('close', () => {
    clearInterval(timer);
  });
}
add('silence', 'listing', () => undefined, { says: /did not answer in time/ }, undefined, 400);
add(
  'a drip',
  'sections',
  (res) => {
    drip(res.writeHead(200, { 'Content-Type': 'application/json' }), ' ');
  },
  { says: /did not answer in time/ },
  undefined,
  400,
);
add(
  'a drip of good JSON',
  'listing',
  (res) => {
    res.writeHead(200, { 'Content-Type': 'application/json' }).write('{"MediaContainer":{"size":0,"a":"');
    drip(res, 'a');
  },
  { says: /did not answer in time/ },
  undefined,
  400,
);

// ---------------------------------------------------------------- what is far too much

const MB = 1_000_000;
const zipped = (body: string): Answer => {
  const packed = gzipSync(body, { level: 1 });
  return bytes(packed, { 'Content-Encoding': 'gzip' });
};
const bomb = Buffer.alloc(70 * MB, 32);
add('a gzip bomb', 'listing', bytes(gzipSync(bomb, { level: 1 }), { 'Content-Encoding': 'gzip' }), {
  says: /far larger/,
});
add('a brotli bomb', 'detail', bytes(brotliCompressSync(bomb, { params: { 1: 1 } }), { 'Content-Encoding': 'br' }), {
  says: /far larger/,
});
add('a deflate bomb', 'sections', bytes(deflateSync(bomb, { level: 1 }), { 'Content-Encoding': 'deflate' }), {
  says: /far larger/,
});
add(
  'a bomb of a second compression',
  'listing',
  bytes(gzipSync(gzipSync(bomb, { level: 1 })), { 'Content-Encoding': 'gzip' }),
  { says: /UTF-8/ },
);
add('millions of open brackets', 'listing', zipped(`{"MediaContainer":{"Metadata":${'['.repeat(6 * MB)}`), {
  says: /JSON is damaged/,
});
add(
  'millions of brackets that close',
  'detail',
  zipped(`{"MediaContainer":{"a":${'['.repeat(3 * MB)}${']'.repeat(3 * MB)}}}`),
  { says: /JSON is damaged/ },
);
add('millions of empty films', 'listing', zipped(`{"MediaContainer":{"Metadata":[{}${',{}'.repeat(2 * MB)}]}}`), {
  says: /JSON is damaged/,
});
add('half a million elements', 'listing', zipped(xml('<Video/>'.repeat(510_000))), { says: /damaged/ });

// ---------------------------------------------------------------- who it is

const identities: [string, Record<string, unknown>, RegExp][] = [
  ['no name', { size: 0 }, /does not say which server/],
  ['an empty name', { machineIdentifier: '' }, /does not say which server/],
  ['a list of names', { machineIdentifier: [SERVER_ID] }, /does not say which server/],
  ['an object for a name', { machineIdentifier: { id: SERVER_ID } }, /does not say which server/],
  ['true for a name', { machineIdentifier: true }, /does not say which server/],
  ['a name in capitals', { machineIdentifier: SERVER_ID.toUpperCase() }, /Another Plex server/],
  ['a name and a line', { machineIdentifier: `${SERVER_ID}\n` }, /Another Plex server/],
  ['a number for a name', { machineIdentifier: 7 }, /Another Plex server/],
];
for (const [name, fields, says] of identities) add(name, 'identity', container(fields), { says });
add(
  'a name in the prototype',
  'identity',
  text(`{"MediaContainer":{"__proto__":{"machineIdentifier":"${SERVER_ID}"}}}`),
  { says: /does not say which server/ },
);

// ---------------------------------------------------------------- its libraries

const sections = (directories: unknown, more: Record<string, unknown> = {}): Answer =>
  container({ size: 2, Directory: directories, ...more });
const [first, second] = LIBRARIES;
const libraries: [string, Answer, RegExp][] = [
  ['fewer libraries than it says', sections([first]), /fewer libraries/],
  ['no list of libraries', sections(undefined), /fewer libraries/],
  ['libraries as text', sections('Films, Shows'), /no list/],
  ['libraries as a number', sections(2), /no list/],
  ['a library that is null', sections([first, null, second]), /no list/],
  ['a library that is a list', sections([first, [second]]), /no list/],
  ['a size below nothing', sections(LIBRARIES, { size: -2 }), /size is no count/],
  [
    'a size beyond all numbers',
    text(JSON.stringify({ MediaContainer: { size: 77, Directory: LIBRARIES } }).replace('77', '1e400')),
    /size is no count/,
  ],
  ['a size in words', sections(LIBRARIES, { size: 'two' }), /size is no count/],
  ['a size that is a list', sections(LIBRARIES, { size: [2] }), /size is no count/],
  ['a library without a key', sections([first, { ...second, key: undefined }]), /no id or kind/],
  ['a key with slashes', sections([first, { ...second, key: '2/../1' }]), /no id or kind/],
  ['a key of dots', sections([first, { ...second, key: '..' }]), /no id or kind/],
  ['a key with a line end', sections([first, { ...second, key: '2\n' }]), /no id or kind/],
  ['a key that is an object', sections([first, { ...second, key: { id: 2 } }]), /no id or kind/],
  ['a key of the prototype', sections([first, { ...second, key: '__proto__' }]), /no id or kind/],
  ['a library of no kind', sections([first, { ...second, type: undefined }]), /no id or kind/],
  ['a library of a list of kinds', sections([first, { ...second, type: ['show'] }]), /no id or kind/],
  ['one key for two libraries', sections([first, { ...second, key: '1' }]), /two libraries have one id/],
];
for (const [name, answer, says] of libraries) add(name, 'sections', answer, { says });
add(
  'libraries with more than they need',
  'sections',
  sections(
    LIBRARIES.map((library) => ({
      ...library,
      hidden: {},
      agent: [[[]]],
      constructor: { prototype: { polluted: 1 } },
    })),
  ),
  'nothing',
);
add(
  'film and show exchanged',
  'sections',
  sections([{ ...first, type: 'show' }, second]),
  { says: /lists other titles/ },
  'nothing',
);

// ---------------------------------------------------------------- its lists

const list = (items: readonly unknown[], more: Record<string, unknown> = {}): Answer => container(listOf(items, more));
const lies: [string, Answer, RegExp, Outcome?][] = [
  ['an empty list with a total', list([], { totalSize: 3 }), /ended after 0 of 3/],
  ['no list, though there was one', list([]), /lists nothing in it/, 'nothing'],
  ['a total that is too large', list(films(), { totalSize: 5000 }), /repeats the same page/],
  ['a total that is too small', list(films(), { totalSize: 1 }), /holds more than the 1 entries/, 'nothing'],
  ['a total below nothing', list(films(), { totalSize: -3 }), /totalSize is no count/],
  ['a total in words', list(films(), { totalSize: 'three' }), /totalSize is no count/],
  ['a total of two and a half', list(films(), { totalSize: 2.5 }), /totalSize is no count/],
  ['a total that is a list', list(films(), { totalSize: [3] }), /totalSize is no count/],
  [
    'a total beyond all numbers',
    text(JSON.stringify({ MediaContainer: listOf(films(), { totalSize: 77 }) }).replace('77', '1e400')),
    /totalSize is no count/,
  ],
  ['a size that is too large', list(films(), { size: 4 }), /fewer entries than it says/],
  ['a size that is an object', list(films(), { size: {} }), /size is no count/],
  ['a list that is text', container({ size: 0, Metadata: 'Film 1' }), /Metadata is no list/],
  ['a list that is a number', container({ size: 0, Metadata: 3 }), /Metadata is no list/],
  ['a list that is true', container({ size: 0, Metadata: true }), /Metadata is no list/],
  ['a list of nothing', list([null, null, null]), /Metadata is no list/],
  ['a list in a list', list([films()]), /Metadata is no list/],
  ['a list with one word', list([...films(), 'Film 4']), /Metadata is no list/],
  [
    'numbered fields for a list',
    container({ size: 3, Metadata: Object.fromEntries(films().entries()) }),
    /fewer entries/,
  ],
  ['one title three times', list([listedFilm(1), listedFilm(1), listedFilm(1)]), /ended after 1 of 3/, 'nothing'],
  ['another library around it', list(films(), { librarySectionID: 2 }), /another library/],
  ['a list of libraries around it', list(films(), { librarySectionID: [1] }), /another library/],
];
for (const [name, answer, says, changed] of lies) add(name, 'listing', answer, { says }, changed);

let page = 0;
const endless: Answer = (res) => {
  const Metadata = Array.from({ length: 500 }, (_, n) => ({
    ...changedFilm(),
    ratingKey: `9${page * 500 + n}`,
    Media: [],
  }));
  page++;
  json(res, { size: 500, totalSize: 1000 + page * 500, Metadata });
};
add('new titles for ever', 'listing', endless, { says: /does not come to an end/ });
add(
  'a short page for ever',
  'listing',
  list(films().slice(0, 2), { totalSize: 3 }),
  { says: /ended after 2 of 3/ },
  'nothing',
);

const entry = (change: Record<string, unknown>): Answer => list([listedFilm(1), changedFilm(change), listedFilm(3)]);
const entries: [string, Record<string, unknown>, RegExp][] = [
  ['a title without a key', { ratingKey: undefined }, /no id/],
  ['a key that is null', { ratingKey: null }, /no id/],
  ['a key that is an object', { ratingKey: { id: 2 } }, /no id/],
  ['a key that is a list', { ratingKey: ['2'] }, /no id/],
  ['a key that is true', { ratingKey: true }, /no id/],
  ['an empty key', { ratingKey: '' }, /no id/],
  ['a key with slashes', { ratingKey: '2/../../3' }, /no id/],
  ['a key of dots', { ratingKey: '..' }, /no id/],
  ['a key with a line end', { ratingKey: '2\n' }, /no id/],
  ['a key with a zero', { ratingKey: '2\0' }, /no id/],
  ['two keys in one', { ratingKey: '2,3' }, /no id/],
  ['a key with a question', { ratingKey: '2?checkFiles=1' }, /no id/],
  ['a key in disguise', { ratingKey: '%2e%2e' }, /no id/],
  ['a key of the prototype', { ratingKey: '__proto__' }, /no id/],
  ['a key below nothing', { ratingKey: -2 }, /no id/],
  ['a key with a fraction', { ratingKey: 2.5 }, /no id/],
  ['a key of great length', { ratingKey: '2'.repeat(100_000) }, /no id/],
  ['a title of another library', { librarySectionID: 2 }, /another library/],
  ['a title of no kind', { type: undefined }, /does not say what it is/],
  ['a kind that is a list', { type: ['movie'] }, /does not say what it is/],
  ['an episode among films', { type: 'episode' }, /other titles/],
];
for (const [name, change, says] of entries) add(name, 'listing', entry(change), { says });
add(
  'a collection among films',
  'listing',
  list([...films(), { ratingKey: '90', type: 'collection', updatedAt: 1_772_366_400 }]),
  'nothing',
);

// ---------------------------------------------------------------- one title in a list: what is right is taken

const same = (): void => undefined;
const MARKUP = `<script>alert(1)</script>"'&amp;{{title}}`;
const asXml = (inside: string): Answer =>
  text(
    `<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer size="1" totalSize="1" librarySectionID="1">${inside}</MediaContainer>`,
    'text/xml;charset=utf-8',
  );
const fields: [string, Record<string, unknown>, (row: LibraryItem) => void][] = [
  ['a title that is an object', { title: {} }, same],
  ['a title that is null', { title: null }, same],
  ['a title that is a list', { title: ['Film', 2] }, same],
  [
    'a title of great length',
    { title: 'x'.repeat(5 * MB) },
    (row) => {
      row.title = 'x'.repeat(500);
    },
  ],
  [
    'a title of markup',
    { title: MARKUP },
    (row) => {
      row.title = MARKUP;
    },
  ],
  [
    'a title with zeros and lines',
    { title: 'Film\0\r\n2' },
    (row) => {
      row.title = 'Film 2';
    },
  ],
  [
    'a title that is a number',
    { title: 1917 },
    (row) => {
      row.title = '1917';
    },
  ],
  ['a guid that is a list', { guid: [] }, same],
  [
    'a year in words',
    { year: 'soon' },
    (row) => {
      row.year = null;
    },
  ],
  [
    'a year below nothing',
    { year: -1 },
    (row) => {
      row.year = null;
    },
  ],
  ['a year as text', { year: '1992' }, same],
  ['no date', { addedAt: undefined }, same],
  ['a date below nothing', { addedAt: -1 }, same],
  ['a date beyond the calendar', { addedAt: 1e300 }, same],
  [
    'plays below nothing',
    { viewCount: -3 },
    (row) => {
      row.plays = 0;
    },
  ],
  [
    'plays as an object',
    { viewCount: {} },
    (row) => {
      row.plays = 0;
    },
  ],
  ['a place in the film that is null', { viewOffset: null }, same],
  ['a rating that is a list', { userRating: [10] }, same],
  ['a picture with a token', { thumb: '/thumb/1?X-Plex-Token=abc' }, same],
  ['a picture from elsewhere', { thumb: 'http://elsewhere.invalid/a.jpg' }, same],
  ['a picture with a line end', { thumb: '/thumb/1\r\nX-Evil: 1' }, same],
  ['labels that are text', { Label: 'Keep' }, same],
  ['labels that are nothing', { Label: [null, {}, { tag: [] }] }, same],
  [
    'very many labels',
    { Label: Array.from({ length: 5000 }, (_, n) => ({ tag: `l${n}` })) },
    (row) => {
      row.labels = Array.from({ length: 1000 }, (_, n) => `l${n}`);
    },
  ],
  ['no file', { Media: undefined }, same],
  ['a version that is null', { Media: [null] }, same],
  ['versions that are text', { Media: 'mkv' }, same],
  ['a version without parts', { Media: [{ id: 1 }] }, same],
  ['parts that are a number', { Media: [{ id: 1, Part: 7 }] }, same],
  ['a part without a path', partOf2({ file: undefined }), same],
  ['a path that is a list', partOf2({ file: ['/a.mkv'] }), same],
  ['a path with a zero', partOf2({ file: `${FOLDER}/Film 2.mkv\0.txt` }), same],
  ['a path of great length', partOf2({ file: `/${'a'.repeat(MB)}` }), same],
  [
    'a path out of its folder',
    partOf2({ file: `${FOLDER}/../../etc/passwd` }),
    (row) => {
      Object.assign(row.files[0] ?? {}, {
        path: `${FOLDER}/../../etc/passwd`,
        localPath: null,
        audio: [],
        subtitles: [],
        container: 'mkv',
      });
      Object.assign(row.files[0]?.video ?? {}, { bitrateKbps: null, bitDepth: null, fps: null });
    },
  ],
  ['a part with slashes in its id', partOf2({ id: '../2002' }), same],
  ['a part without an id', partOf2({ id: {} }), same],
  ['a size below nothing', partOf2({ size: -5 }), same],
  ['a size in words', partOf2({ size: 'large' }), same],
  ['a size no number can hold', partOf2({ size: 1e300 }), same],
  ['a length below nothing', partOf2({ duration: -5 }), same],
  ['a container that is an object', partOf2({ container: {} }), same],
  ['junk of great length', { summary: 'x'.repeat(3 * MB) }, same],
];
for (const [name, change, row] of fields) add(name, 'listing', entry(change), { row });
add(
  'a byte order mark before a good answer',
  'listing',
  text(`\ufeff${JSON.stringify({ MediaContainer: listOf([listedFilm(1), changedFilm(), listedFilm(3)]) })}`),
  { row: same },
);
add(
  'a prototype among the fields',
  'listing',
  text(
    JSON.stringify({
      MediaContainer: listOf([
        listedFilm(1),
        changedFilm({ proto: { title: 'Evil', year: 1 }, constructor: { prototype: { polluted: 1 } } }),
        listedFilm(3),
      ]),
    }).replace('"proto"', '"__proto__"'),
  ),
  { row: same },
);
/** Far deeper than what walks through it by calling itself could stand. */
const DEPTH = 100_000;
const deep = JSON.stringify({ MediaContainer: listOf([listedFilm(1), changedFilm({ junk: 77 }), listedFilm(3)]) });
add('junk of great depth', 'listing', text(deep.replace(':77', `:${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`)), {
  row: same,
});
add(
  'a year beyond all numbers',
  'listing',
  text(
    JSON.stringify({ MediaContainer: listOf([listedFilm(1), changedFilm({ year: 77 }), listedFilm(3)]) }).replace(
      ':77',
      ':1e400',
    ),
  ),
  {
    row: (row) => {
      row.year = null;
    },
  },
);
add(
  'a good answer with the wrong content type',
  'listing',
  text(JSON.stringify({ MediaContainer: listOf([listedFilm(1), changedFilm(), listedFilm(3)]) }), 'text/plain'),
  { row: same },
);
add(
  'XML with a prototype in it',
  'listing',
  asXml(
    '<Video ratingKey="2" type="movie"><__proto__ ratingKey="3" type="movie"/></Video><Video ratingKey="3" title="cut',
  ),
  { says: /XML is damaged/ },
);

// ---------------------------------------------------------------- the streams of one title

const about2 = (change: Record<string, unknown>, more: Record<string, unknown> = {}): Answer =>
  list([detailedFilm(2, { updatedAt: 1_772_366_400, ...change })], more);
const detailed = detailedFilm(2)['Media'] as { Part: Record<string, unknown>[] }[];
const withStreams = (Stream: unknown): Record<string, unknown> => ({
  Media: [{ ...detailed[0], Part: [{ ...detailed[0]?.Part[0], Stream }] }],
});
const streams = (detailed[0]?.Part[0]?.['Stream'] ?? []) as Record<string, unknown>[];
const stream = (index: number, change: Record<string, unknown>): Record<string, unknown> =>
  withStreams(streams.map((one, n) => (n === index ? { ...one, ...change } : one)));
const unread = (row: LibraryItem): void => {
  for (const file of row.files) file.detailed = false;
};
/** An answer that tells of the file, but not of its streams. */
const details: [string, Answer, Outcome][] = [
  ['an answer about another title', list([detailedFilm(3, { title: 'Evil' })]), { row: unread }],
  ['nothing about it', list([]), { row: unread }],
  [
    'one title twice',
    list([detailedFilm(2), detailedFilm(2, { title: 'Evil' })]),
    { says: /describes one title twice/ },
  ],
  [
    'a title of no library',
    list([detailedFilm(2, { librarySectionID: undefined })], { librarySectionID: undefined }),
    { says: /which library/ },
  ],
  ['a title of a list of libraries', about2({ librarySectionID: [1] }), { says: /which library/ }],
  ['a title of a library that nobody knows', about2({ librarySectionID: 99 }), { row: same }],
  ['titles that are text', container({ size: 0, Metadata: 'Film 2' }), { says: /Metadata is no list/ }],
  ['streams that are text', about2(withStreams('h264')), { row: unread }],
  ['streams that are nothing', about2(withStreams([null, {}, { streamType: {} }])), { row: unread }],
  [
    'streams of unknown kinds',
    about2(withStreams([{ streamType: 99 }, { streamType: -1 }, { streamType: 'video' }])),
    { row: unread },
  ],
  ['no version', about2({ Media: undefined }), { row: unread }],
  [
    'very many streams',
    about2(withStreams([...streams.slice(0, 1), ...Array.from({ length: 20_000 }, () => streams[1])])),
    {
      row: (row) => {
        const [file] = row.files;
        if (file === undefined) return;
        file.audio = Array.from({ length: 999 }, () => ({
          ...(file.audio[0] ?? {
            codec: '',
            channels: 0,
            bitrateKbps: null,
            language: null,
            title: null,
            profile: null,
          }),
        }));
        file.subtitles = [];
      },
    },
  ],
  [
    'channels below nothing',
    about2(stream(1, { channels: -6 })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.audio[0] ?? {}, { channels: 0 });
      },
    },
  ],
  [
    'a bitrate below nothing',
    about2(stream(0, { bitrate: -1 })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.video ?? {}, { bitrateKbps: null });
      },
    },
  ],
  [
    'a depth in words',
    about2(stream(0, { bitDepth: 'ten' })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.video ?? {}, { bitDepth: null });
      },
    },
  ],
  [
    'a frame rate that is a list',
    about2(stream(0, { frameRate: [24] })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.video ?? {}, { fps: null });
      },
    },
  ],
  [
    'a language that is an object',
    about2(stream(1, { languageCode: {} })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.audio[0] ?? {}, { language: null });
      },
    },
  ],
  [
    'markup for a sound track',
    about2(stream(1, { title: MARKUP })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.audio[0] ?? {}, { title: MARKUP });
      },
    },
  ],
  [
    'a codec of great length',
    about2(stream(1, { codec: 'c'.repeat(MB) })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.audio[0] ?? {}, { codec: 'c'.repeat(500) });
      },
    },
  ],
  [
    'a codec with a line end',
    about2(stream(1, { codec: 'ac3\n-y /etc' })),
    {
      row: (row) => {
        Object.assign(row.files[0]?.audio[0] ?? {}, { codec: 'ac3 -y /etc' });
      },
    },
  ],
];
for (const [name, answer, outcome] of details) add(name, 'detail', answer, outcome);

/** Answers that no Plex gives, each with what MediaFlow may make of it. */
export const HOSTILE: readonly HostileAnswer[] = cases;
