// Texts that break careless programs, as every kind of name, on every database: they come back equal, or are refused by field.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';
import { naughtyStrings } from '../support/naughty.ts';

const TEXTS = naughtyStrings();
if (process.env['CORPORA_DIR'] === undefined)
  console.info('CORPORA_DIR is not set: only our own naughty strings are tried.');

describe.each(databaseAdapters.map((adapter) => [adapter.name, adapter] as const))(
  'on %s, a naughty string',
  (_, adapter) => {
    let database: TestDatabase;
    let harness: Harness;
    let key: string;
    let admin: Readonly<Record<string, string>>;
    beforeAll(async () => {
      database = await adapter.create();
      harness = await openHarness({ databaseUrl: database.url });
      key = await harness.key();
      admin = await harness.admin();
    });
    afterAll(async () => {
      await harness.close();
      await database.drop();
    });

    const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object) =>
      harness.call({ method, url, key, ...(body === undefined ? {} : { body }) });

    /** Only these two answers to a text are right: yes, or no by its field. */
    function isTaken(answer: Answer, text: string): boolean {
      if (answer.status === 200) return true;
      const { code, faults } = answer.body;
      expect(['PATH_INVALID', 'REQUEST_INVALID'], `${JSON.stringify(text)}: ${answer.text}`).toContain(code);
      expect(Array.isArray(faults) && faults.length > 0, `${JSON.stringify(text)}: ${answer.text}`).toBe(true);
      return false;
    }

    test('as the name of a file is uploaded, listed, found, delivered, renamed and moved as it is, or refused', async () => {
      const taken: { readonly text: string; readonly uuid: string }[] = [];
      const expected = new Set<string>();
      for (const text of TEXTS) {
        const data = Buffer.from(text).toString('base64');
        const answer = await call('POST', '/v5/files?folder=%2Fnaughty', { name: text, data });
        if (!isTaken(answer, text)) continue;
        const name = text.normalize('NFC');
        expect(answer.textAt('file.name'), text).toBe(name);
        if (!expected.has(name)) taken.push({ text: name, uuid: answer.textAt('file.uuid') });
        expected.add(name);
      }
      expect(taken.length).toBeGreaterThan(5);
      const listed = await call('GET', '/v5/files?folder=%2Fnaughty&limit=5000');
      const names = (listed.body['files'] as readonly { readonly name: string }[]).map(({ name }) => name);
      expect(new Set(names)).toEqual(expected);
      expect(names).toHaveLength(expected.size);

      for (const { text, uuid } of taken) {
        const delivered = await call('GET', `/cdn/naughty/${encodeURIComponent(text)}`);
        expect([delivered.status, delivered.text.normalize('NFC')], text).toEqual([200, text]);
        expect(delivered.headers['content-disposition'], text).toContain("filename*=UTF-8''");
        const search = await call('GET', `/v5/files?folder=%2Fnaughty&q=${encodeURIComponent(text)}`);
        expect([200, 400], `${text}: ${search.text}`).toContain(search.status);
        const renamed = await call('PUT', `/v5/file/${uuid}/name`, { name: `${text}.renamed` });
        if (isTaken(renamed, text)) {
          expect(renamed.textAt('file.name'), text).toBe(`${text}.renamed`.normalize('NFC'));
          await call('PUT', `/v5/file/${uuid}/name`, { name: text });
        }
      }
      const files_uuids = taken.map(({ uuid }) => uuid);
      const moved = await call('POST', '/v5/files/move', { files_uuids, new_folder_name: '/elsewhere' });
      expect(moved.status, moved.text).toBe(200);
      for (const { text, uuid } of taken.slice(0, 50)) {
        expect((await call('GET', `/v5/files/${uuid}`)).body['file'], text).toMatchObject({
          name: text,
          folder: { name: '/elsewhere' },
        });
      }
      expect((await call('DELETE', '/v5/files', { files_uuids })).status).toBe(200);
      expect((await call('GET', '/v5/files?recursive=1')).body['files']).toEqual([]);
    }, 240_000);

    test('as the name of a folder is made, uploaded into, listed and deleted as it is, or refused', async () => {
      const expected = new Set<string>();
      for (const text of TEXTS) {
        const made = await call('POST', '/v5/folders', { name: `/folders/${text}` });
        if (made.body['code'] === 'ALREADY_EXISTS') continue; // Two forms of one name.
        if (!isTaken(made, text)) continue;
        const path = made.textAt('folder.path');
        // Slashes in the text are slashes of the path.
        expect(path, text).toBe(`/folders/${text}`.normalize('NFC').replace(/\/+$/, ''));
        const folder = encodeURIComponent(path);
        const answer = await call('POST', `/v5/files?folder=${folder}`, { name: 'in.txt', data: '' });
        expect(answer.status, `${text}: ${answer.text}`).toBe(200);
        expect(answer.textAt('file.folder.name'), text).toBe(path);
        expect((await call('GET', `/v5/files?folder=${folder}`)).body['files'], text).toHaveLength(1);
        expected.add(path);
      }
      expect(expected.size).toBeGreaterThan(5);
      const listed = await call('GET', '/v5/folders?folder=%2F&recursive=1&limit=5000');
      const paths = (listed.body['folders'] as readonly { readonly path: string }[]).map(({ path }) => path);
      for (const path of expected) expect(paths, path).toContain(path);
      const found = await call('GET', '/v5/folders?folder=%2F');
      const folders = found.body['folders'] as readonly { readonly uuid: string; readonly path: string }[];
      const root = folders.find(({ path }) => path === '/folders')?.uuid ?? '';
      expect((await call('DELETE', '/v5/folders', { folders_uuids: [root] })).status).toBe(200);
      const left = await call('GET', '/v5/folders?folder=%2F&recursive=1&limit=5000');
      expect(left.text).not.toContain('/folders');
    }, 240_000);

    test('as metadata, tag, and name of a template comes back equal, or is refused by its field', async () => {
      const uuid = (await harness.upload(key, '/described')).textAt('file.uuid');
      const templateOf = (body: object) =>
        harness.call({ method: 'POST', url: '/v5/security-templates', headers: admin, body });
      let taken = 0;
      for (const text of TEXTS) {
        const value = await call('PUT', `/v5/file/${uuid}/meta`, { meta: { value: text } });
        if (isTaken(value, text)) expect(value.body['meta'], text).toEqual({ value: text });
        await call('DELETE', `/v5/file/${uuid}/meta`);
        const named = await call('PUT', `/v5/file/${uuid}/meta`, { meta: { [text]: 'named' } });
        // The parser drops this one name before anybody can be hurt by it.
        if (isTaken(named, text))
          expect(named.body['meta'], text).toEqual(text === '__proto__' ? {} : { [text]: 'named' });
        const tags = await call('PUT', `/v5/file/${uuid}/tags`, { new_tags: [text] });
        if (isTaken(tags, text)) expect(tags.body['tags'], text).toMatchObject({ en: [{ label: text }] });
        await call('PUT', `/v5/file/${uuid}/tags`, {});
        await call('DELETE', `/v5/file/${uuid}/meta`);
        const template = await templateOf({ name: text });
        if (isTaken(template, text)) {
          taken += 1;
          const url = `/v5/security-templates/${template.textAt('security_template.id')}`;
          const read = await harness.call({ url, headers: admin });
          expect(read.textAt('security_template.name'), text).toBe(text);
        }
      }
      expect(taken).toBeGreaterThan(5);
    }, 240_000);
  },
);
