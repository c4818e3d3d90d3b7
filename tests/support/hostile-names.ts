/** Names without an ending that have broken other programs. `touch canary` must never run. */
// prettier-ignore
export const HOSTILE_NAMES: readonly string[] = [
  "It's", 'Say "hi"', '$(touch canary)', '`touch canary`', '; touch canary', '| touch canary', '&& touch canary', '> canary', '< in', '${HOME}',
  'new\nline', 'tab\there', 'carriage\rreturn', '-rf', '--help', '-', '-i', '%s%n', '%03d', '%2e%2e%2f', 'concat:a|b', 'file:x', 'pipe:1',
  'a:b', 'a*b', 'a?b', '[1-9]', '{a,b}', '~', '!', '#1', '@home', 'a=b', 'subfile,,start,0,end,0,,:x',
  'a+b', 'a,b', 'a&b=c', 'back\\slash', '\\\\server\\share', '日本語のタイトル', 'Ελληνικά', 'עברית', 'العربية', '\u202Egpj.exe', '🎬🍿',
  '👩‍👩‍👧‍👦', 'Amélie'.normalize('NFC'), 'Amélie'.normalize('NFD'), 'Å'.normalize('NFC'), 'Å'.normalize('NFD'), ' leading', 'trailing ', 'dots...',
  '\u0001control', '\u007Fdelete', '\u200Bzero width', '\uFEFFmark', 'a\u0301\u0302\u0303', 'CON', 'NUL', 'desktop.ini', '<b>bold', '{{this}}',
  'x'.repeat(251), 'é'.normalize('NFC').repeat(125), '🎬'.repeat(62), '__proto__', 'constructor', 'null',
];

/** Every character that means something to a shell, a format or a protocol, and every control character but zero. */
const MEANINGFUL = Array.from('!"#$%&\'()*+,-.:;<=>?@[\\]^_`{|}~');
const CONTROLS = Array.from({ length: 31 }, (_, at) => String.fromCharCode(at + 1));
const COMMANDS = [
  '$(touch canary)',
  '`touch canary`',
  ';touch canary;',
  '|touch canary',
  '&touch canary&',
  '\ntouch canary\n',
];

/**
 * More than 300: those above, each meaningful character before, within, after and doubled, each control character, and each
 * way to run a command inside each way to quote.
 */
export const MANY_HOSTILE_NAMES: readonly string[] = [
  ...new Set([
    ...HOSTILE_NAMES,
    ...MEANINGFUL.flatMap((mark) => [`${mark}film`, `fi${mark}lm`, `film${mark}`, `fi ${mark}${mark} lm`]),
    ...CONTROLS.flatMap((mark) => [`fi${mark}lm`, `${mark}film`]),
    ...COMMANDS.flatMap((command) =>
      ["'", '"', '`', '\\', '$', "\\'", "'\\''", '"$', '${', '))'].map((quote) => `fi${quote}${command}${quote}lm`),
    ),
  ]),
];
