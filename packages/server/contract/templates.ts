// What every store of administration records must keep, as runnable cases.
import assert from 'node:assert/strict';
import { TEMPLATE_DEFAULTS, type TemplateDocument } from '@latchkey/policy';
import type {
  RevocableKey,
  Revocation,
  RevokedKeys,
  SecretKeyRecord,
  TemplateRecord,
  Templates,
} from '../src/ports/templates.ts';
import type { ContractCase } from './case.ts';

/** A store of administration records. After `close` it is unavailable. */
export interface TemplatesStore {
  readonly templates: Templates;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const EVERYTHING = { offset: 0, limit: 1000 };

let records = 0;

function document(different: Partial<TemplateDocument> = {}): TemplateDocument {
  return { ...TEMPLATE_DEFAULTS, name: 'Uploads', permissions: ['FILE_UPLOAD'], ...different };
}

/** A template that nobody else has; only what differs is said. */
function template(different: Partial<TemplateRecord> = {}): TemplateRecord {
  records += 1;
  return {
    uid: `template-${records}`,
    container: CONTAINER,
    identifier: `SECU_${String(records).padStart(32, '0')}`,
    document: document(),
    revision: 1,
    createdAtMs: NOW,
    updatedAtMs: NOW,
    ...different,
  };
}

/** A secret key that nobody else has; only what differs is said. */
function secretKey(different: Partial<SecretKeyRecord> = {}): SecretKeyRecord {
  records += 1;
  return {
    uid: `secret-${records}`,
    container: CONTAINER,
    secretHash: `hash-${records}`,
    prefix: `lk_${records}`,
    document: document({ name: 'Back end' }),
    revision: 1,
    createdAtMs: NOW,
    updatedAtMs: NOW,
    lastUsedAtMs: undefined,
    ...different,
  };
}

async function stored(templates: Templates, different: Partial<TemplateRecord> = {}): Promise<TemplateRecord> {
  const record = template(different);
  await templates.createTemplate(record);
  return record;
}

async function storedKey(templates: Templates, different: Partial<SecretKeyRecord> = {}): Promise<SecretKeyRecord> {
  const record = secretKey(different);
  await templates.createSecretKey(record);
  return record;
}

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;

const containers: readonly ContractCase<TemplatesStore>[] = [
  {
    name: 'makes a container once, however many nodes ask at the same time',
    async run(open) {
      const nodes = [(await open()).templates, (await open()).templates];
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, index) => nodes[index % 2]?.ensureContainer(CONTAINER, NOW + index)),
      );
      assert.equal(new Set(made.map((container) => container?.id)).size, 1);
      const [templates] = nodes;
      assert.ok(templates !== undefined);
      assert.deepEqual(await templates.listContainers(), [made[0]]);
      assert.deepEqual(await templates.findContainer(CONTAINER), made[0]);
      assert.equal(await templates.findContainer('Demo'), undefined);
      assert.equal(await templates.findContainer('no\0such'), undefined);
    },
  },
];

const securityTemplates: readonly ContractCase<TemplatesStore>[] = [
  {
    name: 'gives back a template exactly, on every node, within its container only',
    async run(open) {
      const [here, there] = [(await open()).templates, (await open()).templates];
      const strange = document({
        name: 'é "quoted" 🦊\u0000',
        description: "'; drop table templates; --",
        active: false,
      });
      const record = await stored(here, { document: strange });
      assert.deepEqual(await there.findTemplate(CONTAINER, record.uid), record);
      assert.deepEqual(await there.findTemplateByIdentifier(CONTAINER, record.identifier, NOW), record);
      assert.equal(await there.findTemplate('other', record.uid), undefined);
      assert.equal(await there.findTemplateByIdentifier('other', record.identifier, NOW), undefined);
      assert.equal(await there.findTemplateByIdentifier(CONTAINER, record.identifier.toLowerCase(), NOW), undefined);
    },
  },
  {
    name: 'refuses an identifier that is or was in use, and keeps nothing of the attempt',
    async run(open) {
      const { templates } = await open();
      const first = await stored(templates);
      const thief = template({ identifier: first.identifier });
      await assert.rejects(templates.createTemplate(thief), hasCode('ALREADY_EXISTS'));
      assert.equal(await templates.findTemplate(CONTAINER, thief.uid), undefined);
      await templates.rotateTemplate(CONTAINER, first.uid, 'SECU_NEW', NOW + 1000, NOW);
      await assert.rejects(templates.createTemplate(thief), hasCode('ALREADY_EXISTS'));
      const other = await stored(templates);
      await assert.rejects(
        templates.rotateTemplate(CONTAINER, other.uid, 'SECU_NEW', NOW + 1000, NOW),
        hasCode('ALREADY_EXISTS'),
      );
      assert.deepEqual(await templates.findTemplateByIdentifier(CONTAINER, other.identifier, NOW + 2000), other);
    },
  },
  {
    name: 'replaces a document and counts the revision, and only from the revision that was seen',
    async run(open) {
      const { templates } = await open();
      const record = await stored(templates);
      const changed = document({ name: 'Changed' });
      const expected = { ...record, document: changed, revision: 2, updatedAtMs: NOW + 5 };
      assert.deepEqual(await templates.updateTemplate(CONTAINER, record.uid, changed, NOW + 5, 1), expected);
      assert.deepEqual(await templates.findTemplate(CONTAINER, record.uid), expected);
      await assert.rejects(
        templates.updateTemplate(CONTAINER, record.uid, document(), NOW + 6, 1),
        hasCode('VERSION_MISMATCH'),
      );
      assert.deepEqual(await templates.findTemplate(CONTAINER, record.uid), expected);
      assert.equal((await templates.updateTemplate(CONTAINER, record.uid, changed, NOW + 7))?.revision, 3);
      assert.equal(await templates.updateTemplate('other', record.uid, changed, NOW), undefined);
      assert.equal(await templates.updateTemplate(CONTAINER, 'unknown', changed, NOW, 1), undefined);
    },
  },
  {
    name: 'of many who change the same revision at once exactly one does',
    async run(open) {
      const nodes = [(await open()).templates, (await open()).templates];
      const [templates] = nodes;
      assert.ok(templates !== undefined);
      const record = await stored(templates);
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) =>
          nodes[index % 2]?.updateTemplate(CONTAINER, record.uid, document({ name: `${index}` }), NOW, 1),
        ),
      );
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await templates.findTemplate(CONTAINER, record.uid))?.revision, 2);
    },
  },
  {
    name: 'a rotated identifier finds the template until its overlap ends, the new one from at once',
    async run(open) {
      const { templates } = await open();
      const record = await stored(templates);
      const rotated = await templates.rotateTemplate(CONTAINER, record.uid, 'SECU_NEW', NOW + 1000, NOW + 5);
      assert.deepEqual(rotated, { ...record, identifier: 'SECU_NEW', revision: 2, updatedAtMs: NOW + 5 });
      const find = (identifier: string, nowMs: number) =>
        templates.findTemplateByIdentifier(CONTAINER, identifier, nowMs);
      assert.deepEqual(await find('SECU_NEW', NOW), rotated);
      assert.deepEqual(await find(record.identifier, NOW + 999), rotated);
      assert.equal(await find(record.identifier, NOW + 1000), undefined);
      await templates.sweep(NOW + 1000);
      assert.equal(await find(record.identifier, NOW), undefined, 'an expired identifier outlived the sweep');
      assert.deepEqual(await find('SECU_NEW', NOW + 10_000), rotated);
      assert.equal(await templates.rotateTemplate('other', record.uid, 'SECU_X', NOW, NOW), undefined);
    },
  },
  {
    name: 'activates and deactivates what exists, together, and counts only real changes',
    async run(open) {
      const { templates } = await open();
      const [first, second] = [await stored(templates), await stored(templates)];
      const foreign = await stored(templates, { container: 'other' });
      const uids = [second.uid, first.uid, foreign.uid, 'unknown', first.uid];
      const changed = await templates.setTemplatesActive(CONTAINER, uids, false, NOW + 5);
      assert.deepEqual(changed.map(({ uid }) => uid).sort(), [first.uid, second.uid].sort());
      assert.ok(changed.every(({ document: { active }, revision }) => !active && revision === 2));
      assert.deepEqual(await templates.findTemplate('other', foreign.uid), foreign);
      const again = await templates.setTemplatesActive(CONTAINER, [first.uid], false, NOW + 9);
      assert.deepEqual([again[0]?.revision, again[0]?.updatedAtMs], [2, NOW + 5]);
      assert.deepEqual(await templates.setTemplatesActive(CONTAINER, [], true, NOW), []);
    },
  },
  {
    name: 'deletes a template with all its identifiers, which are free again',
    async run(open) {
      const { templates } = await open();
      const record = await stored(templates);
      await templates.rotateTemplate(CONTAINER, record.uid, 'SECU_NEW', NOW + 1000, NOW);
      assert.equal(await templates.deleteTemplate('other', record.uid), false);
      assert.equal(await templates.deleteTemplate(CONTAINER, record.uid), true);
      assert.equal(await templates.deleteTemplate(CONTAINER, record.uid), false);
      for (const identifier of [record.identifier, 'SECU_NEW']) {
        assert.equal(await templates.findTemplateByIdentifier(CONTAINER, identifier, NOW), undefined);
      }
      await templates.createTemplate(template({ identifier: record.identifier }));
    },
  },
  {
    name: 'lists the newest change first, in pages, searched by name and identifier without regard to case',
    async run(open) {
      const { templates } = await open();
      const names = ['Plain', '100%', 'under_score', 'Ünïcödé'];
      for (const [index, name] of names.entries()) {
        await stored(templates, {
          document: document({ name }),
          identifier: `SECU_${index}F`,
          updatedAtMs: NOW + index,
        });
      }
      await stored(templates, { container: 'other' });
      const list = async (query: { offset?: number; limit?: number; search?: string }) => {
        const { items, total } = await templates.listTemplates(CONTAINER, { ...EVERYTHING, ...query });
        return [items.map((item) => item.document.name), total];
      };
      const newestFirst = [...names].reverse();
      assert.deepEqual(await list({}), [newestFirst, 4]);
      assert.deepEqual(await list({ offset: 1, limit: 2 }), [newestFirst.slice(1, 3), 4]);
      assert.deepEqual(await list({ search: 'ÜNÏ'.normalize('NFD') }), [['Ünïcödé'], 1]);
      assert.deepEqual(await list({ search: '%' }), [['100%'], 1]);
      assert.deepEqual(await list({ search: '_score' }), [['under_score'], 1]);
      assert.deepEqual(await list({ search: 'secu_0f' }), [['Plain'], 1]);
      assert.deepEqual(await list({ search: 'nothing' }), [[], 0]);
      const { items } = await templates.listTemplates(CONTAINER, { ...EVERYTHING, search: 'plain' });
      const [plain] = items;
      assert.ok(plain !== undefined);
      await templates.updateTemplate(CONTAINER, plain.uid, document({ name: 'Renamed' }), NOW + 99);
      assert.deepEqual((await list({}))[0], ['Renamed', ...newestFirst.slice(0, 3)]);
      assert.deepEqual(await list({ search: 'plain' }), [[], 0]);
    },
  },
];

const secretKeys: readonly ContractCase<TemplatesStore>[] = [
  {
    name: 'keeps secret keys: found by hash and uid in their container, changed, listed, deleted',
    async run(open) {
      const { templates } = await open();
      const record = await storedKey(templates);
      assert.deepEqual(await templates.findSecretKeyByHash(CONTAINER, record.secretHash), record);
      assert.deepEqual(await templates.findSecretKey(CONTAINER, record.uid), record);
      assert.equal(await templates.findSecretKeyByHash('other', record.secretHash), undefined);
      assert.equal(await templates.findSecretKey('other', record.uid), undefined);
      await assert.rejects(
        templates.createSecretKey(secretKey({ secretHash: record.secretHash })),
        hasCode('ALREADY_EXISTS'),
      );
      const changed = document({ name: 'Changed' });
      const expected = { ...record, document: changed, revision: 2, updatedAtMs: NOW + 5 };
      assert.deepEqual(await templates.updateSecretKey(CONTAINER, record.uid, changed, NOW + 5, 1), expected);
      await assert.rejects(
        templates.updateSecretKey(CONTAINER, record.uid, changed, NOW, 1),
        hasCode('VERSION_MISMATCH'),
      );
      assert.equal(await templates.updateSecretKey('other', record.uid, changed, NOW), undefined);
      const [inactive] = await templates.setSecretKeysActive(CONTAINER, [record.uid, 'unknown'], false, NOW + 6);
      assert.deepEqual([inactive?.document.active, inactive?.revision], [false, 3]);
      const search = async (text: string) =>
        (await templates.listSecretKeys(CONTAINER, { ...EVERYTHING, search: text })).total;
      assert.deepEqual([await search('CHANGED'), await search(record.prefix), await search('Back end')], [1, 1, 0]);
      assert.equal(await templates.deleteSecretKey('other', record.uid), false);
      assert.equal(await templates.deleteSecretKey(CONTAINER, record.uid), true);
      assert.equal(await templates.findSecretKeyByHash(CONTAINER, record.secretHash), undefined);
    },
  },
  {
    name: 'remembers the last use to the minute, without it being a change',
    async run(open) {
      const { templates } = await open();
      const record = await storedKey(templates);
      await templates.touchSecretKey(CONTAINER, record.uid, NOW + 5);
      assert.deepEqual(await templates.findSecretKey(CONTAINER, record.uid), { ...record, lastUsedAtMs: NOW + 5 });
      await templates.touchSecretKey(CONTAINER, record.uid, NOW + 60_005);
      const found = await templates.findSecretKey(CONTAINER, record.uid);
      assert.deepEqual(found, { ...record, lastUsedAtMs: NOW + 60_005 });
      await templates.touchSecretKey(CONTAINER, 'gone', NOW);
    },
  },
];

/** `key-1` without a subject, issued now; only what differs is said. */
function key(different: Partial<RevocableKey> = {}): RevocableKey {
  return {
    keyId: 'key-1',
    subjectHash: undefined,
    source: { kind: 'template', id: 'any' },
    issuedAtMs: NOW,
    ...different,
  };
}

/** Of every such key, whenever it was issued, for a second. */
function revocation(keys: RevokedKeys): Revocation {
  return {
    keys,
    issuedUntilMs: Number.MAX_SAFE_INTEGER,
    revokedAtMs: NOW,
    revokedBy: 'admin',
    expiresAtMs: NOW + 1000,
  };
}

const sessions: readonly ContractCase<TemplatesStore>[] = [
  {
    name: 'revokes an access key in its container, at once on every node, until it is dead anyway',
    async run(open) {
      const [here, there] = [(await open()).templates, (await open()).templates];
      await here.revokeKeys(CONTAINER, revocation({ kind: 'key', keyId: 'key-1' }));
      await here.revokeKeys(CONTAINER, revocation({ kind: 'key', keyId: 'key-1' }));
      assert.equal(await there.isKeyRevoked(CONTAINER, key()), true);
      assert.equal(await there.isKeyRevoked(CONTAINER, key({ keyId: 'key-2' })), false);
      assert.equal(await there.isKeyRevoked('other', key()), false);
      await there.sweep(NOW + 999);
      assert.equal(await here.isKeyRevoked(CONTAINER, key()), true);
      await there.sweep(NOW + 1000);
      assert.equal(await here.isKeyRevoked(CONTAINER, key()), false);
    },
  },
  {
    name: 'revokes all keys of a subject, a template, a secret key or the container that were issued until then, and no others',
    async run(open) {
      const [here, there] = [(await open()).templates, (await open()).templates];
      const kinds: readonly {
        readonly keys: RevokedKeys;
        readonly meant: Partial<RevocableKey>;
        readonly others: readonly Partial<RevocableKey>[];
      }[] = [
        {
          keys: { kind: 'subject', subject: 'ann', subjectHash: 'hash of ann' },
          meant: { subjectHash: 'hash of ann' },
          others: [{}, { subjectHash: 'hash of bob' }, { keyId: 'hash of ann' }],
        },
        {
          keys: { kind: 'template', uid: 'rights' },
          meant: { source: { kind: 'template', id: 'rights' } },
          others: [{ source: { kind: 'secret', id: 'rights' } }, { source: { kind: 'template', id: 'more' } }],
        },
        {
          keys: { kind: 'secret', uid: 'back-end' },
          meant: { source: { kind: 'secret', id: 'back-end' } },
          others: [{ source: { kind: 'template', id: 'back-end' } }],
        },
        { keys: { kind: 'container' }, meant: {}, others: [] },
      ];
      for (const [n, { keys, meant, others }] of kinds.entries()) {
        const container = `container-${n}`;
        await here.revokeKeys(container, { ...revocation(keys), issuedUntilMs: NOW });
        assert.equal(await there.isKeyRevoked(container, key({ ...meant, issuedAtMs: NOW })), true, keys.kind);
        assert.equal(await there.isKeyRevoked(container, key({ ...meant, issuedAtMs: NOW + 1 })), false, keys.kind);
        assert.equal(await there.isKeyRevoked('elsewhere', key({ ...meant, issuedAtMs: NOW })), false, keys.kind);
        for (const other of others) assert.equal(await there.isKeyRevoked(container, key(other)), false, keys.kind);
      }
    },
  },
  {
    name: 'of two revocations of the same keys the later bound and the later end hold, in whatever order they come',
    async run(open) {
      const { templates } = await open();
      const early = { ...revocation({ kind: 'container' }), issuedUntilMs: NOW - 10, expiresAtMs: NOW + 500 };
      const late = { ...revocation({ kind: 'container' }), issuedUntilMs: NOW, expiresAtMs: NOW + 900 };
      for (const [n, order] of [
        [early, late],
        [late, early],
      ].entries()) {
        const container = `container-${n}`;
        for (const it of order) await templates.revokeKeys(container, it);
        assert.equal(await templates.isKeyRevoked(container, key({ issuedAtMs: NOW })), true);
        const { items } = await templates.listRevocations(container, { offset: 0, limit: 10 }, NOW + 899);
        assert.deepEqual(
          items.map(({ issuedUntilMs, expiresAtMs }) => [issuedUntilMs, expiresAtMs]),
          [[NOW, NOW + 900]],
        );
      }
    },
  },
  {
    name: 'lists the revocations of a container that still matter, the newest first, in pages, as they were made',
    async run(open) {
      const { templates } = await open();
      const made: readonly Revocation[] = [
        { ...revocation({ kind: 'key', keyId: 'key-1' }), revokedAtMs: NOW + 1 },
        { ...revocation({ kind: 'subject', subject: 'ann', subjectHash: 'hash' }), revokedAtMs: NOW + 2 },
        { ...revocation({ kind: 'template', uid: 'rights' }), revokedAtMs: NOW + 3, expiresAtMs: NOW + 5000 },
        { ...revocation({ kind: 'container' }), revokedAtMs: NOW + 4 },
      ];
      for (const it of made) await templates.revokeKeys(CONTAINER, it);
      await templates.revokeKeys('other', revocation({ kind: 'container' }));
      const newest = made.toReversed();
      const list = (offset: number, limit: number, nowMs = NOW) =>
        templates.listRevocations(CONTAINER, { offset, limit }, nowMs);
      assert.deepEqual(await list(0, 10), { items: newest, total: 4 });
      assert.deepEqual(await list(1, 2), { items: newest.slice(1, 3), total: 4 });
      assert.deepEqual(await list(0, 10, NOW + 1000), { items: [made[2]], total: 1 });
    },
  },
  {
    name: 'a sign-in link is spent by exactly one of many, and by nobody after it expired',
    async run(open) {
      const nodes = [(await open()).templates, (await open()).templates];
      const [templates] = nodes;
      assert.ok(templates !== undefined);
      await templates.createLoginLink({ tokenHash: 'link', createdAtMs: NOW, expiresAtMs: NOW + 1000 });
      const spent = await Promise.all(
        Array.from({ length: 10 }, (_, index) => nodes[index % 2]?.spendLoginLink('link', NOW + 999)),
      );
      assert.equal(spent.filter(Boolean).length, 1);
      await templates.createLoginLink({ tokenHash: 'late', createdAtMs: NOW, expiresAtMs: NOW + 1000 });
      assert.equal(await templates.spendLoginLink('late', NOW + 1000), false);
      assert.equal(await templates.spendLoginLink('unknown', NOW), false);
    },
  },
  {
    name: 'a session lives until it expires or is ended',
    async run(open) {
      const { templates } = await open();
      const record = { tokenHash: 'session', createdAtMs: NOW, expiresAtMs: NOW + 1000 };
      await templates.createSession(record);
      assert.deepEqual(await templates.findSession('session', NOW + 999), record);
      const byKey = { ...record, tokenHash: 'by key', secretKey: { container: 'demo', uid: 'SECRET' } };
      await templates.createSession(byKey);
      assert.deepEqual(await templates.findSession('by key', NOW + 999), byKey);
      assert.equal(await templates.findSession('session', NOW + 1000), undefined);
      await templates.deleteSession('session');
      assert.equal(await templates.findSession('session', NOW), undefined);
      await templates.deleteSession('session');
    },
  },
  {
    name: 'sweeping removes what has expired, says how much, and nothing else',
    async run(open) {
      const { templates } = await open();
      const kept = await stored(templates);
      for (const [index, expiresAtMs] of [NOW + 1000, NOW + 5000].entries()) {
        await templates.createLoginLink({ tokenHash: `link-${index}`, createdAtMs: NOW, expiresAtMs });
        await templates.createSession({ tokenHash: `session-${index}`, createdAtMs: NOW, expiresAtMs });
        await templates.revokeKeys(CONTAINER, {
          ...revocation({ kind: 'key', keyId: `key-${index}` }),
          expiresAtMs,
        });
      }
      assert.equal(await templates.sweep(NOW + 999), 0);
      assert.equal(await templates.sweep(NOW + 1000), 3);
      assert.equal(await templates.sweep(NOW + 1000), 0);
      assert.equal(await templates.spendLoginLink('link-1', NOW), true);
      assert.notEqual(await templates.findSession('session-1', NOW), undefined);
      assert.equal(await templates.isKeyRevoked(CONTAINER, key()), true);
      assert.deepEqual(await templates.findTemplateByIdentifier(CONTAINER, kept.identifier, NOW + 9000), kept);
    },
  },
  {
    name: 'a store that cannot be asked raises STORE_UNAVAILABLE, never "not found"',
    async run(open) {
      const { templates, close } = await open();
      const record = await stored(templates);
      await close();
      const unavailable = hasCode('STORE_UNAVAILABLE');
      await assert.rejects(templates.findTemplateByIdentifier(CONTAINER, record.identifier, NOW), unavailable);
      await assert.rejects(templates.isKeyRevoked(CONTAINER, key()), unavailable);
      await assert.rejects(templates.findContainer(CONTAINER), unavailable);
      await assert.rejects(templates.updateTemplate(CONTAINER, record.uid, document(), NOW), unavailable);
    },
  },
];

/** The guarantees of the `Templates` port. */
export const templatesContract: readonly ContractCase<TemplatesStore>[] = [
  ...containers,
  ...securityTemplates,
  ...secretKeys,
  ...sessions,
];
