// Texts that break careless programs, as every kind of name, on every database: they come back equal, or are refused by field.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';
import { naughtyStrings } from '../support/naughty.ts';
import { inGroups, inHalves, inParallel } from '../support/parallel.ts';

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

    interface Listed {
      readonly name: string;
      readonly folder: { readonly name: string };
    }

    /** Every file at or below the folder. */
    async function filesIn(folder: string): Promise<readonly Listed[]> {
      const answer = await call('GET', `/v5/files?folder=${encodeURIComponent(folder)}&recursive=1&limit=5000`);
      return answer.body['files'] as readonly Listed[]; // Its members are compared one by one.
    }

    const namesIn = async (folder: string) => (await filesIn(folder)).map(({ name }) => name).sort();

    test('as the name of a file is uploaded, listed, found, delivered, renamed and moved as it is, or refused', async () => {
      const uuids = new Map<string, string>();
      await inParallel(TEXTS, async (text) => {
        const data = Buffer.from(text).toString('base64');
        const answer = await call('POST', '/v5/files?folder=%2Fnaughty', { name: text, data });
        if (!isTaken(answer, text)) return;
        const name = text.normalize('NFC');
        expect(answer.textAt('file.name'), text).toBe(name);
        uuids.set(name, answer.textAt('file.uuid'));
      });
      expect(uuids.size).toBeGreaterThan(5);
      expect(await namesIn('/naughty')).toEqual([...uuids.keys()].sort());

      const renamed: string[] = [];
      await inParallel([...uuids], async ([text, uuid]) => {
        const delivered = await call('GET', `/cdn/naughty/${encodeURIComponent(text)}`);
        expect([delivered.status, delivered.text.normalize('NFC')], text).toEqual([200, text]);
        expect(delivered.headers['content-disposition'], text).toContain("filename*=UTF-8''");
        const search = await call('GET', `/v5/files?folder=%2Fnaughty&limit=1&q=${encodeURIComponent(text)}`);
        expect([200, 400], `${text}: ${search.text}`).toContain(search.status);
        const answer = await call('PUT', `/v5/file/${uuid}/name`, { name: `${text}.renamed` });
        if (!isTaken(answer, text)) {
          renamed.push(text);
          return;
        }
        const name = `${text}.renamed`.normalize('NFC');
        expect(answer.textAt('file.name'), text).toBe(name);
        renamed.push(name);
      });
      const files_uuids = [...uuids.values()];
      const moved = await call('POST', '/v5/files/move', { files_uuids, new_folder_name: '/elsewhere' });
      expect(moved.status, moved.text).toBe(200);
      expect(await namesIn('/elsewhere')).toEqual(renamed.sort());
      expect(await namesIn('/naughty')).toEqual([]);
      expect((await call('DELETE', '/v5/files', { files_uuids })).status).toBe(200);
      expect((await call('GET', '/v5/files?recursive=1')).body['files']).toEqual([]);
    }, 240_000);

    test('as the name of a folder is made, uploaded into, listed and deleted as it is, or refused', async () => {
      const expected = new Set<string>();
      await inParallel(TEXTS, async (text) => {
        const made = await call('POST', '/v5/folders', { name: `/folders/${text}` });
        if (made.body['code'] === 'ALREADY_EXISTS') return; // Two forms of one name, or the parent of another.
        if (!isTaken(made, text)) return;
        const path = made.textAt('folder.path');
        // Slashes in the text are slashes of the path.
        expect(path, text).toBe(`/folders/${text}`.normalize('NFC').replace(/\/+$/, ''));
        const url = `/v5/files?folder=${encodeURIComponent(path)}`;
        const answer = await call('POST', url, { name: 'in.txt', data: '' });
        expect(answer.status, `${text}: ${answer.text}`).toBe(200);
        expect(answer.textAt('file.folder.name'), text).toBe(path);
        expected.add(path);
      });
      expect(expected.size).toBeGreaterThan(5);
      const listed = await call('GET', '/v5/folders?folder=%2F&recursive=1&limit=5000');
      const folders = listed.body['folders'] as readonly { readonly uuid: string; readonly path: string }[];
      const paths = folders.map(({ path }) => path);
      for (const path of expected) expect(paths, path).toContain(path);
      const inside = await filesIn('/folders');
      expect(inside.map(({ folder }) => folder.name).sort()).toEqual([...expected].sort());
      const root = folders.find(({ path }) => path === '/folders')?.uuid ?? '';
      expect((await call('DELETE', '/v5/folders', { folders_uuids: [root] })).status).toBe(200);
      const left = await call('GET', '/v5/folders?folder=%2F&recursive=1&limit=5000');
      expect(left.text).not.toContain('/folders');
    }, 240_000);

    /** Each text goes in alone or in company that makes no difference to it. */
    test('as metadata and tag comes back equal, or is refused by its field', async () => {
      const path = `/v5/file/${(await harness.upload(key, '/described')).textAt('file.uuid')}`;
      let taken = 0;
      const described = async (meta: Readonly<Record<string, string>>, texts: readonly string[]) => {
        const answer = await call('PUT', `${path}/meta`, { meta });
        if (!isTaken(answer, texts.join('\n'))) return false;
        // The parser drops this one name before anybody can be hurt by it.
        const { ['__proto__']: _, ...expected } = meta;
        expect(answer.body['meta']).toEqual(expected);
        taken += texts.length;
        expect((await call('DELETE', `${path}/meta`)).status).toBe(200);
        return true;
      };
      for (const texts of inGroups(TEXTS, 32)) {
        await inHalves(texts, (some) => described(Object.fromEntries(some.map((text, i) => [`v${i}`, text])), some));
        await inHalves(texts, (some) => described(Object.fromEntries(some.map((text) => [text, 'named'])), some));
        await inHalves(texts, async (some) => {
          const answer = await call('PUT', `${path}/tags`, { new_tags: some });
          if (!isTaken(answer, some.join('\n'))) return false;
          taken += some.length;
          const { en = [] } = answer.body['tags'] as { readonly en?: readonly { readonly label: string }[] };
          const labels = en.map(({ label }) => label);
          // Texts that differ in case only are one tag: they are looked at alone.
          if (some.length > 1 && labels.length < some.length) return false;
          expect(labels).toEqual(some);
          return true;
        });
      }
      expect(taken).toBeGreaterThan(15);
    }, 240_000);

    test('as the name of a template comes back equal, or is refused by its field', async () => {
      const url = '/v5/security-templates';
      const names = new Map<string, string>();
      await inParallel(TEXTS, async (text) => {
        const template = await harness.call({ method: 'POST', url, headers: admin, body: { name: text } });
        if (isTaken(template, text)) names.set(template.textAt('security_template.id'), text);
      });
      expect(names.size).toBeGreaterThan(5);
      await inParallel([...names], async ([id, text]) => {
        const read = await harness.call({ url: `${url}/${id}`, headers: admin });
        expect(read.textAt('security_template.name'), text).toBe(text);
      });
    }, 240_000);
  },
);
