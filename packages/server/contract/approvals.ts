// What every store of approvals must keep, as runnable cases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ROOT } from '@latchkey/policy';
import { AppError } from '../src/errors.ts';
import {
  type ApprovalOutcome,
  asOf,
  cancelled,
  edited,
  isOverdue,
  requested,
  superseded,
  VOTES,
  type Vote,
  voted,
} from '../src/ports/approval-states.ts';
import type { ApprovalQuery, ApprovalRecord, Approvals, NewApproval } from '../src/ports/approvals.ts';
import type { Changes, Person } from '../src/ports/changes.ts';
import type { FileRecord, Metadata } from '../src/ports/metadata.ts';
import type { Condition } from '../src/ports/search.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { at, isCode, layer, path } from './places.ts';
import { type Random, randomOf } from './random.ts';

/** A store with the ports that make its containers and files, and that tell what was done. After `close` it is unavailable. */
export interface ApprovalStore {
  readonly approvals: Approvals;
  readonly changes: Changes;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const EVERYTHING = { container: CONTAINER, nowMs: NOW, within: [], limit: 1000, offset: 0 } satisfies ApprovalQuery;

const person = (id: string): Person => ({ id, name: id.toUpperCase(), email: undefined });
const author = (id: string, nowMs = NOW) => ({ by: person(id), nowMs });

async function opened(open: () => Promise<ApprovalStore>): Promise<ApprovalStore> {
  const store = await open();
  await store.templates.ensureContainer(CONTAINER, NOW);
  return store;
}

let blobs = 0;

async function put({ metadata }: ApprovalStore, folder: string, name = 'f', nowMs = NOW): Promise<FileRecord> {
  blobs += 1;
  const file = newFile(`${folder}/${name}`, { blobId: `blob-${blobs}` });
  const [record] = await metadata.commitFiles(CONTAINER, [file], by(nowMs));
  assert.ok(record !== undefined);
  return record;
}

interface Asked {
  readonly approvers?: readonly string[];
  readonly message?: string;
  readonly dueAtMs?: number;
  readonly version?: number;
  readonly nowMs?: number;
}

function newApproval({ approvers = ['bob'], message = '', dueAtMs, version = 0, nowMs = NOW }: Asked): NewApproval {
  return {
    ...requested({ approvers: approvers.map(person), message, dueAtMs }),
    id: randomUUID(),
    fileVersion: version,
    requester: person('ann'),
    createdAtMs: nowMs,
  };
}

async function ask(store: ApprovalStore, file: FileRecord, asked: Asked = {}): Promise<ApprovalRecord> {
  const begun = newApproval({ version: file.version, ...asked });
  const { approval } = await store.approvals.createApproval(CONTAINER, at(file), begun, author('ann', asked.nowMs));
  return approval;
}

function vote(store: ApprovalStore, file: FileRecord, id: string, who: string, nowMs = NOW, word: Vote = 'APPROVE') {
  const change = (stored: ApprovalRecord) =>
    allowed(voted(stored, person(who), { vote: word, comment: undefined }, nowMs));
  return store.approvals.changeApproval(CONTAINER, at(file), id, change, author(who, nowMs));
}

function allowed(outcome: ApprovalOutcome<ApprovalRecord>): ApprovalRecord {
  if (!outcome.ok) throw new AppError(outcome.code);
  return outcome.approval;
}

async function list(store: ApprovalStore, more: Partial<ApprovalQuery> = {}) {
  return store.approvals.listApprovals({ ...EVERYTHING, ...more });
}

async function actions(store: ApprovalStore, file: FileRecord): Promise<readonly string[]> {
  const query = { versionMax: 0xffff, offset: 0, limit: 1000 };
  const { items } = await store.changes.listChanges(CONTAINER, file.id, query);
  return items.map(({ action }) => action as string).filter((action) => action.startsWith('APPROVAL_'));
}

async function standing(store: ApprovalStore, file: FileRecord) {
  return (await store.metadata.findFile(CONTAINER, file.id))?.approval?.status;
}

/** How many of the attempts went through; each other one was refused with the code. */
async function passed(attempts: readonly Promise<unknown>[], code: string): Promise<number> {
  const outcomes = await Promise.allSettled(attempts);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') assert.ok(isCode(code)(outcome.reason), outcome.reason);
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

const PARALLEL = 12;

/** The cases of Approvals. */
export const approvalsContract: readonly ContractCase<ApprovalStore>[] = [
  {
    name: 'lets files be found by whom the latest request for their current version asks',
    run: async (open) => {
      const store = await opened(open);
      const files: Record<string, FileRecord> = {};
      for (const name of ['asked', 'other', 'earlier', 'again', 'newer', 'none'])
        files[name] = await put(store, '/s', name);
      const file = (name: string) => files[name] ?? assert.fail(name);
      const askAndCancel = async (name: string, ...approvers: readonly string[]) => {
        const { id } = await ask(store, file(name), { approvers });
        const change = (stored: ApprovalRecord) => allowed(cancelled(stored, NOW));
        await store.approvals.changeApproval(CONTAINER, at(file(name)), id, change, author('ann'));
      };
      await ask(store, file('asked'), { approvers: ['cleo', 'bob'] });
      await ask(store, file('other'), { approvers: ['bobby'] });
      await askAndCancel('earlier', 'bob');
      await ask(store, file('earlier'), { approvers: ['cleo'], nowMs: NOW + 1 });
      await askAndCancel('again', 'cleo');
      await ask(store, file('again'), { approvers: ['bob'], nowMs: NOW + 2 });
      await ask(store, file('newer'), { approvers: ['bob'] });
      await put(store, '/s', 'newer', NOW + 3);
      const found = async (where: Condition, container = CONTAINER) => {
        const query = { container, folderPath: ROOT, recursive: true, within: [], where };
        const page = { sort: 'name', descending: false, offset: 0, limit: 100 } as const;
        return (await store.metadata.listFiles(query, page)).map(({ name }) => name);
      };
      const bob = { of: 'approver', personId: 'bob' } as const;
      const any = { of: 'present', what: 'approval' } as const;
      assert.deepEqual(await found(bob), ['again', 'asked']);
      assert.deepEqual(await found(bob, 'other'), []);
      assert.deepEqual(await found({ of: 'approver', personId: 'dan' }), []);
      assert.deepEqual(await found(any), ['again', 'asked', 'earlier', 'other']);
      assert.deepEqual(await found({ of: 'not', condition: any }), ['newer', 'none']);
      const other = { of: 'all', conditions: [any, { of: 'not', condition: bob }] } as const;
      assert.deepEqual(await found(other), ['earlier', 'other']);
    },
  },
  {
    name: 'begins one request of many that are made for a file at the same time on several nodes',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open(), await open()];
      for (let round = 0; round < 4; round += 1) {
        const file = await put(store, '/f', `f${round}`);
        const attempts = Array.from({ length: PARALLEL }, (_, n) => ask(nodes[n % 3] ?? store, file));
        assert.equal(await passed(attempts, 'APPROVAL_EXISTS'), 1);
        assert.equal((await list(store, { fileId: file.id })).total, 1);
        assert.deepEqual(await actions(store, file), ['APPROVAL_CREATED']);
      }
    },
  },
  {
    name: 'ends an approval exactly once when the last votes come at the same time on several nodes',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open(), await open()];
      const approvers = Array.from({ length: 9 }, (_, n) => `p${n}`);
      const file = await put(store, '/f');
      const { id } = await ask(store, file, { approvers });
      // Everybody votes twice at once.
      const attempts = [...approvers, ...approvers].map((who, n) => vote(nodes[n % 3] ?? store, file, id, who));
      const outcomes = await Promise.allSettled(attempts);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, approvers.length);
      assert.equal(await standing(store, file), 'APPROVED');
      const told = await actions(store, file);
      assert.equal(told.filter((action) => action === 'APPROVAL_VOTED').length, approvers.length);
      assert.equal(told.filter((action) => action === 'APPROVAL_ENDED').length, 1);
      assert.equal(told[0], 'APPROVAL_ENDED');
    },
  },
  {
    name: 'rejects once when all refuse at the same time',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open()];
      const approvers = Array.from({ length: PARALLEL }, (_, n) => `p${n}`);
      const file = await put(store, '/f');
      const { id } = await ask(store, file, { approvers });
      const attempts = approvers.map((who, n) => vote(nodes[n % 2] ?? store, file, id, who, NOW, 'REFUSE'));
      assert.equal(await passed(attempts, 'APPROVAL_ENDED'), 1);
      assert.equal(await standing(store, file), 'REJECTED');
    },
  },
  {
    name: 'makes a due date permanent once, however many nodes do it, and dates the end by it',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open(), await open()];
      const files: FileRecord[] = [];
      for (let n = 0; n < 6; n += 1) files.push(await put(store, '/f', `f${n}`));
      for (const [n, file] of files.entries()) await ask(store, file, { dueAtMs: NOW + 10 + n });
      const count = async (nowMs: number) => {
        const counts = await Promise.all(nodes.map(({ approvals }) => approvals.expireApprovals(nowMs, 100)));
        return counts.reduce((sum, one) => sum + one, 0);
      };
      assert.equal(await count(NOW + 9), 0);
      assert.equal(await count(NOW + 13), 4);
      assert.equal(await count(NOW + 13), 0);
      const [limited] = nodes;
      let isTurnTaken = false;
      setImmediate(() => {
        isTurnTaken = true;
      });
      assert.equal(await limited?.approvals.expireApprovals(NOW + 100, 1), 1);
      assert.ok(isTurnTaken, 'everybody else in the process has had a turn');
      assert.equal(await count(NOW + 100), 1);
      for (const [n, file] of files.entries()) {
        const [approval] = (await list(store, { fileId: file.id })).items;
        assert.deepEqual(
          [approval?.status, approval?.endedOn, approval?.endedAtMs],
          ['REJECTED', 'EXPIRE', NOW + 10 + n],
        );
        assert.equal(await standing(store, file), 'REJECTED');
        assert.deepEqual(await actions(store, file), ['APPROVAL_ENDED', 'APPROVAL_CREATED']);
      }
    },
  },
  {
    name: 'lists by the clock what is still stored as pending, and lets the next request end it',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/f');
      await ask(store, file, { dueAtMs: NOW + 10 });
      const count = async (status: 'PENDING' | 'REJECTED', nowMs: number) =>
        (await list(store, { status, nowMs })).total;
      assert.deepEqual([await count('PENDING', NOW + 9), await count('REJECTED', NOW + 9)], [1, 0]);
      assert.deepEqual([await count('PENDING', NOW + 10), await count('REJECTED', NOW + 10)], [0, 1]);
      await assert.rejects(ask(store, file, { nowMs: NOW + 9 }), isCode('APPROVAL_EXISTS'));
      await ask(store, file, { nowMs: NOW + 10 });
      const { items } = await list(store);
      assert.deepEqual(
        items.map(({ status, endedOn }) => [status, endedOn]),
        [
          ['PENDING', undefined],
          ['REJECTED', 'EXPIRE'],
        ],
      );
      assert.deepEqual(await actions(store, file), ['APPROVAL_CREATED', 'APPROVAL_ENDED', 'APPROVAL_CREATED']);
    },
  },
  {
    name: 'resets what is pending in the transaction that commits another version, and clears what was decided',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/f');
      const { id } = await ask(store, file);
      const second = await put(store, '/f', 'f', NOW + 5);
      assert.equal(second.version, 1);
      assert.equal(second.approval, undefined);
      const reset = await store.approvals.findApproval(CONTAINER, id);
      assert.deepEqual([reset?.status, reset?.endedOn, reset?.endedAtMs], ['RESET', 'NEW_VERSION', NOW + 5]);
      await assert.rejects(vote(store, second, id, 'bob'), isCode('APPROVAL_ENDED'));
      await assert.rejects(ask(store, file), isCode('VERSION_MISMATCH'));
      const next = await ask(store, second);
      assert.equal((await vote(store, second, next.id, 'bob')).file.approval?.status, 'APPROVED');
      assert.equal((await put(store, '/f')).approval, undefined);
      assert.equal((await store.approvals.findApproval(CONTAINER, next.id))?.status, 'APPROVED');
    },
  },
  {
    name: 'lets no vote count for another version, with uploads and votes at the same time on several nodes',
    run: async (open) => {
      const store = await opened(open);
      const other = await open();
      for (let round = 0; round < 6; round += 1) {
        const file = await put(store, '/f', `f${round}`);
        const { id } = await ask(store, file);
        const attempts = [vote(other, file, id, 'bob'), put(store, '/f', `f${round}`)];
        const [word] = await Promise.allSettled(attempts);
        const ended = await store.approvals.findApproval(CONTAINER, id);
        assert.equal(ended?.status, word?.status === 'fulfilled' ? 'APPROVED' : 'RESET');
        assert.equal(await standing(store, file), undefined);
        assert.equal((await actions(store, file)).filter((action) => action === 'APPROVAL_ENDED').length, 1);
      }
    },
  },
  {
    name: 'keeps approvals with their file when it is renamed or moved, and deletes them with it',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/a');
      const { id } = await ask(store, file);
      const renamed = await store.metadata.renameFile(CONTAINER, at(file), 'g', by(NOW));
      const options = { within: () => true, createDestination: true };
      const moving = { files: [at(renamed)], folders: [] };
      const moved = await store.metadata.moveObjects(CONTAINER, moving, path('/b'), options, by(NOW));
      assert.deepEqual([renamed.approval?.status, moved.files[0]?.approval?.status], ['PENDING', 'PENDING']);
      assert.equal((await store.approvals.findApproval(CONTAINER, id))?.folderPath, '/b');
      // The caller was allowed to vote where the file was, not where it is.
      await assert.rejects(vote(store, file, id, 'bob'), isCode('FILE_NOT_FOUND'));
      const [here] = moved.files;
      assert.ok(here !== undefined);
      assert.equal((await vote(store, here, id, 'bob')).approval.status, 'APPROVED');
      await store.metadata.deleteObjects(CONTAINER, { files: [at(here)], folders: [] }, { within: () => true });
      assert.equal(await store.approvals.findApproval(CONTAINER, id), undefined);
      assert.equal((await list(store)).total, 0);
    },
  },
  {
    name: 'changes nothing when a change is refused or names another file',
    run: async (open) => {
      const store = await opened(open);
      const [file, stranger] = [await put(store, '/a', 'a'), await put(store, '/a', 'b')];
      const { id } = await ask(store, file, { message: 'kept' });
      const before = await store.approvals.findApproval(CONTAINER, id);
      const refuse = () => {
        throw new AppError('APPROVAL_BY_APPROVER');
      };
      const change = (to: FileRecord, with_: () => ApprovalRecord, container = CONTAINER) =>
        store.approvals.changeApproval(container, at(to), id, with_, author('bob'));
      await assert.rejects(change(file, refuse), isCode('APPROVAL_BY_APPROVER'));
      await assert.rejects(change(stranger, refuse), isCode('FILE_NOT_FOUND'));
      await assert.rejects(change(file, refuse, 'other'), isCode('FILE_NOT_FOUND'));
      assert.deepEqual(await store.approvals.findApproval(CONTAINER, id), before);
      assert.equal(await store.approvals.findApproval('other', id), undefined);
      assert.deepEqual(await actions(store, file), ['APPROVAL_CREATED']);
    },
  },
  {
    name: 'lists the newest first and only what is in scope, of a file, of a status or for one person',
    run: async (open) => {
      const store = await opened(open);
      const [inside, deep, outside] = [
        await put(store, '/in'),
        await put(store, '/in/deep'),
        await put(store, '/inside'),
      ];
      const first = await ask(store, inside, { approvers: ['bob', 'cleo'], nowMs: NOW });
      await vote(store, inside, first.id, 'cleo', NOW, 'REFUSE');
      const second = await ask(store, inside, { approvers: ['bob'], nowMs: NOW + 1 });
      const third = await ask(store, deep, { approvers: ['cleo'], nowMs: NOW + 2 });
      const hidden = await ask(store, outside, { approvers: ['bob', 'cleo'], nowMs: NOW + 3 });
      const ids = async (more: Partial<ApprovalQuery>) => {
        const { items, total } = await list(store, more);
        return [items.map(({ id }) => id), total] as const;
      };
      const within = [layer('/in/*')];
      assert.deepEqual(await ids({}), [[hidden.id, third.id, second.id, first.id], 4]);
      assert.deepEqual(await ids({ within }), [[third.id, second.id, first.id], 3]);
      assert.deepEqual(await ids({ within: [layer('/in/*'), layer('/in')] }), [[second.id, first.id], 2]);
      assert.deepEqual(await ids({ within, offset: 1, limit: 1 }), [[second.id], 3]);
      assert.deepEqual(await ids({ within, approverId: 'cleo' }), [[third.id, first.id], 2]);
      assert.deepEqual(await ids({ approverId: 'CLEO' }), [[], 0]);
      assert.deepEqual(await ids({ status: 'PENDING', approverId: 'bob' }), [[hidden.id, second.id], 2]);
      assert.deepEqual(await ids({ fileId: inside.id, status: 'REJECTED' }), [[first.id], 1]);
      assert.deepEqual(await ids({ container: 'other' }), [[], 0]);
    },
  },
  {
    name: 'is always what the rules say of the same acts, whichever node takes them',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open()];
      for (let seed = 1; seed <= 6; seed += 1) await followModel(nodes, randomOf(seed), `seed-${seed}`);
    },
  },
  {
    name: 'raises STORE_UNAVAILABLE once it is closed',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/f');
      await store.close();
      await assert.rejects(list(store), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(ask(store, file), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.approvals.expireApprovals(NOW, 1), isCode('STORE_UNAVAILABLE'));
    },
  },
];

const PEOPLE = ['ann', 'bob', 'cleo'] as const;
const ACTS_MAX = 40;

/** Random acts on one file, taken by the store and by the pure rules side by side. */
async function followModel(nodes: readonly ApprovalStore[], random: Random, name: string): Promise<void> {
  const [store] = nodes;
  assert.ok(store !== undefined);
  let file = await put(store, '/model', name);
  let model: ApprovalRecord[] = [];
  let nowMs = NOW;
  for (let act = 0; act < ACTS_MAX; act += 1) {
    nowMs += random.below(4);
    const node: ApprovalStore = nodes[random.below(nodes.length)] ?? store;
    const [latest] = model;
    const approvers = PEOPLE.filter(() => random.below(2) === 0);
    const wish = {
      approvers: (approvers.length === 0 ? ['dan'] : approvers).map(person),
      message: `message ${random.below(3)}`,
      dueAtMs: random.below(2) === 0 ? undefined : nowMs + 1 + random.below(9),
    };
    const change = (next: (stored: ApprovalRecord) => ApprovalOutcome<ApprovalRecord>): Promise<ApprovalRecord> =>
      node.approvals
        .changeApproval(CONTAINER, at(file), latest?.id ?? '', (stored) => allowed(next(stored)), author('ann', nowMs))
        .then(({ approval }) => approval);
    const who = person(random.pick(PEOPLE));
    const word = { vote: random.pick(VOTES), comment: undefined };
    const step = random.below(8);
    if (step <= 1) {
      const isFree = latest === undefined || asOf(latest, nowMs).status !== 'PENDING';
      const attempt = ask(node, file, { ...wish, approvers: wish.approvers.map(({ id }) => id), nowMs } as Asked);
      if (isFree) model = [await attempt, ...model.map((one) => asOf(one, nowMs))];
      else await assert.rejects(attempt, isCode('APPROVAL_EXISTS'));
    } else if (step === 2) {
      file = await put(node, '/model', name, nowMs);
      model = model.map((one) => superseded(one, nowMs));
    } else if (step === 3) {
      await node.approvals.expireApprovals(nowMs, 100);
      model = model.map((one) => asOf(one, nowMs));
    } else if (latest !== undefined) {
      const rule = (stored: ApprovalRecord) => {
        if (step === 4) return cancelled(stored, nowMs);
        return step === 5 ? edited(stored, wish, nowMs) : voted(stored, who, word, nowMs);
      };
      const expected = rule(latest);
      if (expected.ok) {
        await change(rule);
        model = [expected.approval, ...model.slice(1)];
      } else await assert.rejects(change(rule), isCode(expected.code));
    }
    const { items } = await list(node, { fileId: file.id, nowMs });
    const byId = (one: ApprovalRecord, other: ApprovalRecord) => (one.id < other.id ? -1 : 1);
    assert.deepEqual(items.map((one) => asOf(one, nowMs)).sort(byId), model.map((one) => asOf(one, nowMs)).sort(byId));
    assert.ok(items.filter(({ status }) => status === 'PENDING').length <= 1);
    const stored: FileRecord | undefined = await node.metadata.findFile(CONTAINER, file.id);
    const current = model[0]?.fileVersion === file.version ? model[0] : undefined;
    assert.deepEqual(stored?.approval, current && { status: stored?.approval?.status, dueAtMs: current.dueAtMs });
    if (stored?.approval !== undefined && current !== undefined) {
      const told = isOverdue(stored.approval, nowMs) ? 'REJECTED' : stored.approval.status;
      assert.equal(told, asOf(current, nowMs).status);
    }
  }
}
