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
/** Addresses that tell nothing of files and folders, or nothing that the walk could have put there: numbers and permissions have tests of their own. */
const SILENT = new Set([
  'access.roles',
  'file.permissions',
  'file.setMeta',
  'file.stats',
  'file.upload',
  'folder.permissions',
  'folder.stats',
  'key.inspect',
  'key.issue',
  'key.revocations',
  'label.list',
  'pin.list',
  'secretKey.get',
  'secretKey.list',
  'settings.read',
  'share.get',
  'share.list',
  'template.get',
  'template.list',
  'variant.list',
]);

describe.each(databaseAdapters)('a closed folder on $name', ({ create }) => {
  let database: TestDatabase;
  let api: Harness;
  let admin: Readonly<Record<string, string>>;
  let ann: string;
  let ben: string;
  /** Everything that may stand in an address in place of a parameter, for her and for him: what each of them lends is each one's own. */
  let ids: readonly (readonly [hers: string, his: string])[];
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
    const lend = async (key: string) => {
      await as(key, 'users/favorites', { files_uuids: pair });
      return [
        (await as(key, 'shares', { title: 'lent', items })).textAt('share.puid'),
        (await as(key, 'airboxes', { title: 'in', folder: '/zebras' })).textAt('airbox.puid'),
        (await as(key, 'file-archive', { folders_uuids: [folderId] })).textAt('task_id'),
      ];
    };
    const [hers, his] = [await lend(ann), await lend(ben)];
    const approvalId = approval.textAt('approval.uuid');
    const shared = [folderId, fileId, 'ZEBRAREF', approvalId, collection.textAt('collection.uuid'), 'zebras/zebra.txt'];
    ids = [...shared.map((id) => [id, id] as const), ...hers.map((id, index) => [id, his[index] ?? id] as const)];
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

  const wordsOf = ({ url, body }: TestRequest) => `${url} ${JSON.stringify(body ?? '')}`;

  /** Asks for her, who is told nothing, and answers whether he is told something. */
  async function walk(operation: string, hers: TestRequest, his: TestRequest): Promise<boolean> {
    const silence = await api.call({ ...hers, key: ann });
    expect(toldOf(silence, wordsOf(hers)), `${wordsOf(hers)} ${silence.status}`).toEqual([]);
    if (SILENT.has(operation)) return false;
    const answer = await api.call({ ...his, key: ben });
    return answer.status < 300 && toldOf(answer, wordsOf(his)).length > 0;
  }

  test('is in no answer of any address that is read', { timeout: 120_000 }, async () => {
    const telling = new Set<string>();
    for (const row of ROUTES.filter(({ method }) => method === 'GET')) {
      // Every other spelling answers alike: old-clients.test.ts.
      for (const path of row.paths.slice(0, 1)) {
        const [start = '', ...rest] = path
          .replace('{v}', 'v5')
          .replace('/{v?}', '')
          .split(/:\w+|\*/);
        const operation = row.operations[0] ?? '';
        const pairs =
          rest.length === 0
            ? ([[start, start]] as const)
            : ids.map((pair) => pair.map((id) => [start, ...rest].join(id)));
        for (const [hers = '', his = ''] of pairs) {
          for (const question of QUESTIONS) {
            const more = question === '' ? '' : `?${question}`;
            if (await walk(operation, { url: hers + more }, { url: his + more })) telling.add(operation);
          }
        }
      }
    }
    const all = new Set(ROUTES.filter(({ method }) => method === 'GET').map(({ operations }) => operations[0] ?? ''));
    // What stays silent to everybody proves nothing: it is listed, and everything else has told him.
    expect([...all].filter((operation) => !telling.has(operation) && !SILENT.has(operation))).toEqual([]);
  });

  test('is in no answer of those that are asked with a body', async () => {
    const rows: readonly (readonly [string, object, tells: boolean])[] = [
      ['folders/previews', { folders: [folderId] }, true],
      ['objects/export-csv?recursive=1', { folders_uuids: [folderId], files_uuids: [fileId] }, true],
      ['file-archive', { folders_uuids: [folderId] }, false],
      ['file-archive', { files_uuids: [fileId] }, false],
      ['shares', { title: 'x', items: [{ type: 'file_uuid', identifiers: [fileId] }] }, false],
      ['process/describe', { file: { uuid: fileId } }, true],
      ['process/autotag', { file: { uuid: fileId } }, true],
      ['ml/images/embedding/image', { ref_key: 'uuid', ref: fileId }, false],
      ['ml/images/embedding/text', { ref_key: 'uuid', text: 'zebras zebra zebratag' }, false],
      ['check', { operation: 'file.list', path: '/zebras' }, false],
    ];
    for (const [url, body, tells] of rows) {
      const request = { method: 'POST', url: `/v5/${url}`, body } as const;
      expect(await walk('', request, request), url).toBe(tells);
    }
  });
});
