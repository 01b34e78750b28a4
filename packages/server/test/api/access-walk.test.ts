// Every address that answers questions, walked by somebody from whom a folder is closed: nothing of what is in it is told, and by somebody
// else, so that silence means something. On every database.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/http/routes.ts';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';
import { type Answer, type Harness, openHarness, type TestRequest } from '../support/harness.ts';

/** Everything about the folder is named after it. */
const WORD = /zebra/i;
/** What may be asked along with any address; each address takes what it knows of it. */
const QUESTIONS = [
  '',
  'folder=%2F&recursive=1&limit=100',
  'folder=%2F&recursive=1&limit=100&q=zeb',
  'folder=%2F&recursive=1&limit=100&q=zeb&method=SCM_EXTENDED&include_metadata_filters=1',
  'folder=%2F&recursive=1&format=csv',
  'recursive=1&meta_key=kind&q=zeb',
  'approver=ann',
];
/** Addresses that tell nothing of files and folders, or nothing that the walk could have put there. */
const SILENT = new Set([
  'access.roles',
  'key.inspect',
  'key.issue',
  'key.revocations',
  'pin.list',
  'secretKey.get',
  'secretKey.list',
  'settings.read',
  'template.get',
  'template.list',
]);

describe.each(databaseAdapters)('a closed folder on $name', ({ create }) => {
  let database: TestDatabase;
  let api: Harness;
  let admin: Readonly<Record<string, string>>;
  let ann: string;
  let ben: string;
  /** Everything that may stand in an address in place of a parameter. */
  let ids: readonly string[];
  /** What tells of the folder without its name. */
  let hidden: readonly string[];
  let folderId: string;
  let fileId: string;

  const send = async (request: TestRequest): Promise<Answer> => {
    const answer = await api.call(request);
    expect(answer.status, `${request.url} ${answer.text}`).toBeLessThan(300);
    return answer;
  };
  const asAdmin = (method: 'POST' | 'PUT' | 'PATCH', url: string, body: object) =>
    send({ method, url: `/v5/${url}`, headers: admin, body });
  const as = (key: string, url: string, body: object) => send({ method: 'POST', url: `/v5/${url}`, key, body });

  beforeAll(async () => {
    database = await create();
    api = await openHarness({ databaseUrl: database.url });
    admin = await api.admin();
    [ann, ben] = [await api.key({}, { claims: { subject: 'ann' } }), await api.key({}, { claims: { subject: 'ben' } })];
    folderId = (await asAdmin('POST', 'folders', { name: '/zebras' })).textAt('folder.uuid');
    const put = await send({
      method: 'PUT',
      url: '/v5/files?folder=%2Fzebras&filename=zebra.txt',
      body: 'of zebras',
      headers: admin,
    });
    fileId = put.textAt('file.uuid');
    const file = `file/${fileId}`;
    const items = [
      { type: 'file_uuid', identifiers: [fileId] },
      { type: 'folder_uuid', identifiers: [folderId] },
    ];
    const pair = [fileId];
    await asAdmin('PUT', 'objects/visibility/cdn', { files_uuids: pair, visibility: 'not_public' });
    await asAdmin('PUT', `${file}/tags`, { lang: 'en', existing_tags: [], new_tags: ['zebratag'] });
    await asAdmin('PUT', `${file}/meta`, { meta: { title: 'zebratitle', kind: 'zebrakind' } });
    await asAdmin('PUT', `${file}/product`, { product: { ref: 'ZEBRAREF', position: 1 } });
    await asAdmin('PUT', `folder/${folderId}/meta`, { meta: { note: 'zebranote' } });
    await asAdmin('POST', `${file}/comments`, { comment: { text: { body: 'zebracomment' } } });
    const label = (await asAdmin('POST', 'labels', { label: { name: 'stripes', color: '#000000' } })).textAt(
      'label.sid',
    );
    await asAdmin('POST', `files/${fileId}/labels`, { labels: [label] });
    const approval = await asAdmin('POST', `file/${fileId}/approvals`, {
      approval: { approvers: ['ann'], message: 'zebramessage' },
    });
    const collection = await asAdmin('POST', 'collections', {
      title: 'kinds',
      visibility: 'company',
      data: { filters: '', groupby: [{ attribute_sys_key: 'tags' }] },
    });
    const own: string[] = [];
    for (const key of [ann, ben]) {
      await as(key, 'users/favorites', { files_uuids: pair });
      own.push((await as(key, 'shares', { title: 'lent', items })).textAt('share.puid'));
      own.push((await as(key, 'airboxes', { title: 'in', folder: '/zebras' })).textAt('airbox.puid'));
      own.push((await as(key, 'file-archive', { folders_uuids: [folderId] })).textAt('task_id'));
    }
    const approvalId = approval.textAt('approval.uuid');
    ids = [folderId, fileId, 'ZEBRAREF', approvalId, collection.textAt('collection.uuid'), 'zebras/zebra.txt', ...own];
    hidden = [folderId, fileId, approvalId];
    await asAdmin('POST', `folder/${folderId}/access`, { access: { role: 0, who: { users: ['ann'], teams: [] } } });
  });
  afterAll(async () => {
    await api.close();
    await database.drop();
  });

  /** What an answer tells of the folder, apart from what the question has said of it already. */
  function toldOf(answer: Answer, asked: string): readonly string[] {
    const text = [answer.text, ...Object.values(answer.headers)].join('\n');
    const words = hidden.filter((id) => !asked.includes(id) && text.includes(id));
    const rest = text.replaceAll('ZEBRAREF', asked.includes('ZEBRAREF') ? '' : 'ZEBRAREF');
    const named = asked.includes('zebra') ? rest.replaceAll('/zebras/zebra.txt', '').replaceAll('/zebras', '') : rest;
    return WORD.test(named) ? [...words, named.slice(Math.max(0, named.search(WORD) - 60)).slice(0, 120)] : words;
  }

  async function walk(row: { readonly operations: readonly string[] }, request: TestRequest): Promise<boolean> {
    const asked = `${request.url} ${JSON.stringify(request.body ?? '')}`;
    const hers = await api.call({ ...request, key: ann });
    expect(toldOf(hers, asked), `${asked} ${hers.status}`).toEqual([]);
    if (SILENT.has(row.operations[0] ?? '')) return false;
    const his = await api.call({ ...request, key: ben });
    return his.status < 300 && toldOf(his, asked).length > 0;
  }

  test('is in no answer of any address that is read', async () => {
    const telling = new Set<string>();
    for (const row of ROUTES.filter(({ method }) => method === 'GET')) {
      for (const path of row.paths) {
        const [start = '', ...rest] = path
          .replace('{v}', 'v5')
          .replace('/{v?}', '')
          .split(/:\w+|\*/);
        const urls = rest.length === 0 ? [start] : ids.map((id) => [start, ...rest].join(id));
        for (const url of urls) {
          for (const question of QUESTIONS) {
            if (await walk(row, { url: question === '' ? url : `${url}?${question}` }))
              telling.add(row.operations[0] ?? '');
          }
        }
      }
    }
    const all = new Set(ROUTES.filter(({ method }) => method === 'GET').map(({ operations }) => operations[0] ?? ''));
    // What stays silent to everybody proves nothing: it is listed, and everything else has told him.
    expect([...all].filter((operation) => !telling.has(operation) && !SILENT.has(operation))).toEqual([]);
  });

  test('is in no answer of those that are asked with a body', async () => {
    const rows: readonly (readonly [string, object])[] = [
      ['folders/previews', { folders: [folderId] }],
      ['objects/export-csv?recursive=1', { folders_uuids: [folderId], files_uuids: [fileId] }],
      ['file-archive', { folders_uuids: [folderId] }],
      ['file-archive', { files_uuids: [fileId] }],
      ['shares', { title: 'x', items: [{ type: 'file_uuid', identifiers: [fileId] }] }],
      ['process/describe', { uuid: fileId }],
      ['process/autotag', { uuid: fileId }],
      ['check', { operation: 'file.list', path: '/zebras' }],
    ];
    for (const [url, body] of rows) await walk({ operations: [] }, { method: 'POST', url: `/v5/${url}`, body });
  });
});
