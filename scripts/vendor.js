// Copies the browser's libraries and the font into public/vendor: the pages load nothing from elsewhere.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vendor = join(root, 'public', 'vendor');

mkdirSync(vendor, { recursive: true });
for (const [from, to] of [
  ['htmx.org/dist/htmx.min.js', 'htmx.min.js'],
  ['idiomorph/dist/idiomorph-ext.min.js', 'idiomorph-ext.min.js'],
  ['socket.io/client-dist/socket.io.min.js', 'socket.io.min.js'],
  ...['latin', 'latin-ext', 'cyrillic', 'cyrillic-ext', 'greek', 'vietnamese'].map((script) => [
    `@fontsource-variable/inter/files/inter-${script}-wght-normal.woff2`,
    `inter-${script}.woff2`,
  ]),
  ['@fontsource-variable/inter/LICENSE', 'inter-license.txt'],
]) {
  copyFileSync(join(root, 'node_modules', from), join(vendor, to));
}
