// What every bus must keep, as runnable cases: word of each change, everywhere, and no false belief of having heard it.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { TEMPLATE_DEFAULTS } from '@latchkey/policy';
import type { Accesses } from '../src/ports/access.ts';
import type { Bus, RuleChange } from '../src/ports/bus.ts';
import type { Metadata } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { path } from './places.ts';

/** A node: its bus, and the records whose changes are told on it. After `close` the bus is never current. */
export interface BusStore {
  readonly bus: Bus;
  readonly templates: Templates;
  readonly accesses: Accesses;
  readonly metadata: Metadata;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const DOCUMENT = { ...TEMPLATE_DEFAULTS, name: 'Uploads' };
/** Long for a bus, short for a test that fails. */
const PATIENCE_MS = 20_000;

async function until(isTrue: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!isTrue()) {
    assert.ok(performance.now() < endMs, `waited too long: ${what}`);
    await pause(10);
  }
}

/** Collects what a node is told from now on. */
function ear(bus: Bus): RuleChange[] {
  const told: RuleChange[] = [];
  bus.listen((change) => told.push(change));
  return told;
}

/** True when what was told covers the change. */
function covers(told: readonly RuleChange[], change: RuleChange): boolean {
  return told.some((it) => it.kind === 'everything' || JSON.stringify(it) === JSON.stringify(change));
}

async function seed(templates: Templates): Promise<void> {
  await templates.createTemplate({
    uid: 'template',
    container: CONTAINER,
    identifier: 'SECU_1',
    document: DOCUMENT,
    revision: 1,
    createdAtMs: NOW,
    updatedAtMs: NOW,
  });
  await templates.createSecretKey({
    uid: 'secret',
    container: CONTAINER,
    secretHash: 'hash',
    prefix: 'lk_',
    document: DOCUMENT,
    revision: 1,
    createdAtMs: NOW,
    updatedAtMs: NOW,
    lastUsedAtMs: undefined,
  });
}

const RULES: RuleChange = { kind: 'rules', container: CONTAINER };
const WHEN = { issuedUntilMs: NOW, revokedAtMs: NOW, revokedBy: 'admin', expiresAtMs: NOW + 1000 };
const CHANGES: readonly {
  readonly what: string;
  readonly change: RuleChange;
  make(templates: Templates): Promise<unknown>;
}[] = [
  { what: 'an edit', change: RULES, make: (it) => it.updateTemplate(CONTAINER, 'template', DOCUMENT, NOW) },
  {
    what: 'a rotation',
    change: RULES,
    make: (it) => it.rotateTemplate(CONTAINER, 'template', 'SECU_2', NOW + 1000, NOW),
  },
  { what: 'a switch', change: RULES, make: (it) => it.setTemplatesActive(CONTAINER, ['template'], false, NOW) },
  { what: 'a deletion', change: RULES, make: (it) => it.deleteTemplate(CONTAINER, 'template') },
  {
    what: 'an edit of a secret key',
    change: RULES,
    make: (it) => it.updateSecretKey(CONTAINER, 'secret', DOCUMENT, NOW),
  },
  {
    what: 'a switch of a secret key',
    change: RULES,
    make: (it) => it.setSecretKeysActive(CONTAINER, ['secret'], false, NOW),
  },
  { what: 'a deletion of a secret key', change: RULES, make: (it) => it.deleteSecretKey(CONTAINER, 'secret') },
  {
    what: 'a revocation',
    change: { kind: 'revocations', container: CONTAINER, keyId: 'key' },
    make: (it) => it.revokeKeys(CONTAINER, { keys: { kind: 'key', keyId: 'key' }, ...WHEN }),
  },
  {
    what: 'a revocation of many',
    change: { kind: 'revocations', container: CONTAINER },
    make: (it) => it.revokeKeys(CONTAINER, { keys: { kind: 'container' }, ...WHEN }),
  },
];

/** What is said of access to the folder, and what the bus tells of it and of the folder's ways. */
async function accessChanges({
  accesses,
  metadata,
}: BusStore): Promise<readonly { what: string; make(): Promise<unknown> }[]> {
  const { id } = await metadata.createFolder(CONTAINER, path('/a'), NOW);
  const at = (place: string) => ({ id, folderPath: path(place) });
  const within = () => true;
  const said = () => ({ others: 0 as const, entries: [] });
  const options = { within, createParents: false };
  const placing = { within, createDestination: true };
  const objects = (place: string) => ({ files: [], folders: [at(place)] });
  return [
    { what: 'a role', make: () => accesses.changeAccess(CONTAINER, at('/a'), 10, said) },
    { what: 'another name', make: () => metadata.moveFolder(CONTAINER, at('/a'), path('/b'), options, NOW) },
    {
      what: 'another place',
      make: () => metadata.moveObjects(CONTAINER, objects('/b'), path('/c'), placing, by(NOW)),
    },
    { what: 'the end', make: () => metadata.deleteObjects(CONTAINER, objects('/c/b'), { within }) },
  ];
}

/** The guarantees of the `Bus` port. */
export const busContract: readonly ContractCase<BusStore>[] = [
  {
    name: 'tells the node that makes a change before the write is done, and every other node soon',
    async run(open) {
      const [here, there] = [await open(), await open()];
      await seed(here.templates);
      await until(() => here.bus.isCurrent() && there.bus.isCurrent(), 'both are current');
      for (const { what, change, make } of CHANGES) {
        const [mine, theirs] = [ear(here.bus), ear(there.bus)];
        await make(here.templates);
        assert.ok(covers(mine, change), `${what} here`);
        await until(() => covers(theirs, change), `${what} there`);
      }
    },
  },
  {
    name: 'tells of access to folders like of rules, also when a folder takes it along or ends it',
    async run(open) {
      const [here, there] = [await open(), await open()];
      await here.templates.ensureContainer(CONTAINER, NOW);
      await until(() => here.bus.isCurrent() && there.bus.isCurrent(), 'both are current');
      for (const { what, make } of await accessChanges(here)) {
        const [mine, theirs] = [ear(here.bus), ear(there.bus)];
        await make();
        assert.ok(covers(mine, RULES), `${what} here`);
        await until(() => covers(theirs, RULES), `${what} there`);
      }
      const told = ear(here.bus);
      const { id } = await here.metadata.createFolder(CONTAINER, path('/free'), NOW);
      const options = { within: () => true, createParents: false };
      await here.metadata.moveFolder(CONTAINER, { id, folderPath: path('/free') }, path('/other'), options, NOW);
      assert.deepEqual(told, [], 'where nothing is said nothing is told');
    },
  },
  {
    name: 'tells of no change that was not made',
    async run(open) {
      const { bus, templates } = await open();
      await seed(templates);
      await until(() => bus.isCurrent(), 'it is current');
      const told = ear(bus);
      await templates.findTemplate(CONTAINER, 'template');
      await templates.touchSecretKey(CONTAINER, 'secret', NOW);
      assert.deepEqual(told, []);
    },
  },
  {
    name: 'stays current for as long as it is heard',
    async run(open) {
      const { bus } = await open();
      await until(() => bus.isCurrent(), 'it is current');
      const [beganMs, lapses] = [performance.now(), new Set<boolean>()];
      while (performance.now() - beganMs < 2000) {
        const beforeMs = performance.now();
        await pause(20);
        // A machine that stops this process for longer than the bus may lag proves nothing about the bus.
        if (performance.now() - beforeMs < 300) lapses.add(bus.isCurrent());
        else await until(() => bus.isCurrent(), 'it is current again');
      }
      assert.deepEqual([...lapses], [true]);
    },
  },
  {
    name: 'is not current once it is closed',
    async run(open) {
      const { bus, close } = await open();
      await until(() => bus.isCurrent(), 'it is current');
      await close();
      assert.equal(bus.isCurrent(), false);
    },
  },
];
