// Bundles the two packages that run in browsers and fails when they grow over their budget or pick up something that only
// a server has.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Budgets are a third above what the packages need today: growth is noticed, and allowed with a reason. */
const BUNDLES = [
  { name: 'policy', entry: 'packages/policy/src/index.ts', bytesMax: 52_000, gzipBytesMax: 18_500 },
  { name: 'sdk', entry: 'packages/sdk/src/index.ts', bytesMax: 11_200, gzipBytesMax: 5_000 },
];

/** Signs of Node, of a server's library, or of the build machine. */
const FORBIDDEN = ['node:', 'process.', 'require(', 'Buffer.', 'sqlite', 'fastify', 'kysely', '__dirname', root];

const faults: string[] = [];
for (const { name, entry, bytesMax, gzipBytesMax } of BUNDLES) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['source'],
    minify: true,
    logLevel: 'error',
  });
  const text = outputFiles[0]?.text ?? '';
  const bytes = Buffer.byteLength(text);
  const gzipBytes = gzipSync(text).length;
  console.log(`${name}: ${bytes} bytes of ${bytesMax}, ${gzipBytes} gzipped of ${gzipBytesMax}`);
  if (bytes > bytesMax || gzipBytes > gzipBytesMax) faults.push(`${name} is over its budget`);
  for (const word of FORBIDDEN) {
    const at = text.indexOf(word);
    if (at >= 0) faults.push(`${name} contains "${word}": ...${text.slice(Math.max(0, at - 60), at + 60)}...`);
  }
}
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
