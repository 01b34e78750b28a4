// @ts-check
// `npm run check`: everything that can be judged without running the product. Each check is one line, with its output
// when it fails.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { BIOME, requireNode, root, run, seconds, setUp, TSC, TSX } from './setup.mjs';

/** Programs, each with its arguments, that must all end with 0. @type {Record<string, readonly (readonly string[])[]>} */
const CHECKS = {
  types: [
    [TSC, '--build'],
    [TSC, '-p', 'tsconfig.tests.json'],
    [TSC, '-p', 'examples/widget', '--noEmit'],
  ],
  'format and lint': [[BIOME, 'ci', '--colors=off', '--error-on-warnings', '.']],
  'import fences': [[TSX, 'tools/check-boundaries.ts']],
  'bundle size': [[TSX, 'tools/check-size.ts']],
  documentation: [[TSX, 'tools/check-docs.ts']],
  examples: [[TSX, 'tools/check-examples.ts']],
  'generated files': [[TSX, '--conditions=source', 'tools/gen.ts', '--check']],
};

/** At most this many programs at once: the compiler alone keeps more than one core busy. */
const PARALLEL = 2;

/**
 * Runs every check, prints a line for each as it ends, and answers how many passed and failed.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks() {
  const waiting = Object.entries(CHECKS);
  const tally = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, programs] = next;
      const startedAt = performance.now();
      let failure;
      for (const args of programs) {
        const { code, output } = await run(process.execPath, args);
        if (code === 0) continue;
        failure = output;
        break;
      }
      tally[failure === undefined ? 'passed' : 'failed'] += 1;
      const duration = seconds(performance.now() - startedAt).padStart(8);
      console.log(`  ${`check: ${name}`.padEnd(34)} ${duration}  ${failure === undefined ? 'ok' : 'FAILED'}`);
      if (failure !== undefined) console.log(failure.trimEnd());
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return tally;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await requireNode();
  if (!existsSync(join(root, 'node_modules'))) await setUp();
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
