// How the service ends: what is under way finishes, nobody's open connection holds up the end, and what would is told to go elsewhere.
import { once } from 'node:events';
import { Agent, type ClientRequest, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { drain, type Phase } from '../../src/http/drain.ts';
import { CONTAINER, type Harness, openHarness } from '../support/harness.ts';

const NO_LOG = { info: () => {}, warn: () => {}, error: () => {} };

/** A harness that listens, with a drain that a test can watch. */
async function listening() {
  let phase: Phase = 'serving';
  const entered: Phase[] = [];
  // Rechecks are driven by hand: there is no timer to wait for.
  const ticks = new Set<() => void>();
  const harness = await openHarness({
    phase: () => phase,
    wrap: (ports) => ({
      ...ports,
      system: {
        ...ports.system,
        every: (_everyMs, task) => {
          ticks.add(task);
          return () => ticks.delete(task);
        },
      },
    }),
  });
  const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
  const agent = new Agent({ keepAlive: true });
  open.push({ harness, agent });
  const reached = new Map<Phase, () => void>();
  const waits = new Map(
    (['leaving', 'closing', 'ending'] as const).map((name): [Phase, Promise<void>] => [
      name,
      new Promise<void>((resolve) => reached.set(name, resolve)),
    ]),
  );
  return {
    harness,
    address,
    agent,
    entered,
    /** Lets every upload under way ask whether it may go on. */
    tick: () => {
      for (const task of ticks) task();
    },
    drain: (closingMs: number, left = Promise.resolve()) =>
      drain(
        harness.app,
        { leavingMs: 0, closingMs },
        NO_LOG,
        (next) => {
          phase = next;
          entered.push(next);
          reached.get(next)?.();
        },
        () => left,
      ),
    phase: (name: Phase) => waits.get(name),
  };
}

const open: { harness: Harness; agent: Agent }[] = [];
afterEach(async () => {
  for (const { harness, agent } of open.splice(0)) {
    agent.destroy();
    await harness.close();
  }
});

/** An upload whose first half has arrived. */
async function halfSent({ harness, address, agent }: Awaited<ReturnType<typeof listening>>) {
  const key = await harness.key();
  const arrived = once(harness.app.server, 'request');
  const sending = request(`${address}/${CONTAINER}/v5/files?folder=/drain&filename=slow.txt`, {
    method: 'PUT',
    agent,
    headers: { 'x-filerobot-key': key, 'content-length': 10 },
  });
  sending.write('12345');
  await arrived;
  return { sending, answer: answerOf(sending) };
}

/** A connection that has sent the first line of a request; the rest is for the answered function, which answers all that comes back. */
async function begun(address: string, line: string): Promise<(rest: string) => Promise<string>> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  await once(socket, 'connect');
  await new Promise<void>((sent) => socket.write(`${line}\r\n`, () => sent()));
  // Answered after what was sent before it has been read.
  await (await fetch(`${address}/health/live`)).arrayBuffer();
  return (rest) => {
    socket.write(rest);
    return text(socket);
  };
}

function answerOf(sending: ClientRequest): Promise<{ status: number | undefined; body: string; connection?: string }> {
  return new Promise((resolve, reject) => {
    sending.on('error', reject);
    sending.on('response', async (answer) =>
      resolve({
        status: answer.statusCode,
        body: await text(answer),
        ...(answer.headers.connection === undefined ? {} : { connection: answer.headers.connection }),
      }),
    );
  });
}

describe('a drain', () => {
  test('lets an upload under way finish, and then its kept connection go', async () => {
    const world = await listening();
    const { sending, answer } = await halfSent(world);
    const drained = world.drain(60_000);
    await world.phase('closing');
    sending.end('67890');
    expect(await answer).toMatchObject({ status: 200, body: expect.stringContaining('"bytes":10') });
    // The client would keep its connection; without an end from our side this waits for longer than a test may take.
    await drained;
    expect(world.entered).toEqual(['leaving', 'closing']);
  });

  test('goes on serving while it leaves, only not ready any more', async () => {
    const world = await listening();
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const drained = world.drain(60_000, left);
    await world.phase('leaving');
    const ready = await fetch(`${world.address}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([503, expect.objectContaining({ code: 'SHUTTING_DOWN' })]);
    const uploaded = await world.harness.upload(await world.harness.key(), '/drain');
    expect(uploaded.status).toBe(200);
    expect(world.entered).toEqual(['leaving']);
    leave();
    await drained;
  });

  test('refuses new bodies while it closes, so that they are not cut off, and answers short questions', async () => {
    const world = await listening();
    const key = await world.harness.key();
    // Requests whose first line has arrived when the end begins.
    const put = await begun(world.address, `PUT /${CONTAINER}/v5/files?folder=/drain&filename=late.txt HTTP/1.1`);
    const get = await begun(world.address, `GET /${CONTAINER}/v4/files?folder=/ HTTP/1.1`);
    const drained = world.drain(60_000);
    await world.phase('closing');
    const late = await put(`Host: x\r\nX-Filerobot-Key: ${key}\r\nContent-Length: 1\r\n\r\n1`);
    expect(late).toMatch(/^HTTP\/1.1 503 .*connection: close\r\n.*retry-after: 1\r\n.*SHUTTING_DOWN/s);
    expect(await get(`Host: x\r\nX-Filerobot-Key: ${key}\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 .*connection: close/s);
    await drained;
  });

  test('tells uploads that take too long to go elsewhere, and stores nothing of them', async () => {
    const world = await listening();
    const { answer } = await halfSent(world);
    const drained = world.drain(0);
    await world.phase('ending');
    // A store far away may only have begun to take the bytes: the next look is as good.
    const looking = setInterval(world.tick, 20);
    const { status, body } = await answer.finally(() => clearInterval(looking));
    expect([status, JSON.parse(body).code]).toEqual([503, 'SHUTTING_DOWN']);
    await drained;
    expect(world.entered).toEqual(['leaving', 'closing', 'ending']);
    const left = await world.harness.ports.blobs.list(Number.MAX_SAFE_INTEGER);
    expect(left.blobIds).toEqual([]);
  });

  test('cuts off what does not even read its refusal', async () => {
    const world = await listening();
    // Nobody ticks: this upload never learns that it should end.
    const { answer } = await halfSent(world);
    const cutOff = expect(answer).rejects.toThrow('socket hang up');
    await world.drain(0);
    await cutOff;
  });
});
