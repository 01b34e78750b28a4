// Builds the page with the older widget: the same page as that of examples/widget around other packages.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPage } from '../widget/bundle.mjs';

await buildPage({
  folder: dirname(fileURLToPath(import.meta.url)),
  build,
  singleCopy: ['react', 'react-dom', 'styled-components', '@filerobot/core'],
});
