// The programs that the documentation shows do what it says, against a listening service.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { CONTAINER, openHarness } from '../support/harness.ts';

const harness = await openHarness();
afterAll(() => harness.close());

const APPROVE = fileURLToPath(new URL('../../../../examples/approvals/approve.mjs', import.meta.url));

test('the back end of the how-to about approvals asks two people and is approved by the second', async () => {
  const address = await harness.app.listen({ host: '127.0.0.1', port: 0 });
  const { secret } = await harness.secretKey();
  harness.clock.nowMs = Date.now();
  const { stdout } = await promisify(execFile)(process.execPath, [APPROVE], {
    env: { CONTAINER_URL: `${address}/${CONTAINER}`, SECRET_KEY: secret },
    timeout: 20_000,
  });
  expect(stdout).toBe('asked: PENDING\nvoted: PENDING\nvoted: APPROVED\n');
});
