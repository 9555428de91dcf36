// Builds the demo app into dist/: `npm ci && npm run build`. LiteRT's WebAssembly comes from the npm package, so that the
// page asks no other host for anything.
import * as esbuild from 'esbuild';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawIcon } from './icon.mjs';

const ROOT = dirname(fileURLToPath(import.meta.url));
const DIST = join(ROOT, 'dist');
const WASM_SOURCE = join(ROOT, 'node_modules', '@litertjs', 'core', 'wasm');
const LICENCES = [
  ['@litertjs/core', 'Apache-2.0'],
  ['@fontsource-variable/figtree', 'OFL-1.1'],
];

/** src/outputs holds a file a kind of output, found by itself; these are what all kinds share. */
const NO_KINDS = new Set(['guess.ts', 'index.ts', 'kind.ts']);

/** The module `densezoo:kinds`: all kinds in a list, by name of their files. */
const kinds = {
  name: 'kinds',
  setup(build) {
    build.onResolve({ filter: /^densezoo:kinds$/ }, ({ path }) => ({ path, namespace: 'kinds' }));
    build.onLoad({ filter: /.*/, namespace: 'kinds' }, async () => {
      const folder = join(ROOT, 'src', 'outputs');
      const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !NO_KINDS.has(name)).sort();
      const imports = names.map((name, index) => `import kind${index} from './${name}';`);
      const list = `export const KINDS = [${names.map((_, index) => `kind${index}`).join(', ')}];`;
      return { contents: [...imports, list].join('\n'), loader: 'ts', resolveDir: folder, watchDirs: [folder] };
    });
  },
};

const shared = { bundle: true, minify: true, target: 'es2022', logLevel: 'warning', absWorkingDir: ROOT, charset: 'utf8' };

async function bundle() {
  await esbuild.build({ ...shared, entryPoints: ['src/page/main.ts'], plugins: [kinds], outfile: join(DIST, 'app.js'), format: 'esm' });
  // LiteRT loads its WebAssembly with importScripts, which a module worker does not have: hence a classic script.
  await esbuild.build({ ...shared, entryPoints: ['src/worker/main.ts'], plugins: [kinds], outfile: join(DIST, 'worker.js'), format: 'iife' });
  await esbuild.build({
    ...shared,
    entryPoints: ['src/page/style.css'],
    outfile: join(DIST, 'app.css'),
    loader: { '.woff2': 'file' },
    assetNames: '[name]',
  });
}

async function files(folder, prefix = '') {
  const names = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const name = prefix + entry.name;
    if (entry.isDirectory()) names.push(...(await files(join(folder, entry.name), `${name}/`)));
    else names.push(name);
  }
  return names.sort();
}

async function serviceWorker() {
  const names = await files(DIST);
  const hash = createHash('sha256');
  for (const name of names) hash.update(name).update(await readFile(join(DIST, name)));
  // One of four WebAssembly builds is used per device; it is kept when it is first fetched.
  const shell = names.filter((name) => !name.startsWith('wasm/'));
  await esbuild.build({
    ...shared,
    entryPoints: ['src/service/worker.ts'],
    outfile: join(DIST, 'service-worker.js'),
    format: 'iife',
    define: { BUILD: JSON.stringify(hash.digest('hex').slice(0, 12)), SHELL: JSON.stringify(shell) },
  });
}

async function licences() {
  const parts = [];
  for (const [name, licence] of LICENCES) {
    const { version } = JSON.parse(await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));
    parts.push(`${name} ${version}: ${licence}`);
  }
  await writeFile(join(DIST, 'third-party.txt'), `${parts.join('\n')}\n`);
}

await rm(DIST, { recursive: true, force: true });
await mkdir(join(DIST, 'icons'), { recursive: true });
await cp(join(ROOT, 'static'), DIST, { recursive: true });
await cp(WASM_SOURCE, join(DIST, 'wasm'), { recursive: true });
for (const size of [192, 512]) {
  await writeFile(join(DIST, 'icons', `icon-${size}.png`), drawIcon(size, { bleed: false }));
  await writeFile(join(DIST, 'icons', `maskable-${size}.png`), drawIcon(size, { bleed: true }));
}
await bundle();
await licences();
await serviceWorker();
if (process.argv.includes('--watch')) {
  const { watch } = await import('node:fs/promises');
  for await (const _ of watch(join(ROOT, 'src'), { recursive: true })) {
    await bundle().catch((error) => console.error(error.message));
  }
}
