// Bundles the demo page into dist/ from this folder's own node_modules, so that the page needs no host but the one that serves it.
import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');

/**
 * The explorer reaches for cloud-drive importers by dynamic import. They are separate packages that talk to the
 * vendor's connector hosts, and one of them was never published, so the imports resolve to an empty module.
 */
const leaveOutCloudImporters = {
  name: 'leave-out-cloud-importers',
  setup(bundle) {
    const importer = /^@filerobot\/(url|google-drive|dropbox|onedrive)$/;
    bundle.onResolve({ filter: importer }, ({ path }) => ({ path, namespace: 'left-out' }));
    bundle.onLoad({ filter: importer, namespace: 'left-out' }, () => ({ contents: 'export default undefined;' }));
  },
};

/** The packages' style sheets begin by importing a web font from an outside host; page.css names a local stand-in. */
const dropRemoteStyleImports = {
  name: 'drop-remote-style-imports',
  setup(bundle) {
    bundle.onResolve({ filter: /^https?:/ }, ({ path, kind }) =>
      kind === 'import-rule' ? { path, namespace: 'remote-style' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'remote-style' }, () => ({ contents: '', loader: 'css' }));
  },
};

/** Libraries that keep state in module scope: with two copies the page starts and then fails inside a hook. */
const SINGLE_COPY = ['react', 'react-dom', 'react-konva', 'konva', 'styled-components', '@filerobot/core'];

/** Fails the build when a library that must be there once is bundled from two places. */
function requireSingleCopies(inputs) {
  for (const name of SINGLE_COPY) {
    const places = new Set(
      Object.keys(inputs).flatMap((file) => {
        const end = file.lastIndexOf(`node_modules/${name}/`);
        return end >= 0 && !file.slice(end + `node_modules/${name}/`.length).includes('node_modules/')
          ? [file.slice(0, end)]
          : [];
      }),
    );
    if (places.size !== 1) throw new Error(`${name} must be bundled from one place, found ${places.size}`);
  }
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { main: 'src/main.ts' },
  outdir: dist,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  // Older targets would turn async functions into generators, which the widget's thunks do not recognise.
  target: 'es2022',
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
  loader: { '.svg': 'dataurl' },
  define: {
    global: 'globalThis',
    'process.env.NODE_ENV': '"production"',
    'process.env.REACT_APP_GITLAB_REVIEW_ENV': '""',
  },
  plugins: [leaveOutCloudImporters, dropRemoteStyleImports],
});
requireSingleCopies(metafile.inputs);
await cp(join(here, 'src/index.html'), join(dist, 'index.html'));
