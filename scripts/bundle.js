// Puts the program and the libraries it loads into one file per entry: reading a thousand small files took a third of
// the time until it was ready, and far longer from a disk that has to wake up.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Compiled code for one machine; it stays in node_modules. */
const NATIVE = ['@node-rs/argon2', 'ssh2', 'bufferutil', 'utf-8-validate'];
/** What CommonJS libraries take for granted and an ES module does not have. */
const COMMONJS = `
import { createRequire as bundleRequire } from 'node:module';
import { dirname as bundleDirname } from 'node:path';
import { fileURLToPath as bundlePath } from 'node:url';
const require = bundleRequire(import.meta.url);
const __filename = bundlePath(import.meta.url);
const __dirname = bundleDirname(__filename);
`;

/** Bundles compiled files in place. The files around them stay as they are: threads and rules load those by name. */
export async function bundle(dist, entries) {
  for (const entry of entries) {
    const file = join(dist, entry);
    await build({
      absWorkingDir: dist,
      entryPoints: [file],
      outfile: file,
      allowOverwrite: true,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // The text of the program stays in memory for as long as it runs: a third less of it, and names stay readable.
      minifyWhitespace: true,
      legalComments: 'linked',
      logLevel: 'warning',
      external: NATIVE,
      banner: { js: COMMONJS },
      plugins: [ownAddresses(dist, dirname(file))],
    });
    // Strings are escaped, regular expressions are not. A single such letter doubles what the text takes in memory.
    const wide = /[\u0100-\uffff].{0,40}/.exec(readFileSync(file, 'utf8'));
    if (wide) throw new Error(`${entry} holds a letter that needs two bytes; write it as \\uXXXX: ${wide[0]}`);
  }
}

/** Our files find their neighbours by `import.meta.url`; inside the bundle that has to go on naming where they were. */
function ownAddresses(dist, bundleDir) {
  return {
    name: 'own-addresses',
    setup({ onLoad }) {
      const mark = 'import.meta.url';
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        if (!path.startsWith(dist + sep)) return undefined;
        const source = readFileSync(path, 'utf8');
        if (!source.includes(mark)) return undefined;
        const place = relative(bundleDir, path).split(sep).join('/');
        return { contents: source.replaceAll(mark, `new URL(${JSON.stringify(place)}, ${mark}).href`), loader: 'js' };
      });
    },
  };
}
