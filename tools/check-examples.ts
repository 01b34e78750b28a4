// Bundles the page that the README shows, with the packages that examples/widget has installed: its imports exist, and their
// versions are the ones that the demo page is tested with. Uppy's example names the versions that its browser test runs with.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const embed = join(root, 'examples/embed');
const widget = join(root, 'examples/widget');

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** A package of `folder` in another version than that of `tested` is not what was tried. */
function differences(folder: string, tested: string): string[] {
  const { dependencies, devDependencies } = manifest(join(root, tested));
  const tried = { ...dependencies, ...devDependencies };
  return Object.entries(manifest(join(root, folder)).dependencies ?? {})
    .filter(([name, version]) => tried[name] !== version)
    .map(([name, version]) => `${folder} wants ${name} ${version}, ${tested} has ${tried[name] ?? 'none'}`);
}
const faults = [...differences('examples/embed', 'examples/widget'), ...differences('examples/uppy', '.')];

const page = readFileSync(join(embed, 'index.html'), 'utf8');
const script = /<script type="module">(.*?)<\/script>/s.exec(page)?.[1];
if (script === undefined) throw new Error('examples/embed/index.html has no module script');

const { errors } = await build({
  stdin: { contents: script, resolveDir: widget, sourcefile: 'examples/embed/index.html' },
  bundle: true,
  write: false,
  outdir: 'unused',
  format: 'esm',
  platform: 'browser',
  logLevel: 'silent',
  // Optional importers that are not installed, and style sheets that style sheets name by address.
  external: ['@filerobot/url', '@filerobot/google-drive', '@filerobot/dropbox', '@filerobot/onedrive', 'https://*'],
  define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
  loader: { '.svg': 'dataurl', '.png': 'dataurl' },
}).catch((failure: { errors: { text: string }[] }) => failure);
faults.push(...errors.map(({ text }) => `examples/embed/index.html: ${text}`));

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
} else {
  console.log('examples/embed bundles');
}
