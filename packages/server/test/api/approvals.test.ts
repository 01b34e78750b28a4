// Approvals through the front door: who may ask, who may vote, what ends them, and what anybody gets to see of it.
import { PERMISSIONS } from '@latchkey/policy';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { sweep } from '../../src/operations/sweep.ts';
import type { TemplateRecord } from '../../src/ports/templates.ts';
import { type Answer, CONTAINER, type Harness, NOON_MS, openHarness } from '../support/harness.ts';
import { naughtyStrings } from '../support/naughty.ts';

let harness: Harness;
let template: TemplateRecord;
let ann: string;
let bob: string;
let cleo: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  template = await harness.template({ key_validity: { expiration_duration: 2_000_000 } });
  [ann, bob, cleo] = ['ann@example.org', 'bob', 'cleo'].map(keyFor) as [string, string, string];
});
afterAll(() => harness.close());

/** A key made for somebody. */
function keyFor(subject: string): string {
  return harness.keyOf(template, { claims: { subject } });
}

const HOUR_MS = 3_600_000;

const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, key: string, body?: object) =>
  harness.call({ method, url, key, ...(body === undefined ? {} : { body }) });

async function file(folder = '/f', name = 'f.txt', content = 'hello'): Promise<string> {
  return (await harness.upload(ann, folder, { name, content })).textAt('file.uuid');
}

const ask = (uuid: string, approval: object = { approvers: ['bob'] }, key = ann) =>
  call('POST', `/v5/files/${uuid}/approvals`, key, { approval });
const askId = async (uuid: string, approval?: object) => (await ask(uuid, approval)).textAt('approval.uuid');
const vote = (id: string, key: string, word = 'APPROVE', comment?: string) =>
  call('POST', `/v5/approvals/${id}/vote`, key, { vote: word, comment });
const edit = (id: string, approval: object, key = ann) => call('PUT', `/v5/approvals/${id}`, key, { approval });
const cancel = (id: string, key = ann) => call('PUT', `/v5/approvals/${id}/cancel`, key);
const read = async (id: string) => (await call('GET', `/v5/approvals/${id}`, ann)).body['approval'];
const outcome = (answer: Answer) => [answer.status, answer.body['code'] ?? 'OK'];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );

interface Listed {
  readonly uuid: string;
  readonly status: string;
}
async function list(query = '', key = ann) {
  const answer = await call('GET', `/v5/approvals${query}`, key);
  expect(answer.status).toBe(200);
  const approvals = answer.body['approvals'] as readonly Listed[];
  expect(answer.body['info']).toMatchObject({ total_count: approvals.length });
  return approvals;
}
const ids = (approvals: readonly Listed[]) => approvals.map(({ uuid }) => uuid);

/** What the file says, read alone and in a list. */
async function latest(uuid: string): Promise<unknown> {
  const { body } = await call('GET', `/v5/files/${uuid}`, ann);
  const { approval, folder } = body['file'] as {
    readonly approval: unknown;
    readonly folder: { readonly name: string };
  };
  const listed = await call('GET', `/v5/files?folder=${folder.name}`, ann);
  const files = listed.body['files'] as readonly { readonly uuid: string; readonly approval: unknown }[];
  expect(files.find((one) => one.uuid === uuid)?.approval).toEqual(approval);
  return approval === null ? null : (approval as { readonly latest: unknown }).latest;
}

/** The log of approvals of a file, oldest first. */
async function log(uuid: string) {
  const { body } = await call('GET', `/v5/files/${uuid}/changes`, ann);
  const changes = body['changes'] as readonly {
    readonly action: string;
    readonly user: { readonly name: string };
    readonly props: object;
    readonly extra: { readonly approval: Readonly<Record<string, unknown>> };
  }[];
  return changes.filter(({ action }) => action.startsWith('APPROVAL_')).reverse();
}
const told = async (uuid: string) => (await log(uuid)).map(({ action }) => action.replace('APPROVAL_', ''));

describe('approval.request', () => {
  test('begins an approval that the file, its lists and its history tell of', async () => {
    const uuid = await file();
    expect(await latest(uuid)).toBeNull();
    const due = '2026-01-20T10:00:00Z';
    const asked = await ask(uuid, { approvers: ['bob', 'cleo', 'bob'], message: 'Please\nlook', due_date: due });
    const id = asked.textAt('approval.uuid');
    const silent = { vote_response: null, vote_comment: null, voted_at: null };
    expect(asked.body).toMatchObject({
      action: 'approval_created',
      approval: {
        file_uuid: uuid,
        status: 'PENDING',
        requester: { uuid: 'ann@example.org', name: 'ann@example.org', email: 'ann@example.org' },
        message: 'Please\nlook',
        due_date: due,
        approvers: [
          { uuid: 'bob', name: 'bob', email: null, ...silent },
          { uuid: 'cleo', name: 'cleo', email: null, ...silent },
        ],
        created_at: '2026-01-15T12:00:00Z',
        ended_at: null,
        final_status: null,
      },
      file: { uuid, approval: { latest: 'PENDING' } },
    });
    expect(await latest(uuid)).toBe('PENDING');
    expect(await read(id)).toEqual(asked.body['approval']);
    for (const noun of ['file', 'files']) {
      const { body } = await call('GET', `/v4/${noun}/${uuid}/approvals`, ann);
      expect(body).toMatchObject({ approvals: [asked.body['approval']], info: { total_count: 1 } });
    }
    expect(await told(uuid)).toEqual(['CREATED']);
  });

  test('is refused while another one is pending, and possible again after its end', async () => {
    const uuid = await file();
    const id = await askId(uuid);
    expect(outcome(await ask(uuid))).toEqual([409, 'APPROVAL_EXISTS']);
    await cancel(id);
    expect(outcome(await ask(uuid))).toEqual([200, 'OK']);
    expect(await list('?status=pending')).toHaveLength(1);
  });

  test('passes once of many times at once', async () => {
    const uuid = await file();
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(uuid)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map((answer) => answer.body['code']))).toEqual(
      new Set(['APPROVAL_EXISTS']),
    );
    expect(await list()).toHaveLength(1);
  });

  test.each([
    [{}, 'approval.approvers INVALID_TYPE'],
    [{ approvers: [] }, 'approval.approvers EMPTY'],
    [{ approvers: Array.from({ length: 51 }, (_, n) => `p${n}`) }, 'approval.approvers TOO_BIG'],
    [{ approvers: ['bob', ''] }, 'approval.approvers[1] APPROVER_UNKNOWN'],
    [{ approvers: ['x'.repeat(129)] }, 'approval.approvers[0] APPROVER_UNKNOWN'],
    [{ approvers: ['a\u0000b'] }, 'approval.approvers[0] APPROVER_UNKNOWN'],
    [{ approvers: [`SECU_${'0'.repeat(32)}`] }, 'approval.approvers[0] APPROVER_UNKNOWN'],
    [{ approvers: ['template/nothing'] }, 'approval.approvers[0] APPROVER_UNKNOWN'],
    [{ approvers: ['bob'], message: 'x'.repeat(2001) }, 'approval.message TOO_LONG'],
    [{ approvers: ['bob'], message: 'a\u0000b' }, 'approval.message TEXT_INVALID'],
    [{ approvers: ['bob'], message: '\ud800' }, 'approval.message TEXT_INVALID'],
    [{ approvers: ['bob'], due_date: 'tomorrow' }, 'approval.due_date FORMAT_WRONG'],
    [{ approvers: ['bob'], due_date: '2026-13-01' }, 'approval.due_date FORMAT_WRONG'],
    [{ approvers: ['bob'], due_date: '2026-02-30' }, 'approval.due_date FORMAT_WRONG'],
    [{ approvers: ['bob'], due_date: '2026-06-01T10:00' }, 'approval.due_date FORMAT_WRONG'],
    [{ approvers: ['bob'], due_date: '2026-01-15T12:00:00Z' }, 'approval.due_date DUE_DATE_PAST'],
    [{ approvers: ['bob'], due_date: '0001-01-01' }, 'approval.due_date DUE_DATE_PAST'],
  ])('refuses %o by field and asks nobody', async (approval, fault) => {
    const uuid = await file();
    const answer = await ask(uuid, approval);
    expect(outcome(answer)).toEqual([400, 'REQUEST_INVALID']);
    expect(faults(answer)).toEqual([fault]);
    expect(await list()).toEqual([]);
  });

  test('asks about the version that the caller has seen', async () => {
    const uuid = await file();
    const second = await file('/f', 'f.txt', 'other');
    expect(outcome(await ask(uuid))).toEqual([412, 'VERSION_MISMATCH']);
    expect(outcome(await ask(second))).toEqual([200, 'OK']);
  });

  test('takes every text that a message may be, and gives it back equal', async () => {
    const texts = naughtyStrings().filter((text) => text.length <= 2000);
    const uuid = await file();
    const id = await askId(uuid);
    let kept = 0;
    for (const message of texts) {
      const answer = await edit(id, { message });
      if (answer.status === 200) {
        kept += 1;
        expect(answer.textAt('approval.message')).toBe(message);
      } else expect(faults(answer)).toEqual(['approval.message TEXT_INVALID']);
    }
    expect(kept).toBeGreaterThan(texts.length / 2);
  }, 120_000);
});

describe('approval.vote', () => {
  test('approves with the last of all votes', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob', 'cleo'] });
    harness.clock.pass(1000);
    const first = await vote(id, bob, 'APPROVE', 'fine');
    expect(first.body).toMatchObject({
      action: 'approval_voted',
      approval: {
        status: 'PENDING',
        approvers: [
          { uuid: 'bob', vote_response: 'APPROVE', vote_comment: 'fine', voted_at: '2026-01-15T12:00:01Z' },
          { uuid: 'cleo', vote_response: null },
        ],
      },
      file: { uuid, approval: { latest: 'PENDING' } },
    });
    expect((await vote(id, cleo)).body).toMatchObject({
      approval: { status: 'APPROVED', final_status: 'APPROVED', ended_on: 'VOTE', ended_at: '2026-01-15T12:00:01Z' },
      file: { approval: { latest: 'APPROVED' } },
    });
    expect(await latest(uuid)).toBe('APPROVED');
    expect(await told(uuid)).toEqual(['CREATED', 'VOTED', 'VOTED', 'ENDED']);
  });

  test('rejects at once with one refusal', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob', 'cleo'] });
    expect((await vote(id, cleo, 'REFUSE', 'too red')).body).toMatchObject({
      approval: { status: 'REJECTED', final_status: 'REJECTED', ended_on: 'VOTE' },
      file: { approval: { latest: 'REJECTED' } },
    });
    expect(outcome(await vote(id, bob))).toEqual([409, 'APPROVAL_ENDED']);
    expect(await latest(uuid)).toBe('REJECTED');
    const entries = await log(uuid);
    expect(entries.at(-2)).toMatchObject({
      action: 'APPROVAL_VOTED',
      user: { name: 'cleo' },
      extra: {
        approval: { uuid: id, approver: { name: 'cleo', vote_response: 'REFUSE', vote_comment: 'too red' } },
      },
    });
    expect(entries.at(-1)).toMatchObject({
      action: 'APPROVAL_ENDED',
      extra: {
        approval: { final_status: 'REJECTED', ended_on: 'VOTE', approvers: [{ name: 'bob' }, { name: 'cleo' }] },
      },
    });
  });

  test('counts once for each approver, with the word that was given first', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob', 'cleo'] });
    const answers = await Promise.all([vote(id, bob), vote(id, bob), vote(id, bob, 'REFUSE')]);
    const passed = answers.filter(({ status }) => status === 200);
    expect(passed).toHaveLength(1);
    if (((await read(id)) as Listed).status === 'PENDING') {
      expect(outcome(await vote(id, bob, 'REFUSE'))).toEqual([409, 'APPROVAL_ALREADY_VOTED']);
    }
    expect((await told(uuid)).filter((action) => action === 'VOTED')).toHaveLength(1);
  });

  test('is refused to everybody who is not asked, with what would make it pass', async () => {
    const id = await askId(await file());
    const strangers = [ann, keyFor('BOB'), keyFor('bob '), harness.keyOf(template), (await harness.secretKey()).secret];
    for (const key of strangers) {
      const answer = await vote(id, key);
      expect(outcome(answer)).toEqual([403, 'APPROVAL_NOT_APPROVER']);
      expect(answer.textAt('hint')).toContain('subject');
    }
    const admin = await harness.call({
      method: 'POST',
      url: `/v5/approvals/${id}/vote`,
      headers: await harness.admin(),
      body: { vote: 'APPROVE' },
    });
    expect(outcome(admin)).toEqual([403, 'APPROVAL_NOT_APPROVER']);
    expect(await read(id)).toMatchObject({ status: 'PENDING' });
  });

  test('is that of the template for keys that name nobody, and for those only', async () => {
    const uuid = await file();
    const asked = await ask(uuid, { approvers: [template.identifier] });
    expect(asked.body['approval']).toMatchObject({ approvers: [{ uuid: `template/${template.uid}`, name: 'Test' }] });
    const id = asked.textAt('approval.uuid');
    const other = await harness.template();
    const strangers = [bob, keyFor(`template/${template.uid}`), keyFor(template.identifier), harness.keyOf(other)];
    for (const key of strangers) expect(outcome(await vote(id, key))).toEqual([403, 'APPROVAL_NOT_APPROVER']);
    expect((await vote(id, harness.keyOf(template))).body).toMatchObject({ approval: { status: 'APPROVED' } });
  });

  test.each([
    [{}, 'vote INVALID_VALUE'],
    [{ vote: 'YES' }, 'vote INVALID_VALUE'],
    [{ vote: 'APPROVE', comment: 'x'.repeat(2001) }, 'comment TOO_LONG'],
    [{ vote: 'APPROVE', comment: 'a\u0007b' }, 'comment TEXT_INVALID'],
  ])('refuses %o by field', async (body, fault) => {
    const id = await askId(await file());
    const answer = await call('POST', `/v5/approvals/${id}/vote`, bob, body);
    expect([...outcome(answer), ...faults(answer)]).toEqual([400, 'REQUEST_INVALID', fault]);
    expect(await read(id)).toMatchObject({ status: 'PENDING' });
  });
});

describe('a due date', () => {
  test('rejects from its moment on, whoever looks first, and the sweep makes it permanent once', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob'], due_date: '2026-01-15T13:00:00Z' });
    harness.clock.nowMs = NOON_MS + HOUR_MS - 1;
    expect([await latest(uuid), ids(await list('?status=PENDING'))]).toEqual(['PENDING', [id]]);
    harness.clock.nowMs = NOON_MS + HOUR_MS;
    const ended = {
      status: 'REJECTED',
      final_status: 'REJECTED',
      ended_on: 'EXPIRE',
      ended_at: '2026-01-15T13:00:00Z',
    };
    const look = async () => {
      expect(await latest(uuid)).toBe('REJECTED');
      expect(await read(id)).toMatchObject(ended);
      expect([ids(await list('?status=PENDING')), ids(await list('?status=REJECTED'))]).toEqual([[], [id]]);
    };
    await look();
    expect(outcome(await vote(id, bob))).toEqual([409, 'APPROVAL_ENDED']);
    expect(outcome(await edit(id, { due_date: null }))).toEqual([409, 'APPROVAL_ENDED']);
    expect(outcome(await cancel(id))).toEqual([409, 'APPROVAL_ENDED']);
    expect(await told(uuid)).toEqual(['CREATED']);
    harness.clock.pass(HOUR_MS);
    const both = await Promise.all([sweep(harness.ports), sweep(harness.ports)]);
    expect(both.map(({ approvals }) => approvals).sort()).toEqual([0, 1]);
    await look();
    const entries = await log(uuid);
    expect(entries.at(-1)).toMatchObject({
      action: 'APPROVAL_ENDED',
      changed_at: '2026-01-15T13:00:00Z',
      user: { name: 'Latchkey' },
      extra: { approval: { final_status: 'REJECTED', ended_on: 'EXPIRE' } },
    });
    expect(entries).toHaveLength(2);
  });

  test('that has passed makes room for the next request without waiting for the sweep', async () => {
    const uuid = await file();
    const first = await askId(uuid, { approvers: ['bob'], due_date: '2026-01-15T13:00:00Z' });
    harness.clock.pass(2 * HOUR_MS);
    const second = await askId(uuid);
    expect([await latest(uuid), ids(await list('?status=REJECTED'))]).toEqual(['PENDING', [first]]);
    expect((await sweep(harness.ports)).approvals).toBe(0);
    expect((await vote(second, bob)).status).toBe(200);
  });

  test('without a time is the whole day, and is kept in whole seconds', async () => {
    const uuid = await file();
    const asked = await ask(uuid, { approvers: ['bob'], due_date: '2026-01-15' });
    expect(asked.textAt('approval.due_date')).toBe('2026-01-15T23:59:59Z');
    const id = asked.textAt('approval.uuid');
    const moved = await edit(id, { due_date: '2026-01-16T10:00:00.75+02:00' });
    expect(moved.textAt('approval.due_date')).toBe('2026-01-16T08:00:00Z');
  });
});

describe('approval.edit', () => {
  test('changes what it names and keeps the votes of those who stay', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob', 'cleo'], message: 'old' });
    await vote(id, bob);
    harness.clock.pass(1000);
    const changed = await edit(id, { approvers: ['dan', 'bob'], message: 'new', due_date: '2026-02-01' });
    expect(changed.body).toMatchObject({
      action: 'approval_updated',
      approval: {
        status: 'PENDING',
        message: 'new',
        due_date: '2026-02-01T23:59:59Z',
        approvers: [
          { uuid: 'dan', vote_response: null },
          { uuid: 'bob', vote_response: 'APPROVE' },
        ],
      },
    });
    await edit(id, { due_date: '2026-02-02' });
    await edit(id, { due_date: null });
    expect(await read(id)).toMatchObject({ message: 'new', due_date: null });
    // What an answer says can be sent back, and is no change.
    await edit(id, (await read(id)) as object);
    expect(await told(uuid)).toEqual([
      'CREATED',
      'VOTED',
      'APPROVERS_ADDED',
      'APPROVERS_REMOVED',
      'MESSAGE_CHANGED',
      'DUE_DATE_ADDED',
      'DUE_DATE_CHANGED',
      'DUE_DATE_REMOVED',
    ]);
    const entries = await log(uuid);
    const find = (action: string) => entries.find((entry) => entry.action === `APPROVAL_${action}`);
    expect(find('APPROVERS_ADDED')?.extra.approval['approvers_added']).toMatchObject([{ name: 'dan' }]);
    expect(find('APPROVERS_REMOVED')?.extra.approval['approvers_removed']).toMatchObject([{ name: 'cleo' }]);
    expect(find('MESSAGE_CHANGED')?.props).toMatchObject({ old: 'old', new: 'new' });
    expect(find('DUE_DATE_CHANGED')?.props).toMatchObject({ old: '2026-02-01T23:59:59Z', new: '2026-02-02T23:59:59Z' });
    expect(outcome(await vote(id, cleo))).toEqual([403, 'APPROVAL_NOT_APPROVER']);
  });

  test('approves when only people stay who have approved', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob', 'cleo'] });
    await vote(id, bob);
    expect((await edit(id, { approvers: ['bob'] })).body).toMatchObject({
      approval: { status: 'APPROVED', ended_on: 'EDIT' },
      file: { approval: { latest: 'APPROVED' } },
    });
    expect(outcome(await edit(id, { message: 'late' }))).toEqual([409, 'APPROVAL_ENDED']);
  });

  test('and cancelling are for the requester and for people who are not asked', async () => {
    const uuid = await file();
    const id = await askId(uuid, { approvers: ['bob', 'ann@example.org'] });
    for (const answer of [await edit(id, { approvers: ['ann@example.org'] }, bob), await cancel(id, bob)]) {
      expect(outcome(answer)).toEqual([403, 'APPROVAL_BY_APPROVER']);
    }
    expect(outcome(await edit(id, { message: 'by cleo' }, cleo))).toEqual([200, 'OK']);
    expect(outcome(await edit(id, { message: 'by ann, who is asked and has asked' }))).toEqual([200, 'OK']);
    expect((await cancel(id, cleo)).body).toMatchObject({
      action: 'approval_cancelled',
      approval: { status: 'CANCELLED', final_status: 'CANCELLED', ended_on: 'CANCEL' },
      file: { approval: { latest: 'CANCELLED' } },
    });
    expect(outcome(await cancel(id))).toEqual([409, 'APPROVAL_ENDED']);
    expect(outcome(await vote(id, bob))).toEqual([409, 'APPROVAL_ENDED']);
    expect(await told(uuid)).toEqual(['CREATED', 'MESSAGE_CHANGED', 'MESSAGE_CHANGED', 'ENDED']);
  });
});

describe('the file of an approval', () => {
  test('resets it by another version, which nobody has approved yet', async () => {
    const uuid = await file();
    const id = await askId(uuid);
    const second = await file('/f', 'f.txt', 'other');
    expect(await latest(second)).toBeNull();
    expect(await read(id)).toMatchObject({ file_uuid: uuid, status: 'RESET', ended_on: 'NEW_VERSION' });
    expect(outcome(await vote(id, bob))).toEqual([409, 'APPROVAL_ENDED']);
    const again = await askId(second);
    await vote(again, bob);
    expect(await latest(second)).toBe('APPROVED');
    expect(await latest(await file('/f', 'f.txt', 'third'))).toBeNull();
    expect(ids(await list('?status=APPROVED'))).toEqual([again]);
    expect(ids(await list('?status=RESET'))).toEqual([id]);
  });

  test('keeps it when renamed, moved and described, and takes it along when deleted', async () => {
    const uuid = await file();
    const id = await askId(uuid);
    await call('PUT', `/v5/file/${uuid}/name`, ann, { name: 'g.txt' });
    await call('POST', '/v5/files/move', ann, { files_uuids: [uuid], new_folder_name: '/g' });
    await call('PUT', `/v5/file/${uuid}/meta`, ann, { meta: { a: 1 } });
    expect(await latest(uuid)).toBe('PENDING');
    expect((await vote(id, bob)).status).toBe(200);
    await call('DELETE', `/v5/file/${uuid}`, ann);
    expect(outcome(await call('GET', `/v5/approvals/${id}`, ann))).toEqual([404, 'APPROVAL_NOT_FOUND']);
    expect(await list()).toEqual([]);
  });
});

describe('approval.list', () => {
  test('finds my tasks: what is pending and asks me', async () => {
    const [one, two, three] = [await file('/f', 'one'), await file('/f', 'two'), await file('/f', 'three')];
    const first = await askId(one, { approvers: ['bob'] });
    harness.clock.pass(1);
    const second = await askId(two, { approvers: ['bob', 'cleo'] });
    harness.clock.pass(1);
    const third = await askId(three, { approvers: [template.identifier] });
    expect(ids(await list('?status=PENDING&approver=bob'))).toEqual([second, first]);
    expect(ids(await list('?status=PENDING&approver=me', cleo))).toEqual([second]);
    expect(ids(await list('?approver=me', harness.keyOf(template)))).toEqual([third]);
    expect(ids(await list(`?approver=${template.identifier}`))).toEqual([third]);
    expect(ids(await list('?approver=nobody'))).toEqual([]);
    expect(ids(await list(`?approver=SECU_${'0'.repeat(32)}`))).toEqual([]);
    const page = await call('GET', '/v5/approvals?limit=1&offset=1', ann);
    expect(page.body).toMatchObject({ approvals: [{ uuid: second }], info: { total_count: 3 } });
    const wrong = await call('GET', '/v5/approvals?status=WRONG', ann);
    expect([...outcome(wrong), ...faults(wrong)]).toEqual([400, 'REQUEST_INVALID', 'status INVALID_VALUE']);
  });
});

describe('a search', () => {
  const found = async (q: string, key = ann) => {
    const { body } = await call('GET', `/v5/files?folder=/&recursive=1&q=${encodeURIComponent(q)}`, key);
    expect(body['warnings'], q).toEqual([]);
    return (body['files'] as readonly { readonly name: string }[]).map(({ name }) => name);
  };

  test('finds files by how their approval stands and whom it asks', async () => {
    await ask(await file('/f', 'bob.txt'), { approvers: ['cleo', 'bob@x'] });
    await ask(await file('/f', 'cleo.txt'), { approvers: ['cleo'] });
    await vote(await askId(await file('/f', 'done.txt'), { approvers: ['bob'] }), bob);
    await file('/f', 'unasked.txt');
    expect(await found('approval_status:"REJECTED"')).toEqual([]);
    expect(await found('approval_status:"PENDING"')).toEqual(['bob.txt', 'cleo.txt']);
    expect(await found('approval_status:empty')).toEqual(['unasked.txt']);
    expect(await found('task_approver:"bob@x"')).toEqual(['bob.txt']);
    expect(await found('task_approver:bob,"bob@x"')).toEqual(['bob.txt', 'done.txt']);
    expect(await found('task_approver:me', bob)).toEqual(['done.txt']);
    expect(await found('task_approver:me status:PENDING', bob)).toEqual([]);
    expect(await found('task_approver:-cleo task_approver:non-empty')).toEqual(['done.txt']);
    expect(await found('task_approver:nobody')).toEqual([]);
    const own = `template/${template.uid}`;
    await ask(await file('/f', 'unasked.txt'), { approvers: [own] });
    expect(await found(`task_approver:"${own}"`)).toEqual(['unasked.txt']);
  });

  test('tells nobody whom approvals ask who may not read them', async () => {
    await ask(await file('/f', 'bob.txt'));
    await ask(await file('/f/closed', 'closed.txt'));
    await ask(await file('/f/closed/open', 'open.txt'));
    const names = ['bob.txt', 'closed.txt', 'open.txt'];
    expect(await found('task_approver:bob')).toEqual(names);
    const lister = harness.keyOf(await harness.template({ permissions: ['OBJECTS_LIST'] }));
    expect(await found('status:PENDING', lister)).toEqual(names);
    expect(await found('task_approver:bob', lister)).toEqual([]);
    expect(await found('-task_approver:bob', lister)).toEqual(names);
    expect(await found('-task_approver:ann', lister)).toEqual(names);
    // In some folders somebody may see names alone.
    const headers = await harness.admin();
    const { body } = await harness.call({ url: '/v5/folders?folder=/&recursive=1', headers });
    const folders = body['folders'] as readonly { readonly uuid: string; readonly path: string }[];
    for (const [path, default_gallery_role] of [
      ['/f/closed', 1],
      ['/f/closed/open', 2],
    ] as const) {
      const uuid = folders.find((folder) => folder.path === path)?.uuid;
      const access = { stop_inherit: true, default_gallery_role };
      const url = `/v5/folder/${uuid}/access`;
      expect((await harness.call({ method: 'PATCH', url, headers, body: access })).status).toBe(200);
    }
    expect(await found('status:PENDING', cleo)).toEqual(names);
    expect(await found('task_approver:bob', cleo)).toEqual(['bob.txt', 'open.txt']);
    expect(await found('-task_approver:bob', cleo)).toEqual(['closed.txt']);
    expect(await found('-task_approver:ann', cleo)).toEqual(names);
  });
});

describe('outside the listing scope', () => {
  test('there are no approvals, whatever is tried', async () => {
    const [inside, outside] = [await file('/in/deep'), await file('/inside')];
    const seen = await askId(inside, { approvers: ['walled'] });
    const hidden = await askId(outside, { approvers: ['walled'] });
    const walls = await harness.template({ listing: { dir_scope: ['/in/*'] } });
    const key = harness.keyOf(walls, { claims: { subject: 'walled' } });
    expect(ids(await list('', key))).toEqual([seen]);
    expect(ids(await list('?approver=me&status=PENDING', key))).toEqual([seen]);
    const missing = [404, 'APPROVAL_NOT_FOUND'];
    expect(outcome(await call('GET', `/v5/approvals/${hidden}`, key))).toEqual(missing);
    expect(outcome(await edit(hidden, { message: 'x' }, key))).toEqual(missing);
    expect(outcome(await cancel(hidden, key))).toEqual(missing);
    expect(outcome(await vote(hidden, key))).toEqual(missing);
    expect(outcome(await call('GET', `/v5/files/${outside}/approvals`, key))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(outcome(await ask(outside, { approvers: ['bob'] }, key))).toEqual([404, 'FILE_NOT_FOUND']);
    // Scopes follow the file to where it is now.
    await call('POST', '/v5/files/move', ann, { files_uuids: [inside], new_folder_name: '/out' });
    expect(outcome(await vote(seen, key))).toEqual(missing);
    expect(await list('', key)).toEqual([]);
    await call('POST', '/v5/files/move', ann, { files_uuids: [inside], new_folder_name: '/in' });
    expect(outcome(await vote(seen, key))).toEqual([200, 'OK']);
  });

  test('of the container there is nothing either', async () => {
    const id = await askId(await file());
    await harness.ports.templates.ensureContainer('other', NOON_MS);
    expect(await harness.ports.approvals.findApproval('other', id)).toBeUndefined();
    expect(await harness.ports.approvals.findApproval(CONTAINER, id)).toBeDefined();
  });
});

describe('permissions', () => {
  test.each([
    ['GET', '', 'OBJECTS_FETCH'],
    ['PUT', '', 'OBJECTS_APPROVAL_MANAGE'],
    ['PUT', '/cancel', 'OBJECTS_APPROVAL_MANAGE'],
    ['POST', '/vote', 'OBJECTS_APPROVAL_VOTE'],
  ] as const)('%s approvals/{uuid}%s needs exactly %s', async (method, path, permission) => {
    const id = await askId(await file(), { approvers: ['bob'] });
    const body = path === '/vote' ? { vote: 'APPROVE' } : { approval: { message: 'x' } };
    const keyOf = async (permissions: readonly string[]) =>
      harness.keyOf(await harness.template({ permissions }), {
        claims: { subject: path === '/vote' ? 'bob' : 'ann@example.org' },
      });
    const others = await keyOf(PERMISSIONS.filter((one) => one !== permission));
    const send = (key: string) => call(method, `/v5/approval/${id}${path}`, key, method === 'GET' ? undefined : body);
    expect(outcome(await send(others))).toEqual([403, 'PERMISSION_DENIED']);
    expect(outcome(await send(await keyOf([permission])))).toEqual([200, 'OK']);
  });
});
