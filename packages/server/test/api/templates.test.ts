// Security templates: managed by admins and by back ends that may, with effect on live keys at once.
import { afterAll, describe, expect, test } from 'vitest';
import { openHarness } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());

const BASE = '/v5/security-templates';
const { secret: all } = await api.secretKey();

const post = (body: object, key = all) => api.call({ method: 'POST', url: BASE, key, body });
const get = (id: string, key = all) => api.call({ url: `${BASE}/${id}`, key });

/** Fields of the faults of a refusal, sorted. */
const faultFields = (body: Readonly<Record<string, unknown>>) =>
  (body['faults'] as readonly { readonly field: string }[]).map(({ field }) => field).sort();

const WHOLE = {
  name: 'Profile pictures',
  description: 'For the settings page.',
  active: true,
  permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'],
  upload: {
    limit_per_min: 5,
    limit_per_ip_source: 10,
    max: 20,
    max_file_size: 1000,
    max_total_size: 5000,
    allowed_types: ['image/*'],
    dir_scope: ['/in/*'],
  },
  listing: { dir_scope: ['/in'], max: 100 },
  restrictions: {
    whitelist_ip_ranges: ['127.0.0.0/8'],
    whitelist_countries: ['FR'],
    blocked_ip_ranges: ['127.0.0.9'],
    blocked_countries: ['US'],
    allowed_origins: ['https://app.example.com'],
  },
  key_validity: { expiration_duration: 600, finish_duration: 900 },
  issue: { limit_per_ip_per_min: 7 },
};

describe('template.create', () => {
  test('stores a whole template and answers what was stored', async () => {
    const made = await post(WHOLE);
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({ status: 'success', security_template: WHOLE, warnings: [] });
    expect(made.textAt('security_template.id')).toMatch(/^SECU_[0-9A-F]{32}$/);
    expect(made.body['security_template']).toMatchObject({
      revision: 1,
      created_at: new Date(api.clock.nowMs).toISOString(),
      updated_at: new Date(api.clock.nowMs).toISOString(),
    });
    expect(made.headers['etag']).toBe('"1"');
    const read = await get(made.textAt('security_template.id'));
    expect(read.body['security_template']).toEqual(made.body['security_template']);
  });

  test('fills in the documented defaults, which permit nothing', async () => {
    const { body } = await post({});
    expect(body['security_template']).toMatchObject({
      name: '',
      description: '',
      active: true,
      permissions: [],
      upload: { max_file_size: 500_000_000, dir_scope: ['/*'] },
      listing: { dir_scope: ['/*'] },
      restrictions: {},
      key_validity: { expiration_duration: 1200, finish_duration: 1200 },
      issue: { limit_per_ip_per_min: 5 },
    });
  });

  test('accepts the body wrapped as it is answered, aliases, and null for "not set"', async () => {
    const { body } = await post({
      security_template: {
        name: 'Wrapped',
        permissions: ['FOLDER_CREATE'],
        upload: { limit_per_source_ip: 3, max: null },
        key_validity: { expire_duration: 60 },
      },
    });
    expect(body['security_template']).toMatchObject({
      name: 'Wrapped',
      permissions: ['DIR_CREATE'],
      upload: { limit_per_ip_source: 3 },
      key_validity: { expiration_duration: 60, finish_duration: 60 },
    });
  });

  test('reports every fault at once, each by its field', async () => {
    const refused = await post({
      name: 7,
      permissions: ['OBJECTS_LIST', 'FLY'],
      upload: { max: '5', dir_scope: ['/ok', '../up'] },
      restrictions: { whitelist_ip_ranges: ['300.0.0.1'], whitelist_countries: ['XX'], allowed_origins: ['*'] },
      key_validity: { expiration_duration: 31 * 24 * 60 * 60 },
      colour: 'red',
    });
    expect(refused.status).toBe(400);
    expect(refused.body['code']).toBe('REQUEST_INVALID');
    expect(faultFields(refused.body)).toEqual([
      'colour',
      'key_validity.expiration_duration',
      'name',
      'permissions[1]',
      'restrictions.allowed_origins[0]',
      'restrictions.whitelist_countries[0]',
      'restrictions.whitelist_ip_ranges[0]',
      'upload.dir_scope[1]',
      'upload.max',
    ]);
  });

  test.each(['', 'null', '[]', '"text"', '7', '{', '{"security_template":[]}'])(
    'refuses a body that is no object: %s',
    async (body) => {
      const refused = await api.call({
        method: 'POST',
        url: BASE,
        key: all,
        headers: { 'content-type': 'application/json' },
        body,
      });
      // An empty body is an empty template: everything has a default.
      expect(refused.status).toBe(body === '' || body === 'null' ? 200 : 400);
    },
  );

  test('warns about dangerous combinations and saves them', async () => {
    const made = await post({
      permissions: ['FILE_DELETE', 'FILE_UPLOAD'],
      key_validity: { expiration_duration: 172_800 },
    });
    expect(made.status).toBe(200);
    const codes = (made.body['warnings'] as readonly { readonly code: string }[]).map(({ code }) => code);
    expect([...new Set(codes)].sort()).toEqual(['DELETE_EVERYWHERE', 'UPLOAD_WITHOUT_LIMITS', 'VALIDITY_OVER_A_DAY']);
  });

  test('does not let the body choose the identifier', async () => {
    const chosen = `SECU_${'F'.repeat(32)}`;
    const made = await post({ id: chosen, uid: 'mine', revision: 7, created_at: '2000-01-01', name: 'Copy' });
    expect(made.textAt('security_template.id')).not.toBe(chosen);
    expect(made.body['security_template']).toMatchObject({ revision: 1, name: 'Copy' });
  });

  test.each(['v3', 'v4', 'v5'])('exists below /%s and not without a version', async (version) => {
    expect((await api.call({ url: `/${version}/security-templates`, key: all })).status).toBe(200);
    expect((await api.call({ url: '/security-templates', key: all })).body['code']).toBe('ROUTE_NOT_FOUND');
  });
});

describe('template.list', () => {
  test('pages, counts and searches', async () => {
    const list = await openHarness();
    const { secret } = await list.secretKey();
    for (const name of ['Alpha', 'Beta', 'Alphabet']) {
      await list.template({ name });
      list.clock.pass(1000);
    }
    const ask = async (query: string) => {
      const { body } = await list.call({ url: `${BASE}?${query}`, key: secret });
      const names = (body['security_templates'] as readonly { readonly name: string }[]).map(({ name }) => name);
      return { names, total: (body['info'] as { readonly total: number }).total };
    };
    expect(await ask('')).toEqual({ names: ['Alphabet', 'Beta', 'Alpha'], total: 3 });
    expect(await ask('limit=1&offset=1')).toEqual({ names: ['Beta'], total: 3 });
    expect(await ask('q=ALPHA')).toEqual({ names: ['Alphabet', 'Alpha'], total: 2 });
    expect(await ask('search=beta')).toEqual({ names: ['Beta'], total: 1 });
    expect(await ask('q=nothing')).toEqual({ names: [], total: 0 });
    await list.close();
  });
});

describe('template.get', () => {
  test('finds a template by identifier and by uid', async () => {
    const record = await api.template();
    expect((await get(record.identifier)).textAt('security_template.uid')).toBe(record.uid);
    expect((await get(record.uid)).textAt('security_template.id')).toBe(record.identifier);
  });

  test('does not know templates of another container', async () => {
    await api.ports.templates.ensureContainer('other', api.clock.nowMs);
    const record = await api.template();
    const foreign = { ...record, uid: 'foreign', identifier: `SECU_${'E'.repeat(32)}`, container: 'other' };
    await api.ports.templates.createTemplate(foreign);
    expect((await get(foreign.identifier)).body['code']).toBe('TEMPLATE_NOT_FOUND');
    expect((await get(foreign.uid)).body['code']).toBe('TEMPLATE_NOT_FOUND');
  });
});

describe('template.update', () => {
  const put = (id: string, body: object, headers = {}) =>
    api.call({ method: 'PUT', url: `${BASE}/${id}`, key: all, headers, body });
  const patch = (id: string, body: object, headers = {}) =>
    api.call({ method: 'PATCH', url: `${BASE}/${id}`, key: all, headers, body });

  test('refuses nothing in place of a document, and changes nothing then', async () => {
    const made = await post(WHOLE);
    const id = made.textAt('security_template.id');
    for (const method of ['PUT', 'PATCH'] as const) {
      for (const body of ['', 'null', '{"security_template":null}']) {
        const answer = await api.call({ method, url: `${BASE}/${id}`, key: all, body });
        expect([answer.status, answer.body['code']], `${method} ${body}`).toEqual([400, 'REQUEST_INVALID']);
      }
    }
    expect((await get(id)).body['security_template']).toEqual(made.body['security_template']);
  });

  test('replaces: what is left out takes its default', async () => {
    const id = (await post(WHOLE)).textAt('security_template.id');
    const saved = await put(id, { name: 'New' });
    expect(saved.body['security_template']).toMatchObject({
      id,
      name: 'New',
      permissions: [],
      restrictions: {},
      revision: 2,
    });
    expect(saved.headers['etag']).toBe('"2"');
  });

  test('patches: what is left out stays, null takes back, lists are replaced', async () => {
    const id = (await post(WHOLE)).textAt('security_template.id');
    const saved = await patch(id, {
      permissions: ['OBJECTS_FETCH'],
      upload: { max: null, max_file_size: 77 },
      restrictions: { whitelist_countries: ['DE', 'AT'], allowed_origins: null },
      issue: null,
    });
    const { max: _max, ...upload } = WHOLE.upload;
    const { allowed_origins: _origins, ...restrictions } = WHOLE.restrictions;
    const {
      id: _id,
      uid,
      revision,
      created_at,
      updated_at,
      ...document
    } = saved.body['security_template'] as Record<string, unknown>;
    expect({ uid, revision, created_at, updated_at }).toMatchObject({ revision: 2 });
    expect(document).toEqual({
      ...WHOLE,
      permissions: ['OBJECTS_FETCH'],
      upload: { ...upload, max_file_size: 77 },
      restrictions: { ...restrictions, whitelist_countries: ['DE', 'AT'] },
      issue: { limit_per_ip_per_min: 5 },
    });
  });

  test('patches a member under its other name', async () => {
    const id = (await post(WHOLE)).textAt('security_template.id');
    const saved = await patch(id, { upload: { limit_per_source_ip: 3 }, key_validity: { expire_duration: 60 } });
    expect(saved.body['security_template']).toMatchObject({
      upload: { limit_per_ip_source: 3, max: 20 },
      key_validity: { expiration_duration: 60, finish_duration: 900 },
    });
  });

  test('lets the time to finish follow the validity for as long as nobody chose it', async () => {
    const { identifier } = await api.template();
    const followed = await patch(identifier, { key_validity: { expiration_duration: 3600 } });
    expect(followed.body['security_template']).toMatchObject({
      key_validity: { expiration_duration: 3600, finish_duration: 3600 },
    });
  });

  test('accepts back what it has answered', async () => {
    const made = await post(WHOLE);
    const record = made.body['security_template'] as object;
    const saved = await put(made.textAt('security_template.id'), record);
    expect(saved.status).toBe(200);
    expect(saved.body['security_template']).toEqual({ ...record, revision: 2 });
  });

  test('saves only over the revision that was read', async () => {
    const { identifier: id } = await api.template();
    expect((await patch(id, { name: 'A' }, { 'if-match': '"1"' })).status).toBe(200);
    for (const send of [put, patch]) {
      const late = await send(id, { name: 'B' }, { 'if-match': '"1"' });
      expect(late.status).toBe(412);
      expect(late.body['code']).toBe('VERSION_MISMATCH');
      expect(late.headers['etag']).toBe('"2"');
      expect((await send(id, { name: 'B', revision: 1 })).status).toBe(412);
      expect((await send(id, { name: 'B' }, { 'if-match': '"unreadable"' })).status).toBe(412);
    }
    expect((await get(id)).textAt('security_template.name')).toBe('A');
    expect((await put(id, { name: 'C' }, { 'if-match': 'W/"2"' })).status).toBe(200);
    expect((await put(id, { name: 'D' }, { 'if-match': '*' })).status).toBe(200);
  });

  test('acts on live keys at once, and changes nothing when it is refused', async () => {
    const record = await api.template({ permissions: ['OBJECTS_LIST'] });
    const key = api.keyOf(record);
    const list = async () => (await api.call({ url: '/v5/folders', key })).status;
    expect(await list()).toBe(200);
    expect((await patch(record.identifier, { permissions: ['FLY'] })).status).toBe(400);
    expect(await list()).toBe(200);
    await patch(record.identifier, { permissions: [] });
    expect(await list()).toBe(403);
    await patch(record.identifier, { permissions: ['OBJECTS_LIST'] });
    expect(await list()).toBe(200);
  });

  test('does not know what is not there', async () => {
    for (const send of [put, patch]) expect((await send('nothing', {})).body['code']).toBe('TEMPLATE_NOT_FOUND');
  });

  test('does not take members that would reach into the program', async () => {
    const { identifier } = await api.template();
    const saved = await api.call({
      method: 'PATCH',
      url: `${BASE}/${identifier}`,
      key: all,
      headers: { 'content-type': 'application/json' },
      body: '{"__proto__":{"permissions":["FILE_DELETE"]},"constructor":{"a":1}}',
    });
    expect(faultFields(saved.body)).toEqual(['constructor']);
  });
});

describe('template.rotate', () => {
  const rotate = (id: string, body?: object) =>
    api.call({ method: 'POST', url: `${BASE}/${id}/rotate`, key: all, ...(body === undefined ? {} : { body }) });
  const exchange = async (id: string, ip: string) => (await api.call({ url: `/key/${id}`, ip })).status;

  test('gives a new identifier and lets the old one buy keys for the overlap, to the millisecond', async () => {
    const { identifier: old, uid } = await api.template();
    const rotated = await rotate(old, { overlap_seconds: 60 });
    const fresh = rotated.textAt('security_template.id');
    expect(fresh).toMatch(/^SECU_[0-9A-F]{32}$/);
    expect(fresh).not.toBe(old);
    expect(rotated.textAt('security_template.uid')).toBe(uid);
    expect(await exchange(fresh, '10.2.0.1')).toBe(200);
    api.clock.pass(59_999);
    expect(await exchange(old, '10.2.0.1')).toBe(200);
    api.clock.pass(1);
    expect(await exchange(old, '10.2.0.1')).toBe(404);
    expect(await exchange(fresh, '10.2.0.1')).toBe(200);
  });

  test('ends the old identifier at once when nothing is said', async () => {
    const { identifier: old } = await api.template();
    await rotate(old);
    expect(await exchange(old, '10.2.0.2')).toBe(404);
  });

  test('leaves live keys alone', async () => {
    const record = await api.template();
    const key = api.keyOf(record);
    await rotate(record.uid);
    expect((await api.call({ url: '/v5/folders', key })).status).toBe(200);
  });

  test.each([-1, 2_592_001, 1.5, '60'])('refuses an overlap of %s', async (overlap_seconds) => {
    const { identifier } = await api.template();
    const refused = await rotate(identifier, { overlap_seconds });
    expect(refused.body).toMatchObject({ code: 'REQUEST_INVALID', faults: [{ field: 'overlap_seconds' }] });
  });
});

describe('template.activate', () => {
  const send = (verb: 'activate' | 'deactivate', ids: readonly string[], key = all) =>
    api.call({ method: 'POST', url: `${BASE}/${verb}`, key, body: { ids } });

  test('switches several templates together, and with them their live keys', async () => {
    const records = [await api.template(), await api.template()];
    const keys = records.map((record) => api.keyOf(record));
    const statuses = () => Promise.all(keys.map(async (key) => (await api.call({ url: '/v5/folders', key })).status));
    const off = await send('deactivate', [records[0]?.identifier ?? '', records[1]?.uid ?? '']);
    expect(off.body).toMatchObject({ info: { total: 2 }, security_templates: [{ active: false }, { active: false }] });
    expect(await statuses()).toEqual([401, 401]);
    await send(
      'activate',
      records.map(({ uid }) => uid),
    );
    expect(await statuses()).toEqual([200, 200]);
  });

  test('switches all or none', async () => {
    const { identifier } = await api.template();
    expect((await send('deactivate', [identifier, 'nothing'])).body['code']).toBe('TEMPLATE_NOT_FOUND');
    expect((await get(identifier)).body['security_template']).toMatchObject({ active: true });
  });

  test.each([{}, { ids: [] }, { ids: 'SECU_1' }, { ids: [7] }])('refuses a list that is none: %j', async (body) => {
    const refused = await api.call({ method: 'POST', url: `${BASE}/activate`, key: all, body });
    expect(refused.body['code']).toBe('REQUEST_INVALID');
  });
});

describe('template.delete', () => {
  test('deletes the template, its identifier and its keys', async () => {
    const record = await api.template();
    const key = api.keyOf(record);
    const gone = await api.call({ method: 'DELETE', url: `${BASE}/${record.identifier}`, key: all });
    expect(gone.body).toEqual({ status: 'success' });
    expect((await get(record.identifier)).status).toBe(404);
    expect((await api.call({ url: `/key/${record.identifier}`, ip: '10.2.0.3' })).status).toBe(404);
    expect((await api.call({ url: '/v5/folders', key })).body['code']).toBe('KEY_REVOKED');
    expect((await api.call({ method: 'DELETE', url: `${BASE}/${record.identifier}`, key: all })).status).toBe(404);
  });
});

describe('who may', () => {
  test('is an admin, a secret key with ACCESS_READ for reading, with ACCESS_MANAGE for changing, and nobody else', async () => {
    const { identifier } = await api.template();
    const { secret: reader } = await api.secretKey({ permissions: ['ACCESS_READ'] });
    const { secret: writer } = await api.secretKey({ permissions: ['ACCESS_MANAGE'] });
    expect((await get(identifier, reader)).status).toBe(200);
    expect((await get(identifier, writer)).body['code']).toBe('PERMISSION_DENIED');
    expect((await post({}, reader)).body['code']).toBe('PERMISSION_DENIED');
    expect((await post({}, writer)).status).toBe(200);
    expect((await get(identifier, await api.key())).body['code']).toBe('PERMISSION_DENIED');
    expect((await api.call({ url: BASE })).body['code']).toBe('KEY_MISSING');
    const headers = await api.admin();
    expect((await api.call({ url: BASE, headers })).status).toBe(200);
    expect((await api.call({ method: 'POST', url: BASE, headers, body: WHOLE })).status).toBe(200);
  });

  test('cannot give what it does not have: permissions', async () => {
    const { secret } = await api.secretKey({ permissions: ['ACCESS_MANAGE', 'OBJECTS_LIST'] });
    const refused = await post({ permissions: ['OBJECTS_LIST', 'FILE_DELETE'] }, secret);
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('FILE_DELETE') });
    expect(refused.textAt('hint')).not.toContain('OBJECTS_LIST');
    expect((await post({ permissions: ['OBJECTS_LIST'] }, secret)).status).toBe(200);
  });

  test.each([
    { document: { upload: { dir_scope: ['/mine/*'] }, listing: { dir_scope: ['/mine'] } }, status: 200 },
    { document: { upload: { dir_scope: ['/mine/deeper'] }, listing: { dir_scope: ['/mine'] } }, status: 200 },
    { document: { upload: { dir_scope: ['/mine2'] }, listing: { dir_scope: ['/mine'] } }, status: 403 },
    { document: { upload: { dir_scope: ['/mine', '/other'] }, listing: { dir_scope: ['/mine'] } }, status: 403 },
    { document: { upload: { dir_scope: ['/mine'] }, listing: { dir_scope: ['/mine/*'] } }, status: 403 },
    { document: { upload: { dir_scope: ['/mine'] } }, status: 403 },
    { document: {}, status: 403 },
  ])('cannot give what it does not have: folders $document', async ({ document, status }) => {
    const { secret } = await api.secretKey({
      upload: { dir_scope: ['/mine/*'] },
      listing: { dir_scope: ['/mine'] },
    });
    expect((await post(document, secret)).status).toBe(status);
  });

  test('cannot reach what it does not have through a template that others made', async () => {
    const { secret } = await api.secretKey({ permissions: ['ACCESS_MANAGE'] });
    const asleep = await api.template({ active: false });
    const write = (method: 'PUT' | 'PATCH' | 'POST', url: string, body: object) =>
      api.call({ method, url: `${BASE}${url}`, key: secret, body });
    for (const refused of [
      await write('PATCH', `/${asleep.uid}`, { active: true }),
      await write('PATCH', `/${asleep.uid}`, { restrictions: {} }),
      await write('PUT', `/${asleep.uid}`, { permissions: ['FILE_DELETE'] }),
      await write('POST', '/activate', { ids: [asleep.uid] }),
    ]) {
      expect(refused.body['code']).toBe('PERMISSION_DENIED');
    }
    expect((await write('POST', '/deactivate', { ids: [asleep.uid] })).status).toBe(200);
  });
});
