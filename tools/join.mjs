// @ts-check
// Joins the compiled server, and those of its packages that are many small modules, into one file: finding and opening a thousand files is
// most of what a start takes.
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './setup.mjs';

/** Plain modules without a file or native part of their own. Everything else is loaded from where it is installed. */
const JOINED = /^(@latchkey\/policy|csv-parse|csv-stringify|kysely|zod)(\/|$)/;

const dist = join(root, 'packages', 'server', 'dist');
await build({
  entryPoints: [join(dist, 'main.js')],
  outfile: join(dist, 'latchkey.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [
    {
      name: 'packages',
      setup: ({ onResolve }) =>
        onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
          kind === 'entry-point' || JOINED.test(path) ? undefined : { external: true },
        ),
    },
  ],
});
