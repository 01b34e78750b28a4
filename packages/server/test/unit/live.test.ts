// What the guard remembers of rules and revocations, and above all when it does not.
import { TEMPLATE_DEFAULTS } from '@latchkey/policy';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type LiveRecords, liveRecords } from '../../src/guard/live.ts';
import type { RuleChange } from '../../src/ports/bus.ts';
import type { Ports } from '../../src/ports/index.ts';
import type { TemplateRecord } from '../../src/ports/templates.ts';
import { CONTAINER, openHarness } from '../support/harness.ts';

const world = await openHarness();
afterAll(() => world.close());

const RECORD: TemplateRecord = {
  uid: 'uid',
  container: CONTAINER,
  identifier: 'SECU_1',
  document: { ...TEMPLATE_DEFAULTS, name: 'Uploads' },
  revision: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
};

let stored: TemplateRecord | undefined;
let revoked: Set<string>;
let asked: string[];
let isCurrent: boolean;
let nowMs: number;
let tell: (change: RuleChange, delayMs?: number) => void;
let gate: Promise<void> | undefined;
let live: LiveRecords;

const isRevoked = (container: string, keyId: string) =>
  live.isKeyRevoked(container, {
    keyId,
    subjectHash: undefined,
    source: { kind: 'template', id: 'any' },
    issuedAtMs: 0,
  });

/** A store that counts the questions and answers, when a gate is set, only after it has opened. */
async function answer<T>(question: string, read: () => T): Promise<T> {
  asked.push(question);
  const value = read();
  await gate;
  return value;
}

beforeEach(() => {
  stored = RECORD;
  revoked = new Set();
  asked = [];
  isCurrent = true;
  nowMs = 1_000_000;
  gate = undefined;
  const templates: Ports['templates'] = {
    ...world.ports.templates,
    findTemplate: (container, uid) => answer(`${container} ${uid}`, () => stored),
    findTemplateByIdentifier: (container, identifier) => answer(`${container} ${identifier}`, () => stored),
    isKeyRevoked: (container, { keyId }) => answer(`${container} ${keyId}`, () => revoked.has(keyId)),
  };
  const bus: Ports['bus'] = {
    listen: (it) => {
      tell = (change, delayMs = 0) => it(change, delayMs);
    },
    isCurrent: () => isCurrent,
  };
  live = liveRecords({
    templates,
    accesses: world.ports.accesses,
    bus,
    system: { ...world.ports.system, now: () => nowMs },
  });
});

describe('what is remembered', () => {
  test('is asked of the store once, by however many at the same time', async () => {
    const found = await Promise.all(Array.from({ length: 5 }, () => live.findTemplate(CONTAINER, 'uid')));
    expect(await live.findTemplate(CONTAINER, 'uid')).toBe(RECORD);
    expect(found).toEqual(Array.from({ length: 5 }, () => RECORD));
    expect(asked).toEqual([`${CONTAINER} uid`]);
  });

  test('is remembered for each container and name by itself', async () => {
    await isRevoked(CONTAINER, 'one');
    revoked.add('two');
    expect(await isRevoked(CONTAINER, 'two')).toBe(true);
    expect(await isRevoked('other', 'one')).toBe(false);
    expect(asked).toEqual([`${CONTAINER} one`, `${CONTAINER} two`, 'other one']);
  });

  test('is asked again after four seconds, and when the clock was set back', async () => {
    await live.findTemplate(CONTAINER, 'uid');
    nowMs += 3999;
    await live.findTemplate(CONTAINER, 'uid');
    expect(asked).toHaveLength(1);
    nowMs += 1;
    await live.findTemplate(CONTAINER, 'uid');
    expect(asked).toHaveLength(2);
    nowMs -= 10;
    await live.findTemplate(CONTAINER, 'uid');
    expect(asked).toHaveLength(3);
  });

  test('is bounded in number: the oldest is forgotten first', async () => {
    for (let n = 0; n <= 20_000; n += 1) await isRevoked(CONTAINER, `key-${n}`);
    asked = [];
    await isRevoked(CONTAINER, 'key-20000');
    await isRevoked(CONTAINER, 'key-1');
    expect(asked).toEqual([]);
    await isRevoked(CONTAINER, 'key-0');
    expect(asked).toEqual([`${CONTAINER} key-0`]);
  });
});

describe('what is not remembered', () => {
  test('is anything while the bus is not current, and what was is not used', async () => {
    await live.findTemplate(CONTAINER, 'uid');
    isCurrent = false;
    stored = undefined;
    expect(await live.findTemplate(CONTAINER, 'uid')).toBeUndefined();
    expect(await live.findTemplate(CONTAINER, 'uid')).toBeUndefined();
    expect(asked).toHaveLength(3);
  });

  test('is what is not there', async () => {
    stored = undefined;
    expect(await live.findTemplate(CONTAINER, 'uid')).toBeUndefined();
    stored = RECORD;
    expect(await live.findTemplate(CONTAINER, 'uid')).toBe(RECORD);
  });

  test('is a template under a rotated identifier, which ends by itself', async () => {
    expect(await live.findTemplateByIdentifier(CONTAINER, 'SECU_1', 0)).toBe(RECORD);
    expect(await live.findTemplateByIdentifier(CONTAINER, 'SECU_0', 0)).toBe(RECORD);
    stored = undefined;
    expect(await live.findTemplateByIdentifier(CONTAINER, 'SECU_1', 0)).toBe(RECORD);
    expect(await live.findTemplateByIdentifier(CONTAINER, 'SECU_0', 0)).toBeUndefined();
  });

  test('is a question that the store could not answer', async () => {
    gate = Promise.reject(new Error('gone'));
    gate.catch(() => undefined);
    await expect(live.findTemplate(CONTAINER, 'uid')).rejects.toThrow('gone');
    gate = undefined;
    expect(await live.findTemplate(CONTAINER, 'uid')).toBe(RECORD);
  });

  test('is an answer that was on its way when a change was told', async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = isRevoked(CONTAINER, 'key');
    revoked.add('key');
    tell({ kind: 'revocations', container: CONTAINER, keyId: 'key' });
    gate = undefined;
    expect(await isRevoked(CONTAINER, 'key')).toBe(true);
    open();
    expect(await early).toBe(false);
    expect(await isRevoked(CONTAINER, 'key')).toBe(true);
  });

  test.each<{ change: RuleChange; again: readonly string[] }>([
    { change: { kind: 'rules', container: CONTAINER }, again: [`${CONTAINER} uid`, `${CONTAINER} SECU_1`] },
    { change: { kind: 'rules', container: 'demo2' }, again: [] },
    { change: { kind: 'rules', container: 'dem' }, again: [] },
    { change: { kind: 'revocations', container: CONTAINER, keyId: 'a' }, again: [`${CONTAINER} a`] },
    { change: { kind: 'revocations', container: CONTAINER }, again: [`${CONTAINER} a`, `${CONTAINER} b`] },
    { change: { kind: 'revocations', container: 'other', keyId: 'a' }, again: [] },
    {
      change: { kind: 'everything' },
      again: [`${CONTAINER} uid`, `${CONTAINER} SECU_1`, `${CONTAINER} a`, `${CONTAINER} b`],
    },
  ])('is what a change is told of: $change', async ({ change, again }) => {
    const ask = async () => {
      await live.findTemplate(CONTAINER, 'uid');
      await live.findTemplateByIdentifier(CONTAINER, 'SECU_1', 0);
      await isRevoked(CONTAINER, 'a');
      await isRevoked(CONTAINER, 'b');
    };
    await ask();
    asked = [];
    tell(change);
    await ask();
    expect(asked).toEqual(again);
  });
});
