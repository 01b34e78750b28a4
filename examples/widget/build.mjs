// Builds the demo page of the server.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPage } from './bundle.mjs';

await buildPage({
  folder: dirname(fileURLToPath(import.meta.url)),
  build,
  singleCopy: ['react', 'react-dom', 'react-konva', 'konva', 'styled-components', '@filerobot/core'],
});
