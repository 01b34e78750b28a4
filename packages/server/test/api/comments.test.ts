// Comments through the front door: what is said, who may change whose words, and what is refused.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { COMMENTS } from '../../src/operations/comments.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

let api: Harness;
let uuid: string;
let nr = 0;
beforeAll(async () => {
  api = await openHarness();
});
afterAll(() => api.close());
beforeEach(async () => {
  nr += 1;
  uuid = (await api.upload(await api.key(), `/t${nr}`, { name: 'a.txt' })).textAt('file.uuid');
});

interface WireComment {
  readonly id: string;
  readonly text: string;
  readonly user: { readonly uuid: string; readonly name: string };
  readonly meta: { readonly likes: readonly string[]; readonly subscribes: readonly string[] };
}

const url = () => `/v5/file/${uuid}/comments?comments_info=1`;
const send = (method: 'POST' | 'PUT' | 'DELETE', key: string, body: object) =>
  api.call({ method, url: url(), key, body });
const say = (key: string, body: string) => send('POST', key, { comment: { text: JSON.stringify({ body }) } });
const keyOf = (subject: string, difference: object = {}) => api.key(difference, { claims: { subject } });
const outcome = ({ status, body }: Answer) => [status, body['code']];
const faults = ({ body }: Answer) =>
  (body['faults'] as readonly { readonly field: string; readonly code: string }[]).map((f) => `${f.field} ${f.code}`);
const commentsIn = (answer: Answer) => answer.body['comments'] as readonly WireComment[];
const idIn = (answer: Answer) => commentsIn(answer)[0]?.id ?? '';
const bodyOf = ({ text }: WireComment): unknown => JSON.parse(text).body;

async function list(): Promise<readonly WireComment[]> {
  const answer = await api.call({ url: url(), key: await api.key() });
  expect(answer.status, answer.text).toBe(200);
  return commentsIn(answer);
}
const bodies = async () => (await list()).map(bodyOf);

describe('comments', () => {
  test('are answered first when they are new, listed newest first, with who said them and when', async () => {
    const ann = await keyOf('ann@example.org');
    await say(ann, 'first');
    api.clock.pass(1000);
    const second = await say(await keyOf('ben'), 'second');
    expect(commentsIn(second)).toHaveLength(1);
    expect(await list()).toEqual([
      {
        id: idIn(second),
        text: '{"body":"second"}',
        added_at: new Date(api.clock.nowMs).toISOString().replace('.000Z', 'Z'),
        user: { uuid: 'ben', name: 'ben', email: null, photo: null },
        meta: { likes: [], subscribes: [] },
      },
      expect.objectContaining({ user: expect.objectContaining({ uuid: 'ann@example.org', email: 'ann@example.org' }) }),
    ]);
    expect(commentsIn(await api.call({ url: `/v4/files/${uuid}/comments`, key: ann }))).toHaveLength(2);
  });

  test('are changed and deleted by who wrote them, with whatever key names them', async () => {
    const id = idIn(await say(await keyOf('ann'), 'mine'));
    // The widget spreads the members of the text beside the id.
    const again = await send('PUT', await keyOf('ann'), { comment_id: id, body: 'better', text: 'better', shapes: [] });
    expect(JSON.parse(commentsIn(again)[0]?.text ?? '')).toEqual({ body: 'better', text: 'better', shapes: [] });
    const whole = { comment_id: id, text: '{"body":"best"}' };
    expect(outcome(await send('PUT', await keyOf('ann'), whole))).toEqual([200, undefined]);
    expect(await bodies()).toEqual(['best']);
    const removed = await send('DELETE', await keyOf('ann'), { comment_ids: [id, id] });
    expect(removed.body['comment_ids']).toEqual([id]);
    expect(await bodies()).toEqual([]);
  });

  test('of others are theirs: neither another person nor a key without a subject changes or deletes them', async () => {
    const template = await api.template();
    const plain = api.keyOf(template);
    const [ann, own] = [idIn(await say(await keyOf('ann'), 'by ann')), idIn(await say(plain, 'by nobody'))];
    const attempts = [
      ['another person', await keyOf('ben'), ann],
      ['a key without a subject', plain, ann],
      ['the key without a subject that wrote it', plain, own],
      [
        'a subject that looks like the template',
        api.keyOf(template, { claims: { subject: `template/${template.uid}` } }),
        own,
      ],
    ] as const;
    for (const [who, key, id] of attempts) {
      expect(outcome(await send('PUT', key, { comment_id: id, body: 'forged' })), who).toEqual([
        403,
        'COMMENT_FOREIGN',
      ]);
      expect(outcome(await send('DELETE', key, { comment_ids: [id] })), who).toEqual([403, 'COMMENT_FOREIGN']);
    }
    // One foreign comment keeps all of them.
    const mine = idIn(await say(await keyOf('ben'), 'by ben'));
    const both = await send('DELETE', await keyOf('ben'), { comment_ids: [mine, ann] });
    expect(outcome(both)).toEqual([403, 'COMMENT_FOREIGN']);
    expect(await bodies()).toEqual(['by ben', 'by nobody', 'by ann']);
  });

  test('are moderated with a secret key and by an admin', async () => {
    const [first, second] = [idIn(await say(await keyOf('ann'), '1')), idIn(await say(await keyOf('ann'), '2'))];
    const { secret } = await api.secretKey();
    expect(outcome(await send('PUT', secret, { comment_id: first, body: 'moderated' }))).toEqual([200, undefined]);
    const body = { comment_ids: [second] };
    const removed = await api.call({ method: 'DELETE', url: url(), headers: await api.admin(), body });
    expect(outcome(removed)).toEqual([200, undefined]);
    expect(await bodies()).toEqual(['moderated']);
    expect((await list())[0]?.user.uuid, 'it stays the words of who wrote them').toBe('ann');
  });

  test('are liked and subscribed to by anybody who may comment, once each, and that is taken back', async () => {
    const id = idIn(await say(await keyOf('ann'), 'x'));
    const act = async (subject: string, action: string) => {
      const answer = await send('PUT', await keyOf(subject), { comment_id: id, action });
      return commentsIn(answer)[0]?.meta;
    };
    await act('cleo', 'like');
    await act('ben', 'like');
    expect(await act('ben', 'like')).toEqual({ likes: ['ben', 'cleo'], subscribes: [] });
    expect(await act('ben', 'subscribe')).toEqual({ likes: ['ben', 'cleo'], subscribes: ['ben'] });
    expect(await act('ben', 'unlike')).toEqual({ likes: ['cleo'], subscribes: ['ben'] });
    expect(await act('ben', 'unsubscribe')).toEqual({ likes: ['cleo'], subscribes: [] });
    expect(await act('ben', 'unlike')).toEqual({ likes: ['cleo'], subscribes: [] });
    expect((await send('PUT', await keyOf('ben'), { comment_id: id, action: 'shout' })).status).toBe(400);
  });

  test('stay as they are when an edit says nothing that a comment says', async () => {
    const ann = await keyOf('ann');
    const id = idIn(await say(ann, 'precious'));
    const text = '{"body":"precious"}';
    for (const said of [
      {},
      { text: 'notjson' },
      { text: '{}' },
      { text: { foo: 1 } },
      { comment: { text: 'notjson' } },
      { comment: { text: '{"body":" "}' } },
      { comment: { body: 'x' } },
      { comment: null },
      { foo: 1 },
      { body: '' },
      { body: '', shapes: [] },
      { body: 7 },
      { shapes: 'x' },
    ]) {
      const answer = await send('PUT', ann, { comment_id: id, ...said });
      expect(faults(answer), JSON.stringify(said)).toEqual(['text TEXT_INVALID']);
    }
    expect((await list()).map((one) => one.text)).toEqual([text]);
  });

  test('are edited in every form that a client knows, and may be nothing but drawn', async () => {
    const ann = await keyOf('ann');
    const id = idIn(await say(ann, 'first'));
    const edit = async (said: object) =>
      JSON.parse(commentsIn(await send('PUT', ann, { comment_id: id, ...said }))[0]?.text ?? '');
    expect(await edit({ comment: { text: '{"body":"wrapped"}' } })).toEqual({ body: 'wrapped' });
    expect(await edit({ text: { body: 'as an object' } })).toEqual({ body: 'as an object' });
    // What a person types into the widget may look like JSON.
    const typed = { body: '{curly', text: '{curly', resolved: true };
    expect(await edit(typed)).toEqual(typed);
    const drawn = { body: '', shapes: [{ type: 'rect' }] };
    expect(await edit(drawn)).toEqual(drawn);
    expect((await send('POST', ann, { comment: { text: JSON.stringify(drawn) } })).status).toBe(200);
  });

  test('answer comments of the same file only', async () => {
    const ann = await keyOf('ann');
    const here = uuid;
    const first = idIn(await say(ann, 'first'));
    const reply = (parentId: unknown) => send('POST', ann, { comment: { text: { body: 'reply', parentId } } });
    const second = idIn(await reply(first));
    expect((await reply(null)).status).toBe(200);
    uuid = (await api.upload(ann, `/other${nr}`, { name: 'b.txt' })).textAt('file.uuid');
    const elsewhere = idIn(await say(ann, 'elsewhere'));
    uuid = here;
    for (const parentId of [elsewhere, 'nothing', 7, {}]) {
      expect(faults(await reply(parentId))).toEqual(['comment.text.parentId PARENT_UNKNOWN']);
    }
    const edit = (parentId: string) => send('PUT', ann, { comment_id: second, body: 'edited', parentId });
    expect(faults(await edit(elsewhere))).toEqual(['text.parentId PARENT_UNKNOWN']);
    expect(faults(await edit(second))).toEqual(['text.parentId PARENT_UNKNOWN']);
    await send('DELETE', ann, { comment_ids: [first] });
    expect((await edit(first)).status, 'an answer outlives what it answers').toBe(200);
  });

  test('are JSON objects of bounded size, however they are sent', async () => {
    const ann = await keyOf('ann');
    for (const text of ['plain', '7', 'null', '[1]', '{"open', '{}', '{"body":""}', 7, null, [], {}]) {
      expect(faults(await send('POST', ann, { comment: { text } }))).toEqual(['comment.text TEXT_INVALID']);
    }
    const long = 'é'.repeat(COMMENTS.textBytesMax / 2);
    expect(faults(await say(ann, long))).toEqual(['comment.text TEXT_TOO_LONG']);
    expect((await say(ann, long.slice(10))).status).toBe(200);
    expect((await send('POST', ann, { comment: { text: { body: 'as an object' } } })).status).toBe(200);
    const id = (await list())[0]?.id;
    expect(faults(await send('PUT', ann, { comment_id: id, body: long }))).toEqual(['text TEXT_TOO_LONG']);
    expect(outcome(await send('POST', ann, { text: 'x' }))).toEqual([400, 'REQUEST_INVALID']);
    expect(await bodies()).toEqual(['as an object', long.slice(10)]);
  });

  test('that are unknown, or on another file, are not found, and then nothing is done', async () => {
    const ann = await keyOf('ann');
    const here = idIn(await say(ann, 'here'));
    const elsewhere = uuid;
    uuid = (await api.upload(ann, `/other${nr}`, { name: 'b.txt' })).textAt('file.uuid');
    for (const answer of [
      await send('PUT', ann, { comment_id: here, body: 'x' }),
      await send('PUT', ann, { comment_id: here, action: 'like' }),
      await send('DELETE', ann, { comment_ids: [here] }),
      await send('PUT', ann, { comment_id: 'nothing', body: 'x' }),
    ]) {
      expect(outcome(answer)).toEqual([404, 'COMMENT_NOT_FOUND']);
    }
    uuid = elsewhere;
    expect(outcome(await send('DELETE', ann, { comment_ids: [here, 'nothing'] }))).toEqual([404, 'COMMENT_NOT_FOUND']);
    expect(await bodies()).toEqual(['here']);
  });

  test('are bounded for each file', async () => {
    const file = await api.ports.metadata.findFile('demo', uuid.slice(0, -4));
    if (file === undefined) throw new TypeError('the file is there');
    const author = { by: { id: 'ann', name: 'ann', email: undefined }, nowMs: api.clock.nowMs };
    for (let n = 0; n < COMMENTS.perFileMax; n += 1) {
      const comment = { id: `${uuid}${n}`, text: '{}' };
      await api.ports.comments.addComment('demo', file, comment, COMMENTS.perFileMax, author);
    }
    expect(outcome(await say(await keyOf('ann'), 'one more'))).toEqual([409, 'COMMENTS_EXHAUSTED']);
    expect(await list()).toHaveLength(COMMENTS.perFileMax);
  });

  test('stay through new versions and moves, and are gone with the file', async () => {
    const key = await keyOf('ann');
    await say(key, 'kept');
    uuid = (await api.upload(key, `/t${nr}`, { name: 'a.txt', content: 'next' })).textAt('file.uuid');
    const move = { files_uuids: [uuid], new_folder_name: `/moved${nr}` };
    await api.call({ method: 'POST', url: '/v5/files/move', key, body: move });
    expect(await bodies()).toEqual(['kept']);
    await api.call({ method: 'DELETE', url: `/v5/files/${uuid}`, key, body: {} });
    expect(outcome(await api.call({ url: url(), key }))).toEqual([404, 'FILE_NOT_FOUND']);
  });
});
