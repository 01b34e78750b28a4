// Bundles the page that the README shows, with the packages that examples/widget has installed: its imports exist, and their
// versions are the ones that the demo page is tested with.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const embed = join(root, 'examples/embed');
const widget = join(root, 'examples/widget');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const tested = manifest(widget).dependencies;
const faults = Object.entries(manifest(embed).dependencies)
  .filter(([name, version]) => tested[name] !== version)
  .map(([name, version]) => `examples/embed wants ${name} ${version}, examples/widget has ${tested[name] ?? 'none'}`);

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
