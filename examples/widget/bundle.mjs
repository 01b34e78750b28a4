// Bundles a page with a published widget into dist/ from the node_modules of its own folder, so that the page needs no host but
// the one that serves it. Shared by every version of the widget that has a page.
import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What every version of the widget has around it: the page itself and what asks the server for its settings. */
const page = dirname(fileURLToPath(import.meta.url));

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
function requireSingleCopies(inputs, names) {
  for (const name of names) {
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

/**
 * Builds the page of a folder from its `src/main.ts`. `build` is the folder's own esbuild. Fails when a library of
 * `singleCopy` would be in the page twice.
 */
export async function buildPage({ folder, build, singleCopy }) {
  const dist = join(folder, 'dist');
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: folder,
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
  requireSingleCopies(metafile.inputs, singleCopy);
  await cp(join(page, 'src/index.html'), join(dist, 'index.html'));
}
