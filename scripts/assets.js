// Builds what browsers load from its sources in public/ and from packages, into public/built, which is all that is served:
// one stylesheet, one script of our own, one of libraries, one for what is heard live, the font and the pictures. Only when a source changed.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const here = fileURLToPath(import.meta.url);
const root = dirname(dirname(here));
const publicDir = join(root, 'public');
const built = join(publicDir, 'built');
/** Written last, so its time is that of the whole build. */
const LAST = 'app.css';

/** Scripts that others find in the global scope; htmx comes before its extension. */
const LIBRARIES = ['htmx.org/dist/htmx.min.js', 'idiomorph/dist/idiomorph-ext.min.js'];
/** Texts lie beside their compressed selves: at full strength once, instead of in haste for each browser. */
const TEXTS = /\.(?:css|js|svg)$/;
const COPIED = [
  join(publicDir, 'icons.svg'),
  join(publicDir, 'mark.svg'),
  join(root, 'node_modules/@fontsource-variable/inter/LICENSE'),
];

if (process.argv[1] === here) await buildAssets();

/** Brings public/built up to date. Throws with esbuild's words where a source is wrong. */
export async function buildAssets() {
  const last = join(built, LAST);
  if (existsSync(last) && statSync(last).mtimeMs > newestSource()) return;
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      app: 'public/scripts/main.ts',
      live: 'public/scripts/live.ts',
      'app-styles': 'public/styles/index.css',
    },
    outdir: built,
    write: false,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    loader: { '.woff2': 'file' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const styles = files.get('app-styles.css');
  files.delete('app-styles.css');
  files.set('vendor.js', LIBRARIES.map((path) => readFileSync(join(root, 'node_modules', path), 'utf8')).join('\n;\n'));
  for (const path of COPIED)
    files.set(basename(path) === 'LICENSE' ? 'inter-license.txt' : basename(path), readFileSync(path));
  files.set(LAST, styles);
  replaceFiles(new Map([...compressed(files), ...files]));
}

function compressed(files) {
  const texts = [...files].filter(([name]) => TEXTS.test(name));
  return texts.flatMap(([name, text]) => [
    [`${name}.br`, brotliCompressSync(text)],
    [`${name}.gz`, gzipSync(text, { level: 9 })],
  ]);
}

/** A program that reads the folder meanwhile sees each file whole, the old one or the new one. */
function replaceFiles(files) {
  const aside = `${built}-${process.pid}`;
  for (const folder of [built, aside]) mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(built)) if (!files.has(name)) rmSync(join(built, name), { force: true });
  for (const [name, contents] of files) {
    writeFileSync(join(aside, name), contents);
    renameSync(join(aside, name), join(built, name));
  }
  rmSync(aside, { recursive: true });
}

function newestSource() {
  const folders = ['scripts', 'styles'].map((name) => join(publicDir, name));
  const sources = folders.flatMap((folder) => [folder, ...readdirSync(folder).map((name) => join(folder, name))]);
  const all = [...sources, ...COPIED, here, join(root, 'package-lock.json')];
  return Math.max(...all.map((path) => statSync(path).mtimeMs));
}
