// Airboxes through the front door: what outsiders may hand in, by whose rights, within which bounds, and that they never see anything.
import { decodeKey } from '@latchkey/policy';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { png } from '../../contract/pictures.ts';
import { type Answer, CONTAINER, type Harness, multipart, openHarness, type TestFile } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
  await makeFolder('/inbox');
});
afterAll(() => harness.close());

const PAGE = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object, as: string = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const makeFolder = async (path: string) => (await call('POST', '/v5/folders', { name: path })).textAt('folder.uuid');
async function airbox(more: object = {}, as = key): Promise<string> {
  const answer = await call('POST', '/v5/airboxes', { folder: '/inbox', ...more }, as);
  expect(answer.status, answer.text).toBe(200);
  return answer.textAt('airbox.puid');
}
/** Hands files in as an outsider, who has nothing but the address. */
async function hand(
  puid: string,
  files: readonly TestFile[] = [{}],
  {
    query = '',
    headers = {},
    ip = '127.0.0.1',
  }: { query?: string; headers?: Record<string, string>; ip?: string } = {},
) {
  const form = multipart(files);
  return harness.call({
    method: 'POST',
    url: `/a/${puid}${query}`,
    headers: { ...form.headers, ...headers },
    body: form.body,
    ip,
  });
}
const look = (puid: string, query = '', ip = '127.0.0.1') => harness.call({ url: `/v3/a/${puid}/title${query}`, ip });
async function inbox(folder = '/inbox'): Promise<readonly string[]> {
  const answer = await call('GET', `/v5/files?folder=${encodeURIComponent(folder)}&sort=name:asc`);
  return ((answer.body['files'] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name);
}

describe('an airbox', () => {
  test('takes files for its folder from whoever has the address, and tells them nothing but what they sent', async () => {
    const puid = await airbox({ title: 'Hand in', message: 'Thank you' });
    expect(puid).toMatch(/^[\w-]{22}$/);
    expect((await look(puid, '?format=json')).body).toMatchObject({
      status: 'success',
      airbox: { puid, title: 'Hand in', message: 'Thank you', max_files: null, expires_at: null },
    });
    const answer = await hand(puid, [
      { name: 'one.txt', content: 'one' },
      { name: 'two.txt', content: 'two!' },
    ]);
    expect(answer.body).toEqual({
      status: 'success',
      files: [
        { name: 'one.txt', type: 'text/plain', size: { bytes: 3, pretty: '3 B' } },
        { name: 'two.txt', type: 'text/plain', size: { bytes: 4, pretty: '4 B' } },
      ],
    });
    expect(await inbox()).toEqual(['one.txt', 'two.txt']);
  });

  test('never changes what is there, nor tells that it is', async () => {
    const own = (await harness.upload(key, '/inbox', { name: 'a.txt', content: 'mine' })).textAt('file.uuid');
    const puid = await airbox();
    const fresh = await hand(puid, [{ name: 'b.txt', content: 'same' }]);
    const over = await hand(puid, [{ name: 'a.txt', content: 'over' }]);
    const twin = await hand(puid, [{ name: 'a.txt', content: 'mine' }]);
    const said = (answer: Answer) => JSON.stringify(answer.body).replace(/[ab]\.txt/, 'x');
    expect([said(over), said(twin)]).toEqual([said(fresh), said(fresh)]);
    expect(await inbox()).toEqual(['a (2).txt', 'a (3).txt', 'a.txt', 'b.txt']);
    const versions = await call('GET', `/v5/file/${own}/versions`);
    expect((versions.body['versions'] as readonly object[]).length).toBe(1);
    expect((await harness.call({ url: `/v4/get/${own}`, key })).text).toBe('mine');
  });

  test('lends nothing but uploading into its own folder, whatever is asked with its address', async () => {
    await call('POST', '/v5/folders', { name: '/inbox/below' });
    const puid = await airbox();
    const uuid = (await harness.upload(key, '/inbox')).textAt('file.uuid');
    for (const query of ['?folder=/', '?folder=/inbox/below', '?dir=/other', '?folder=/new']) {
      expect((await hand(puid, [{ name: 'x.txt' }], { query })).status).toBe(200);
    }
    expect(await inbox()).toHaveLength(5);
    for (const url of [
      `/v5/files?folder=/inbox&access=${puid}`,
      `/v5/files/${uuid}`,
      `/v4/share/${puid}`,
      `/share/${puid}/file/${uuid}`,
      `/a/${puid}/zip`,
    ]) {
      const { body, status } = await harness.call({ url, headers: { 'x-filerobot-airbox-puid': puid } });
      expect([status >= 400 || 'airbox' in body, 'files' in body, 'file' in body], url).toEqual([true, false, false]);
    }
    for (const [method, url] of [
      ['PUT', '/v5/files?filename=a.txt'],
      ['DELETE', `/v5/files/${uuid}`],
      ['POST', '/v5/folders'],
    ] as const) {
      const answer = await harness.call({
        method,
        url,
        headers: { 'x-filerobot-airbox-puid': puid },
        body: { name: '/n' },
      });
      expect(outcome(answer), url).toEqual([401, 'KEY_MISSING']);
    }
  });

  test('is what the header of the widgets names where there is no key; beside a key, the key alone decides', async () => {
    const puid = await airbox();
    const form = multipart([{ name: 'widget.txt' }]);
    const send = (url: string, more: Record<string, string> = {}) =>
      harness.call({
        method: 'POST',
        url,
        headers: { ...form.headers, 'x-filerobot-airbox-puid': puid, ...more },
        body: form.body,
      });
    for (const url of ['/v4/files?folder=/other', '/v3/upload', '/upload']) {
      expect((await send(url)).body, url).toMatchObject({ files: [{ name: 'widget.txt' }] });
    }
    expect(await inbox()).toHaveLength(3);
    const none = await harness.key({ permissions: ['OBJECTS_LIST'] });
    expect(outcome(await send('/v4/files', { 'x-filerobot-key': none }))).toEqual([403, 'PERMISSION_DENIED']);
    expect((await send('/v4/files?folder=/elsewhere', { 'x-filerobot-key': key })).status).toBe(200);
    expect(await inbox('/elsewhere')).toEqual(['widget.txt']);
    expect(outcome(await send('/v4/files', { 'x-filerobot-airbox-puid': 'nothing' }))).toEqual([401, 'KEY_MISSING']);
  });

  test('opens and ends when it says, ends at once when deleted, and tells nothing otherwise', async () => {
    const nothing = await hand('AAAAAAAAAAAAAAAAAAAAAA');
    expect(outcome(nothing)).toEqual([404, 'AIRBOX_NOT_FOUND']);
    const puid = await airbox({ starts_at: '2026-01-15T12:01:00Z', expires_at: '2026-01-15T12:02:00Z' });
    const shut = { ...nothing.body, request_id: '' };
    const told = async () => {
      const [sent, seen] = [await hand(puid), await look(puid)];
      return [sent, seen].map(({ status, body }) => (status === 200 ? 'open' : { ...body, request_id: '' }));
    };
    expect(await told()).toEqual([shut, shut]);
    harness.clock.pass(60_000);
    expect(await told()).toEqual(['open', 'open']);
    harness.clock.pass(60_000);
    expect(await told()).toEqual([shut, shut]);
    await call('PUT', `/v5/airboxes/${puid}`, { expires_at: null });
    expect(await told()).toEqual(['open', 'open']);
    expect((await call('DELETE', `/v5/airboxes/${puid}`)).status).toBe(200);
    expect(await told()).toEqual([shut, shut]);
    expect(await inbox()).toHaveLength(2);
  });

  test('is never worth more than the live rights of whoever made it', async () => {
    const record = await harness.template({ restrictions: { allowed_origins: ['https://example.com'] } });
    const maker = harness.keyOf(record);
    const headers = { origin: 'https://example.com' };
    const made = await harness.call({
      method: 'POST',
      url: '/v5/airboxes',
      key: maker,
      headers,
      body: { folder: '/inbox' },
    });
    const puid = made.textAt('airbox.puid');
    const { document } = record;
    const change = (difference: object) =>
      harness.ports.templates.updateTemplate(CONTAINER, record.uid, { ...document, ...difference }, 1);
    const tried = async (files: readonly TestFile[] = [{}], ip?: string) => {
      const answer = await hand(puid, files, ip === undefined ? {} : { ip });
      return answer.status === 200 ? 'taken' : answer.body['code'];
    };
    expect(await tried()).toBe('taken');
    await change({ upload: { dir_scope: ['/other/*'] } });
    expect(await tried()).toBe('AIRBOX_NOT_FOUND');
    await change({ permissions: ['OBJECTS_AIRBOX_MANAGE', 'OBJECTS_LIST'] });
    expect(await tried()).toBe('AIRBOX_NOT_FOUND');
    await change({ restrictions: { whitelist_ip_ranges: ['203.0.113.0/24'] } });
    expect([await tried(), await tried([{}], '203.0.113.7')]).toEqual(['AIRBOX_NOT_FOUND', 'taken']);
    await change({ upload: { max_file_size: 10 } });
    expect(await tried([{ content: 'far more than ten' }])).toBe('PAYLOAD_TOO_LARGE');
    await change({ upload: { allowed_types: ['image/*'] } });
    expect([await tried(), await tried([{ name: 'a.png', content: png(2, 2, [1, 2, 3]) }])]).toEqual([
      'MEDIA_TYPE_REFUSED',
      'taken',
    ]);
    await change({ upload: { max: 1 } });
    expect([await tried(), await tried()]).toEqual(['taken', 'AIRBOX_FULL']);
    await change({ active: false });
    expect(await tried()).toBe('AIRBOX_NOT_FOUND');
    await harness.ports.templates.deleteTemplate(CONTAINER, record.uid);
    expect(await tried()).toBe('AIRBOX_NOT_FOUND');
  });

  test('keeps to what it takes itself: types by their bytes, sizes and numbers, and what is raised makes room', async () => {
    const puid = await airbox({ max_files: 2, max_file_bytes: 200, allowed_types: ['image/png', 'TXT'] });
    const picture = png(2, 2, [1, 2, 3]);
    const tried = async (file: TestFile) => (await hand(puid, [file])).body['code'] ?? 'taken';
    expect(await tried({ name: 'page.txt', content: '<!doctype html><script>', type: 'text/plain' })).toBe(
      'MEDIA_TYPE_REFUSED',
    );
    expect(await tried({ name: 'a.png', content: '%PDF-1.7', type: 'image/png' })).toBe('MEDIA_TYPE_REFUSED');
    expect(await tried({ name: 'long.txt', content: 'x'.repeat(201) })).toBe('PAYLOAD_TOO_LARGE');
    expect(await tried({ name: 'a.txt', content: 'x'.repeat(200) })).toBe('taken');
    expect(await tried({ name: 'a.png', content: picture })).toBe('taken');
    expect(await tried({ name: 'b.txt' })).toBe('AIRBOX_FULL');
    expect(outcome(await hand(await airbox({ max_files: 2 }), [{}, {}, {}]))).toEqual([403, 'AIRBOX_FULL']);
    expect(await inbox()).toEqual(['a.png', 'a.txt']);
    await call('PUT', `/v5/airboxes/${puid}`, { max_files: 3, allowed_types: null });
    expect(await tried({ name: 'b.pdf', content: '%PDF-1.7' })).toBe('taken');
    expect(await tried({ name: 'c.pdf' })).toBe('AIRBOX_FULL');
  });

  test('never takes a file or a byte too many, however many send at once', async () => {
    const [files, bytes] = [await airbox({ max_files: 5 }), await airbox({ max_bytes: 1000 })];
    const many = await Promise.all(Array.from({ length: 15 }, () => hand(files, [{ name: 'f.txt' }])));
    expect(many.filter(({ status }) => status === 200)).toHaveLength(5);
    const large = await Promise.all(
      Array.from({ length: 12 }, () => hand(bytes, [{ name: 'b.bin', content: 'x'.repeat(300) }])),
    );
    const taken = large.filter(({ status }) => status === 200).length;
    expect(taken).toBeLessThanOrEqual(3);
    // What came at the same moment may have been refused for want of room that was only held.
    for (let i = taken; i < 3; i += 1) expect((await hand(bytes, [{ content: 'x'.repeat(300) }])).status).toBe(200);
    expect(outcome(await hand(bytes, [{ content: 'x'.repeat(101) }]))).toEqual([403, 'AIRBOX_FULL']);
    expect((await hand(bytes, [{ content: 'x'.repeat(100) }])).status).toBe(200);
    expect((await inbox()).length).toBe(9);
  });

  test('follows its folder, and is shut when the folder is gone or out of reach', async () => {
    const record = await harness.template({ upload: { dir_scope: ['/inbox/*', '/in/*'] } });
    const puid = await airbox({}, harness.keyOf(record));
    const id = (await call('GET', '/v5/folders?folder=/inbox')).textAt('base.uuid');
    const rename = (name: string) => call('PUT', `/v5/folder/${id}/name`, { name });
    await rename('in');
    expect([(await hand(puid)).status, await inbox('/in')]).toEqual([200, ['hello.txt']]);
    await rename('out');
    expect(outcome(await hand(puid))).toEqual([404, 'AIRBOX_NOT_FOUND']);
    await rename('*');
    expect(outcome(await hand(puid))).toEqual([404, 'AIRBOX_NOT_FOUND']);
    await rename('in');
    await call('DELETE', `/v5/folders/${id}`);
    expect(outcome(await hand(puid))).toEqual([404, 'AIRBOX_NOT_FOUND']);
    expect((await call('GET', `/v5/airboxes/${puid}`, undefined, harness.keyOf(record))).body['airbox']).toMatchObject({
      folder: null,
    });
  });

  test.each([
    ['it is deleted', (ports: Harness['ports'], puid: string) => ports.airboxes.deleteDoor(CONTAINER, puid)],
    [
      'its folder goes',
      async (ports: Harness['ports'], _puid: string, folderId: string) =>
        ports.metadata.deleteObjects(
          CONTAINER,
          { files: [], folders: [{ id: folderId, folderPath: '/gone' as never }] },
          { within: () => true },
        ),
    ],
  ])('records nothing that was on its way when %s', async (_, act) => {
    let once: (() => Promise<unknown>) | undefined;
    const racing = await openHarness({
      wrap: (ports) => ({
        ...ports,
        blobs: {
          ...ports.blobs,
          write: async (source, options) => {
            const blob = await ports.blobs.write(source, options);
            await once?.();
            return blob;
          },
        },
      }),
    });
    try {
      const maker = await racing.key();
      const made = await racing.call({ method: 'POST', url: '/v5/folders', key: maker, body: { name: '/gone' } });
      const body = { folder: '/gone' };
      const puid = (await racing.call({ method: 'POST', url: '/v5/airboxes', key: maker, body })).textAt('airbox.puid');
      once = () => act(racing.ports, puid, made.textAt('folder.uuid'));
      const form = multipart([{}]);
      const answer = await racing.call({ method: 'POST', url: `/a/${puid}`, headers: form.headers, body: form.body });
      expect(outcome(answer)).toEqual([404, 'AIRBOX_NOT_FOUND']);
      const left = await racing.call({ url: '/v5/files?folder=/&recursive=1', key: maker });
      expect(left.body['files']).toEqual([]);
    } finally {
      await racing.close();
    }
  });

  test('ends for good with the key that made it', async () => {
    const record = await harness.template();
    const maker = harness.keyOf(record);
    const puid = await airbox({}, maker);
    const decoded = decodeKey(maker);
    const keyId = decoded.ok ? decoded.claims.keyId : '';
    await harness.revoke(keyId);
    expect(outcome(await hand(puid))).toEqual([404, 'AIRBOX_NOT_FOUND']);
    const { secret } = await harness.secretKey();
    const other = await airbox();
    expect((await call('POST', '/v5/key/revoke', { key_id: keyId }, secret)).status).toBe(200);
    expect((await hand(other)).status).toBe(200);
    expect((await call('POST', '/v5/key/revoke', { all: true }, secret)).status).toBe(200);
    expect(outcome(await hand(other))).toEqual([404, 'AIRBOX_NOT_FOUND']);
    harness.clock.pass(365 * 24 * 60 * 60_000);
    await harness.ports.templates.sweep(harness.clock.nowMs);
    for (const closed of [puid, other]) expect(outcome(await hand(closed))).toEqual([404, 'AIRBOX_NOT_FOUND']);
  });

  test('of an admin has the same bounds', async () => {
    const headers = await harness.admin();
    const body = { folder: '/inbox', max_files: 1, allowed_types: ['txt'] };
    const puid = (await harness.call({ method: 'POST', url: '/v5/airboxes', headers, body })).textAt('airbox.puid');
    const tried = async (file: TestFile) => (await hand(puid, [file])).body['code'] ?? 'taken';
    expect(await tried({ name: 'a.png', content: png(2, 2, [1, 2, 3]) })).toBe('MEDIA_TYPE_REFUSED');
    expect([await tried({}), await tried({})]).toEqual(['taken', 'AIRBOX_FULL']);
  });

  test('with a password takes from those who know it, ten guesses a minute', async () => {
    const puid = await airbox({ auth: { pass: 'Pass wört' } });
    expect(outcome(await hand(puid))).toEqual([401, 'AIRBOX_PASSWORD_NEEDED']);
    expect(outcome(await look(puid, '?password=wrong'))).toEqual([401, 'AIRBOX_PASSWORD_NEEDED']);
    const access = (await look(puid, `?password=${encodeURIComponent('Pass wört')}`)).textAt('airbox.access');
    expect((await hand(puid, [{}], { query: `?access=${access}` })).status).toBe(200);
    const other = await airbox({ auth: { pass: 'Pass wört' } });
    expect(outcome(await hand(other, [{}], { query: `?access=${access}` }))).toEqual([401, 'AIRBOX_PASSWORD_NEEDED']);
    for (let i = 0; i < 9; i += 1) await look(puid, '?password=wrong');
    expect(outcome(await look(puid, '?password=wrong'))).toEqual([429, 'REQUEST_RATE_LIMITED']);
    expect((await look(puid, `?password=${encodeURIComponent('Pass wört')}`, '203.0.113.7')).status).toBe(200);
    harness.clock.pass(2 * 60 * 60_000);
    expect(outcome(await hand(puid, [{}], { query: `?access=${access}` }))).toEqual([401, 'AIRBOX_PASSWORD_NEEDED']);
  });

  test('refuses a form without a file, and what is no form, leaving nothing', async () => {
    const puid = await airbox();
    const boundary = 'x';
    const nameless = `--${boundary}\r\nContent-Disposition: form-data; name="files[]"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--${boundary}--\r\n`;
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const empty = await harness.call({ method: 'POST', url: `/a/${puid}`, headers, body: nameless });
    expect([outcome(empty), empty.body['faults']]).toEqual([
      [400, 'REQUEST_INVALID'],
      [expect.objectContaining({ field: 'files[]', code: 'MISSING' })],
    ]);
    expect(outcome(await harness.call({ method: 'POST', url: `/a/${puid}`, body: {} }))).toEqual([
      400,
      'REQUEST_INVALID',
    ]);
    expect(outcome(await hand(puid, [{ name: 'ok.txt' }, { name: 'a%2Fb.txt' }]))).toEqual([400, 'PATH_INVALID']);
    expect(await inbox()).toEqual([]);
  });
});

describe('the maker of airboxes', () => {
  test('lists, reads, changes and closes their own, and nobody else does', async () => {
    await makeFolder('/second');
    const puid = await airbox({ title: 'Old', max_files: 7, auth: { pass: 'x' } });
    const shown = await call('GET', `/v5/airboxes/${puid}`);
    expect(shown.body['airbox']).toMatchObject({
      title: 'Old',
      has_password: true,
      max_files: 7,
      folder: { path: '/inbox' },
      url: expect.stringMatching(new RegExp(`/${CONTAINER}/a/${puid}$`)),
    });
    const change = { title: 'New', folder: '/second', max_files: null, auth: { pass: null } };
    const changed = await call('PUT', `/v5/airboxes/${puid}`, change);
    expect(changed.body['airbox']).toMatchObject({
      puid,
      title: 'New',
      has_password: false,
      max_files: null,
      folder: { path: '/second' },
    });
    await hand(puid);
    expect([await inbox(), await inbox('/second')]).toEqual([[], ['hello.txt']]);
    expect((await call('GET', '/v5/airboxes')).body).toMatchObject({ airboxes: [{ puid }], info: { total: 1 } });
    const other = await harness.key();
    expect((await call('GET', '/v5/airboxes', undefined, other)).body).toMatchObject({
      airboxes: [],
      info: { total: 0 },
    });
    for (const [method, body] of [['GET'], ['PUT', { title: 'Mine' }], ['DELETE']] as const) {
      expect(outcome(await call(method, `/v5/airboxes/${puid}`, body, other))).toEqual([404, 'AIRBOX_NOT_FOUND']);
    }
  });

  test('needs both permissions, and the folder in the scope of uploads, at the beginning and for each change', async () => {
    const body = { folder: '/inbox' };
    for (const permissions of [['OBJECTS_AIRBOX_MANAGE'], ['FILE_UPLOAD', 'OBJECTS_LIST', 'OBJECTS_FETCH']]) {
      const refused = await call('POST', '/v5/airboxes', body, await harness.key({ permissions }));
      expect(outcome(refused)).toEqual([403, 'PERMISSION_DENIED']);
    }
    await makeFolder('/inbox/deep');
    const record = await harness.template({ upload: { dir_scope: ['/inbox'] }, listing: { dir_scope: ['/nowhere'] } });
    const narrow = harness.keyOf(record);
    const puid = await airbox({}, narrow);
    for (const folder of ['/', '/other', '/inbox/deep', '/inbox2']) {
      expect(outcome(await call('POST', '/v5/airboxes', { folder }, narrow)), folder).toEqual([403, 'SCOPE_DENIED']);
      expect(outcome(await call('PUT', `/v5/airboxes/${puid}`, { folder }, narrow)), folder).toEqual([
        403,
        'SCOPE_DENIED',
      ]);
    }
    expect((await call('GET', `/v5/airboxes/${puid}`, undefined, narrow)).body['airbox']).toMatchObject({
      folder: { path: '/inbox' },
    });
  });

  test('says what is handed in where, and is told every mistake', async () => {
    await makeFolder('/a*');
    for (const [body, code, field] of [
      [{}, 'REQUEST_INVALID', 'folder'],
      [{ folder: 'inbox' }, 'PATH_INVALID', 'folder'],
      [{ folder: '/nothing' }, 'FOLDER_NOT_FOUND', undefined],
      [{ folder: '/a*' }, 'REQUEST_INVALID', 'folder'],
      [{ folder: '/inbox', max_files: 0 }, 'REQUEST_INVALID', 'max_files'],
      [{ folder: '/inbox', max_bytes: 1.5 }, 'REQUEST_INVALID', 'max_bytes'],
      [{ folder: '/inbox', allowed_types: ['image/png', 'no such/type/'] }, 'REQUEST_INVALID', 'allowed_types[1]'],
      [{ folder: '/inbox', starts_at: '2026-02-01', expires_at: '2026-01-31' }, 'REQUEST_INVALID', 'expires_at'],
      [{ folder: '/inbox', title: 'x'.repeat(256) }, 'REQUEST_INVALID', 'title'],
    ] as const) {
      const answer = await call('POST', '/v5/airboxes', body);
      const [fault] = (answer.body['faults'] ?? []) as readonly { readonly field: string }[];
      expect([answer.body['code'], fault?.field], JSON.stringify(body)).toEqual([code, field]);
    }
    expect((await call('GET', '/v5/airboxes')).body).toMatchObject({ info: { total: 0 } });
  });
});

describe('the page of an airbox', () => {
  const open = (url: string, headers: Record<string, string> = {}) =>
    harness.call({ url, headers: { ...PAGE, ...headers } });

  test('is a form, says what is taken, runs its own script only, and leads back after a form was sent', async () => {
    const puid = await airbox({
      title: '<b>Hand in',
      message: '</main><script>alert(1)</script>',
      max_files: 3,
      allowed_types: ['image/*', 'pdf'],
      expires_at: '2026-01-16T12:00:00Z',
    });
    const page = await open(`/a/${puid}`);
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; img-src 'self'; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    expect(page.text.match(/<script/g)).toHaveLength(1);
    expect(page.text).not.toMatch(/<b>|style="|\son\w+="/);
    expect(page.text).toContain('accept="image/*,.pdf"');
    expect(page.text).toContain('Open until <time datetime="2026-01-16T12:00:00.000Z">');
    const other = await open(`/v3/a/${puid}/any%20title`);
    expect([other.status, other.headers['location']]).toEqual([302, `/${CONTAINER}/a/${puid}`]);
    const sent = await hand(puid, [{ name: 'a.pdf', content: '%PDF-1.7' }], { headers: PAGE });
    expect([sent.status, sent.headers['location']]).toEqual([303, `/${CONTAINER}/a/${puid}?received=1`]);
    expect((await open(`/a/${puid}?received=1`)).text).toContain('Your file has arrived');
    const refused = await hand(puid, [{ name: 'a.txt' }], { headers: PAGE });
    expect([refused.status, refused.headers['content-type']]).toEqual([415, 'text/html; charset=utf-8']);
    expect(await inbox()).toEqual(['a.pdf']);
  });

  test('asks for the password, keeps a proof in a cookie, and says when it opens and ended', async () => {
    const puid = await airbox({
      title: 'Secret',
      auth: { pass: 'x' },
      starts_at: '2026-01-15T13:00:00Z',
      expires_at: '2026-01-15T14:00:00Z',
    });
    const heading = async (headers = {}) => /<h1>(.*?)<\/h1>/.exec((await open(`/a/${puid}`, headers)).text)?.[1];
    expect(await heading()).toBe('Not open yet');
    harness.clock.pass(60 * 60_000);
    expect(await heading()).toBe('Password needed');
    const headers = { ...PAGE, 'content-type': 'application/x-www-form-urlencoded' };
    const post = (password: string) =>
      harness.call({ method: 'POST', url: `/a/${puid}`, headers, body: `password=${password}` });
    expect((await post('y')).status).toBe(401);
    const right = await post('x');
    expect([right.status, right.headers['location']]).toEqual([303, `/${CONTAINER}/a/${puid}`]);
    const cookie = right.headers['set-cookie']?.split(';')[0] ?? '';
    expect(await heading({ cookie })).toBe('Secret');
    expect((await hand(puid, [{}], { headers: { cookie } })).status).toBe(200);
    expect((await hand(puid)).status).toBe(401);
    harness.clock.pass(60 * 60_000);
    expect(await heading({ cookie })).toBe('This is over');
  });

  test('leaves its address in no log', async () => {
    const puid = await airbox();
    await hand(puid);
    await open(`/a/${puid}`);
    await look(puid);
    const form = multipart([{}]);
    const headers = { ...form.headers, 'x-filerobot-airbox-puid': puid };
    await harness.call({ method: 'POST', url: '/v4/files', headers, body: form.body });
    expect(await inbox()).toHaveLength(2);
    const lines = harness.log.map((line) => JSON.stringify(line));
    expect(lines.some((line) => line.includes('/a/[redacted]'))).toBe(true);
    expect(lines.filter((line) => line.includes(puid))).toEqual([]);
  });
});
