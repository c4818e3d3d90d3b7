// Compiles src and rules to dist and bundles what is started. Only when something changed, so that `npm start` is quick the second time.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'dist', '.built');

if (
  !existsSync(stamp) ||
  newest([
    'src',
    'rules',
    'scripts/build.js',
    'scripts/bundle.js',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
  ]) > statSync(stamp).mtimeMs
) {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  // The compiler leaves pictures behind.
  cpSync(join(root, 'src/demo/posters'), join(root, 'dist/src/demo/posters'), { recursive: true });
  const { bundle } = await import('./bundle.js');
  await bundle(join(root, 'dist'), ['src/main.js', 'src/demo/main.js']);
  writeFileSync(stamp, '');
}

function newest(paths) {
  return Math.max(
    ...paths.flatMap((path) => {
      const full = join(root, path);
      const own = statSync(full);
      if (!own.isDirectory()) return [own.mtimeMs];
      return readdirSync(full, { recursive: true }).map((file) => statSync(join(full, file)).mtimeMs);
    }),
  );
}
