// One vitest project per kind of test, so that each kind can be run alone by name.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** How long `expect.poll` waits for what must come. A busy machine makes it late; it ends as soon as it is there. */
const PATIENCE_MS = 25_000;

const project = (name: string, include: string[], options: Record<string, unknown> = {}) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    name,
    include,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: PATIENCE_MS } },
    ...options,
  },
});

const maxWorkers = availableParallelism();
/** Files share the modules of their worker, since no test changes them. */
const TOGETHER = { isolate: false, maxWorkers };

export default defineConfig({
  test: {
    projects: [
      project('unit', ['packages/*/test/**/*.test.ts'], {
        ...TOGETHER,
        exclude: [
          '**/*.property.test.ts',
          'packages/server/test/api/**',
          'packages/server/test/contract/**',
          '**/node_modules/**',
        ],
      }),
      project('property', ['packages/*/test/**/*.property.test.ts'], { maxWorkers, testTimeout: 120_000 }),
      project('contract', ['packages/server/test/contract/**/*.test.ts'], { ...TOGETHER, testTimeout: 120_000 }),
      project('api', ['packages/server/test/api/**/*.test.ts'], TOGETHER),
      project('conformance', ['conformance/**/*.test.ts'], {
        globalSetup: ['conformance/support/base-url.ts'],
        testTimeout: 300_000,
        // Three nodes may start before a file.
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('e2e', ['e2e/**/*.test.ts'], {
        // The browser tests start their servers through the same support as the conformance suite.
        globalSetup: ['conformance/support/base-url.ts'],
        testTimeout: 180_000,
        hookTimeout: 180_000,
        // They wait for pages more than they compute.
        maxWorkers: 2,
      }),
    ],
  },
});
