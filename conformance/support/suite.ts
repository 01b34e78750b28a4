// Ties a deployment to a test file: BASE_URL when it is set, else a server started for the file and scanned for leaks.
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { type Deployment, startDeployment } from './layout.ts';
import { Target } from './target.ts';

/** Registers start and stop of the deployment with the test file and returns it; usable inside tests. */
export function useTarget(): Target {
  const target = new Target();
  let server: Deployment | undefined;
  beforeAll(async () => {
    if (REMOTE) return useRemote(target);
    server = await startDeployment();
    target.use(server);
  });
  afterAll(async () => {
    if (server === undefined) return;
    await server.stop();
    expectNoSecretIn(server.output(), [...target.secrets, target.adminKey]);
  });
  return target;
}

const baseUrl = inject('baseUrl');

/** True when the suite runs against a deployment that it did not start and must not stop. */
export const REMOTE = baseUrl !== '';

/** Points at the deployment that the environment names. */
export function useRemote(target: Target): void {
  target.use({
    baseUrl,
    container: process.env['CONTAINER'] ?? 'demo',
    adminKey: process.env['ADMIN_KEY'] ?? '',
  });
}

/** No credential may stand in a log: neither the form of an access key nor any secret that was in use. */
export function expectNoSecretIn(output: string, secrets: readonly string[]): void {
  const leaked = output
    .split('\n')
    .filter((line) => line.includes('SASS__') || secrets.some((it) => line.includes(it)));
  expect(leaked, 'lines of the server with a key or secret in them').toEqual([]);
}
