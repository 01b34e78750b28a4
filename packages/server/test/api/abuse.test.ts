// What hostile clients send: requests made to stop the service, to use more than they pay for, or to learn what they may not know.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;

beforeEach(async () => {
  harness = await openHarness({ jsonBytesMax: 64 * 1024 });
});

afterEach(async () => {
  await harness.close();
});

describe('a body', () => {
  test('for signing in is small, because nobody is known yet', async () => {
    const body = { token: 'x', padding: 'x'.repeat(20_000) };
    const answer = await harness.call({ method: 'POST', url: '/console/session', body });
    expect([answer.status, answer.body['code']]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  test('of thousands of nested members is refused, not our fault', async () => {
    const key = await harness.key();
    const body = `{"name":"a","data":"","meta":${'{"a":'.repeat(3000)}1${'}'.repeat(3001)}`;
    const answer = await harness.call({ method: 'POST', url: '/v5/files', key, body });
    expect([answer.status, answer.body['code']]).toEqual([400, 'REQUEST_INVALID']);
  });
});
