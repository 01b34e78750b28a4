// How the service ends: what is under way finishes, and nobody's open connection holds up the end.
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { CONTAINER, openHarness } from '../support/harness.ts';

test('closing lets an upload under way finish, and then its kept connection go', async () => {
  const harness = await openHarness();
  const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
  const agent = new Agent({ keepAlive: true });
  try {
    const upload = request(`${address}/${CONTAINER}/v5/files?folder=/drain&filename=slow.txt`, {
      method: 'PUT',
      agent,
      headers: { 'x-filerobot-key': await harness.key(), 'content-length': 10 },
    });
    const answered = new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      upload.on('error', reject);
      upload.on('response', async (answer) => resolve({ status: answer.statusCode, body: await text(answer) }));
    });
    const arrived = new Promise((resolve) => harness.app.server.once('request', resolve));
    upload.write('12345');
    await arrived;
    const closed = harness.app.close();
    upload.end('67890');
    expect(await answered).toMatchObject({ status: 200, body: expect.stringContaining('"bytes":10') });
    // The client would keep its connection; without an end from our side this waits for longer than a test may take.
    await closed;
  } finally {
    agent.destroy();
    await harness.close();
  }
});
