// Every operation against every permission, over every route: what a key may do is exactly what its permissions open.
import { OPERATIONS, type OperationName, PERMISSIONS, type Permission, parsePath } from '@latchkey/policy';
import { afterAll, describe, expect, test } from 'vitest';
import { expandPaths } from '../../src/http/app.ts';
import type { Route } from '../../src/http/route.ts';
import { ROUTES } from '../../src/http/routes.ts';
import { type Answer, CONTAINER, openHarness, type TestRequest } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());

const UUID = '00000000-0000-4000-8000-000000000000';

/** A request to a route that is well-formed for the router and names nothing that exists. */
function requestTo(row: Route, url = expandPaths(row)[0]?.url ?? ''): TestRequest {
  const path = url
    .replace('/:container', '')
    .replace(/:(uuid|folder)/g, UUID)
    .replace(':id', 'nothing')
    .replace('*', 'a.txt');
  return { method: row.method, url: path, ...(row.method === 'GET' ? {} : { body: {} }) };
}

const titleOf = (row: Route) => `${row.method} ${row.paths[0]}`;

/** Which kind of bearer an answer turned away, if any; what comes after the guard is no refusal. */
const REFUSALS = new Set(['KEY_MISSING', 'KEY_INVALID', 'UNAUTHORIZED', 'PERMISSION_DENIED', 'KEY_REVOKED']);
const passes = (answer: Answer) => !REFUSALS.has(String(answer.body['code']));

function opens(operation: OperationName, bearer: 'key' | 'secret', permission: Permission | undefined): boolean {
  const { permissions, bearers } = OPERATIONS[operation];
  if (!bearers.includes(bearer)) return false;
  if (permissions === 'none') return true;
  if (permission === undefined) return false;
  if (permissions === 'any') return true;
  // Two names of one right (product definition section 4).
  const names = permission === 'FILE_META_CREATE' || permission === 'FILE_META_CHANGE';
  return names
    ? permissions.includes('FILE_META_CREATE') || permissions.includes('FILE_META_CHANGE')
    : permissions.includes(permission);
}

const guarded = ROUTES.filter((row) => row.credential !== 'template');

describe('a request without a key', () => {
  test.each(guarded.map((row) => [titleOf(row), row] as const))(
    'is refused by %s, on every path',
    async (_title, row) => {
      for (const { url } of expandPaths(row)) {
        const answer = await api.call(requestTo(row, url));
        // Public files are served without a key; one that does not exist is not found.
        const expected = row.credential === 'optional' ? [401, 404] : [401];
        expect(expected, url).toContain(answer.status);
        expect(answer.body).toMatchObject({
          status: 'error',
          code: expect.stringMatching(/^KEY_MISSING$|_NOT_FOUND$/),
        });
      }
    },
  );
});

describe('a key without a permission', () => {
  test.each(guarded.map((row) => [titleOf(row), row] as const))(
    'is refused by %s, on every path',
    async (_title, row) => {
      const key = await api.key({ permissions: [] });
      const isOpen = row.operations.some((operation) => opens(operation, 'key', undefined));
      for (const { url } of expandPaths(row)) {
        const answer = await api.call({ ...requestTo(row, url), key });
        if (isOpen) expect(answer.status, url).toBe(200);
        else expect(answer, url).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
      }
    },
  );
});

describe.each(['key', 'secret'] as const)('with exactly one permission, a %s key', (bearer) => {
  test.each(PERMISSIONS)('%s passes exactly the routes of its operations', async (permission) => {
    const difference = { permissions: [permission] };
    const key = bearer === 'key' ? await api.key(difference) : (await api.secretKey(difference)).secret;
    const wrong: string[] = [];
    for (const row of guarded) {
      const expected = row.operations.some((operation) => opens(operation, bearer, permission));
      const answer = await api.call({ ...requestTo(row), key });
      if (passes(answer) !== expected) wrong.push(`${titleOf(row)} answered ${answer.status} ${answer.text}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a route of several operations', () => {
  const upload = async (folder: string, name: string) => {
    const { text } = await api.upload(await api.key(), folder, { name });
    const uuid = /"uuid":"([0-9a-f-]{36})"/.exec(text)?.[1];
    if (uuid === undefined) throw new TypeError(`no uuid in ${text}`);
    return uuid;
  };
  const folderId = async (path: string) => {
    const parsed = parsePath(path);
    if (!parsed.ok) throw new TypeError(parsed.reason);
    return (await api.ports.metadata.createFolder(CONTAINER, parsed.path, api.clock.nowMs)).id;
  };
  const send = (method: 'POST' | 'PUT' | 'DELETE', url: string, permissions: readonly string[], body: object) =>
    api.key({ permissions }).then((key) => api.call({ method, url, key, body }));

  test.each([
    { method: 'DELETE', url: '/v5/objects', file: 'FILE_DELETE', folder: 'DIR_DELETE', more: {} },
    { method: 'POST', url: '/v5/objects/move', file: 'FILE_MOVE', folder: 'DIR_MOVE', more: { new_folder_name: '/' } },
    {
      method: 'PUT',
      url: '/v5/objects/visibility/cdn',
      file: 'FILE_SET_VISIBILITY',
      folder: 'DIR_SET_VISIBILITY',
      more: { visibility: 'public' },
    },
  ] as const)('demands the permission of each part: $method $url', async ({ method, url, file, folder, more }) => {
    const stem = `/parts-${method.toLowerCase()}`;
    const files_uuids = [await upload(stem, 'a.txt')];
    const folders_uuids = [await folderId(`${stem}/inner-${method.toLowerCase()}`)];
    const code = async (permissions: readonly string[], body: object) =>
      (await send(method, url, permissions, { ...body, ...more })).body['code'];
    expect(await code([file], { folders_uuids })).toBe('PERMISSION_DENIED');
    expect(await code([folder], { files_uuids })).toBe('PERMISSION_DENIED');
    expect(await code([file], { files_uuids, folders_uuids })).toBe('PERMISSION_DENIED');
    expect(await code([folder], { files_uuids, folders_uuids })).toBe('PERMISSION_DENIED');
    const both = await send(method, url, [file, folder], { files_uuids, folders_uuids, ...more });
    expect(both.status).toBe(200);
  });

  test('demands FILE_MOVE for moving by the address of uploads', async () => {
    const files_uuids = [await upload('/moved', 'a.txt')];
    const body = { files_uuids, new_folder_name: '/moved' };
    expect((await send('POST', '/v5/files', ['FILE_UPLOAD', 'FILE_IMAGE_EDITOR'], body)).body['code']).toBe(
      'PERMISSION_DENIED',
    );
    expect((await send('POST', '/v5/files', ['FILE_MOVE'], body)).status).toBe(200);
  });

  test('demands FILE_UPLOAD for uploads, and FILE_IMAGE_EDITOR beside it for the image editor', async () => {
    const put = async (permissions: readonly string[], query: string) => {
      const key = await api.key({ permissions });
      return api.call({ method: 'PUT', url: `/v5/files?filename=a.txt${query}`, key, body: 'hello' });
    };
    expect((await put(['FILE_IMAGE_EDITOR'], '')).body['code']).toBe('PERMISSION_DENIED');
    expect((await put(['FILE_IMAGE_EDITOR'], '&image_editor=edited')).body['code']).toBe('PERMISSION_DENIED');
    expect((await put(['FILE_UPLOAD'], '&image_editor=edited')).body['code']).toBe('PERMISSION_DENIED');
    expect((await put(['FILE_UPLOAD'], '')).status).toBe(200);
    expect((await put(['FILE_UPLOAD', 'FILE_IMAGE_EDITOR'], '&image_editor=edited')).status).toBe(200);
  });
});
