// Security templates in the console: make one, see every fault, try the key, and take it all back.
import { describe, expect, test } from 'vitest';
import { startDeployment } from '../conformance/support/layout.ts';
import {
  closeDialog,
  createTemplate,
  field,
  menu,
  messageOf,
  row,
  shownIdentifier,
  signInLink,
  useConsole,
} from './support/console.ts';

const admin = useConsole();

describe('quotas', () => {
  test('are made in the editor, kept as they were written, and survive another edit', async () => {
    const page = await admin.open();
    const name = admin.freshName('Quotas');
    await page.getByRole('link', { name: 'Add template' }).click();
    await field(page, 'Name').fill(name);
    await page.getByRole('button', { name: 'Upload only', exact: true }).click();
    await page.getByRole('button', { name: 'Add a quota' }).click();
    const quota = page.getByRole('group', { name: 'Quota 1' });
    await page.getByRole('button', { name: 'Create template' }).click();
    await quota.getByText('How many files, bytes or calls?').waitFor();
    await quota.getByRole('combobox', { name: 'Counted for' }).fill('address');
    await page.getByRole('option', { name: 'each client address' }).click();
    await page.keyboard.press('Escape');
    await quota.getByLabel('Files').fill('5');
    await quota.getByLabel('Bytes').fill('2 MB');
    await page.getByRole('button', { name: 'Create template' }).click();
    await page.getByRole('tab', { name: 'Embed' }).waitFor();
    const stored = async () => {
      const url = `${admin.deployment.baseUrl}/${admin.deployment.container}/v5/security-templates?limit=1000`;
      const answer = await fetch(url, { headers: { 'x-filerobot-key': admin.deployment.adminKey } });
      const body = (await answer.json()) as { security_templates: { name: string; quotas?: unknown }[] };
      return body.security_templates.find((template) => template.name === name)?.quotas;
    };
    const expected = [{ per: ['address'], window: 'day', files: 5, bytes: 2_000_000 }];
    expect(await stored()).toEqual(expected);

    await closeDialog(page);
    await menu(page, name, 'Edit');
    await quota.waitFor();
    await field(page, 'Description').fill('Edited once more');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByRole('tab', { name: 'Embed' }).waitFor();
    expect(await stored()).toEqual(expected);
  });
});

describe('security templates', () => {
  test('the first one is made from a preset, and the panel afterwards shows how to embed it', async () => {
    const own = await startDeployment({ settings: { LATCHKEY_DEMO: 'off' } });
    try {
      const { page } = await admin.pages.visit();
      await page.goto(signInLink(own));
      await page.getByRole('heading', { name: 'Make your first security template' }).waitFor();
      await page.getByRole('link', { name: 'Upload only' }).click();
      await field(page, 'Name').fill('Drop box');
      expect(await page.getByRole('checkbox', { name: /^Upload\b.*FILE_UPLOAD/ }).isChecked()).toBe(true);
      expect(await page.getByRole('checkbox', { name: /OBJECTS_LIST/ }).isChecked()).toBe(false);
      await page.getByText('can upload without end').waitFor();
      await page.getByRole('button', { name: 'Create template' }).click();
      const panel = page.getByRole('dialog', { name: 'Drop box' });
      const identifier = await shownIdentifier(page);
      expect(await panel.getByRole('region', { name: 'Filerobot widget snippet' }).textContent()).toContain(
        `securityTemplateId: '${identifier}'`,
      );
      expect(await panel.getByRole('region', { name: 'Plain fetch snippet' }).textContent()).toContain(
        `/key/${identifier}`,
      );
    } finally {
      await own.stop();
    }
  });

  test('every fault is shown beside its field at once, the first has the focus, and none reaches the server', async () => {
    const page = await admin.open();
    const writes: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET' && request.url().includes('/security-templates')) writes.push(request.url());
    });
    await page.getByRole('link', { name: 'Add template' }).click();
    const folder = field(page, 'Folders for uploads: folder 1');
    await folder.fill('photos');
    await field(page, 'Uploads per minute').fill('-4');
    await field(page, 'Largest file').fill('huge');
    await page.getByRole('combobox', { name: 'Allowed addresses' }).fill('10.0.0.0/8, 10.0.0.999,');
    await field(page, 'Keys expire after').fill('99 days');
    await page.getByRole('button', { name: 'Create template' }).click();

    await page.getByText('5 fields need another look').waitFor();
    expect(await messageOf(folder)).toContain('begins with a slash');
    expect(await messageOf(field(page, 'Uploads per minute'))).toContain('0 or more');
    expect(await messageOf(field(page, 'Largest file'))).toContain('500 MB');
    expect(await messageOf(page.getByRole('combobox', { name: 'Allowed addresses' }))).toContain('10.0.0.999');
    expect(await messageOf(field(page, 'Keys expire after'))).toContain('30 days');
    await expect.poll(() => folder.evaluate((input) => input === document.activeElement)).toBe(true);
    const sections = page.getByRole('navigation', { name: 'Sections' });
    await sections.getByRole('button', { name: 'Upload limits 3 faults' }).waitFor();
    await sections.getByRole('button', { name: 'Key validity 1 fault' }).waitFor();
    expect(writes).toEqual([]);

    await folder.fill('/photos');
    await sections.getByRole('button', { name: 'Upload limits 2 faults' }).waitFor();
  });

  test('faults that only the server finds are shown beside their fields too', async () => {
    const page = await admin.open();
    await page.route('**/v5/security-templates', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            status: 400,
            contentType: 'application/json',
            body: JSON.stringify({
              status: 'error',
              code: 'REQUEST_INVALID',
              msg: 'The request is not valid',
              hint: 'Correct the listed fields.',
              faults: [
                { field: 'name', code: 'VALUE_UNKNOWN', message: 'A newer server dislikes this name.' },
                { field: 'upload.dir_scope[0]', code: 'FORMAT_WRONG', message: 'A newer server dislikes this folder.' },
              ],
            }),
          })
        : route.continue(),
    );
    await page.getByRole('link', { name: 'Add template' }).click();
    await field(page, 'Name').fill('Disliked');
    await page.getByRole('button', { name: 'Create template' }).click();
    await page.getByText('2 fields need another look').waitFor();
    expect(await messageOf(field(page, 'Name'))).toContain('dislikes this name');
    expect(await messageOf(field(page, 'Folders for uploads: folder 1'))).toContain('dislikes this folder');
  });

  test('every group of fields is saved as it was written and opens as it was saved', async () => {
    const page = await admin.open();
    const name = admin.freshName('All fields');
    await page.getByRole('link', { name: 'Add template' }).click();
    await field(page, 'Name').fill(name);
    await field(page, 'Description').fill('Written by hand');
    await page.getByRole('button', { name: 'Browse', exact: true }).click();
    await page.getByRole('checkbox', { name: /FILE_UPLOAD/ }).check();
    await field(page, 'Folders for uploads: folder 1').fill('/in');
    await page.getByLabel('Everything below folder 1 of Folders for uploads').uncheck({ force: true });
    await field(page, 'Uploads per minute').fill('7');
    await field(page, 'Uploads per address').fill('8');
    await field(page, 'Uploads in total').fill('9');
    await field(page, 'Largest file').fill('64 MiB');
    await field(page, 'Bytes in total').fill('2 GB');
    await page.getByRole('combobox', { name: 'Accepted types' }).fill('image/*, pdf,');
    await page.getByRole('combobox', { name: 'Allowed addresses' }).fill('127.0.0.0/8, ::1,');
    await page.getByRole('combobox', { name: 'Allowed countries' }).fill('curaçao');
    await page.getByRole('option', { name: 'Curaçao (CW)' }).click();
    await page.getByRole('combobox', { name: 'Blocked countries' }).fill('de');
    await page.getByRole('option', { name: 'Germany (DE)' }).click();
    await page.getByRole('combobox', { name: 'Allowed web sites' }).fill('https://*.example.com,');
    await field(page, 'Keys expire after').fill('1 h 30 min');
    await field(page, 'Uploads may finish after').fill('2 h');
    await field(page, 'Folders for everything else: folder 1').fill('/in');
    await field(page, 'Calls in total').fill('500');
    await field(page, 'Keys per minute and address').fill('11');
    const [saved] = await Promise.all([
      page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/security-templates')),
      page.getByRole('button', { name: 'Create template' }).click(),
    ]);
    expect(saved.postDataJSON()).toEqual({
      name,
      description: 'Written by hand',
      active: true,
      permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'LABELS_LIST', 'COLLECTIONS_LIST'],
      upload: {
        limit_per_min: 7,
        limit_per_ip_source: 8,
        max: 9,
        max_file_size: 67_108_864,
        max_total_size: 2_000_000_000,
        allowed_types: ['image/*', 'pdf'],
        dir_scope: ['/in'],
      },
      listing: { dir_scope: ['/in/*'], max: 500 },
      restrictions: {
        whitelist_ip_ranges: ['127.0.0.0/8', '::1'],
        whitelist_countries: ['CW'],
        blocked_countries: ['DE'],
        allowed_origins: ['https://*.example.com'],
      },
      key_validity: { expiration_duration: 5400, finish_duration: 7200 },
      issue: { limit_per_ip_per_min: 11 },
    });
    await closeDialog(page);

    await menu(page, name, 'Edit');
    await expect.poll(() => field(page, 'Largest file').inputValue()).toBe('64 MiB');
    expect(await field(page, 'Keys expire after').inputValue()).toBe('1 h 30 min');
    expect(await field(page, 'Folders for uploads: folder 1').inputValue()).toBe('/in');
    await field(page, 'Uploads in total').fill('');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByRole('tab', { name: 'Embed' }).waitFor();
    await closeDialog(page);
    await menu(page, name, 'Edit');
    await expect.poll(() => field(page, 'Uploads per address').inputValue()).toBe('8');
    expect(await field(page, 'Uploads in total').inputValue()).toBe('');
  });

  test('changes are not thrown away without asking', async () => {
    const page = await admin.open();
    await page.getByRole('link', { name: 'Add template' }).click();
    await field(page, 'Name').fill('Half done');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Keep editing' }).click();
    expect(await field(page, 'Name').inputValue()).toBe('Half done');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await page.getByRole('dialog').first().waitFor({ state: 'detached' });

    await page.getByRole('link', { name: 'Add template' }).click();
    await field(page, 'Name').fill('Left by the back button');
    await page.goBack();
    await page.getByRole('button', { name: 'Keep editing' }).click();
    expect(await field(page, 'Name').inputValue()).toBe('Left by the back button');
  });

  test('two admins do not overwrite each other', async () => {
    const name = admin.freshName('Shared');
    const one = await admin.open();
    await createTemplate(one, name);
    await closeDialog(one);
    await menu(one, name, 'Edit');
    await field(one, 'Description').fill('by the first');

    const other = await admin.open();
    await menu(other, name, 'Edit');
    await field(other, 'Description').fill('by the second');
    await other.getByRole('button', { name: 'Save changes' }).click();
    await other.getByRole('tab', { name: 'Embed' }).waitFor();

    await one.getByRole('button', { name: 'Save changes' }).click();
    await one.getByText('Somebody else saved this template').waitFor();
  });

  test('the key of a template can be tried: exchange, listing, upload, and a refusal that explains itself', async () => {
    const page = await admin.open();
    await createTemplate(page, admin.freshName('Tried'));
    await page.getByRole('tab', { name: 'Try this key' }).click();
    await page.getByRole('button', { name: 'Get an access key' }).click();
    const panel = page.getByRole('dialog');
    await panel
      .getByText(/^SASS__v2__/)
      .first()
      .waitFor();
    await panel.getByText(/^Expires in 19 min/).waitFor();
    await panel.getByText('FILE_UPLOAD', { exact: true }).waitFor();

    const run = async (call: string, folder: string) => {
      await panel.getByRole('combobox', { name: 'Call' }).click();
      await page.getByRole('option', { name: call }).click();
      await field(page, 'Folder').fill(folder);
      await panel.getByRole('button', { name: 'Run' }).click();
    };
    await run('Upload a file', '/tried');
    const result = panel.getByRole('region', { name: 'Call the API with it' });
    await result.getByLabel('Status 200').waitFor();
    await result.getByText('Answer', { exact: true }).click();
    await expect.poll(() => result.getByLabel('answer', { exact: true }).textContent()).toContain('latchkey-test.txt');
    await run('List files of a folder', '/tried');
    await expect
      .poll(() => result.getByLabel('answer', { exact: true }).textContent())
      .toContain('"total_files_count": 1');
    await run('List files of a folder', 'not-a-path');
    await result.getByLabel('Status 400').waitFor();
    await result.getByText('PATH_INVALID', { exact: true }).waitFor();
    await result.getByText('Request as a curl command').click();
    expect(await result.getByLabel('curl command', { exact: true }).textContent()).toContain(
      'X-Filerobot-Key: SASS__v2__',
    );
  });

  test('a rotated identifier is new, and the old one lives on as long as it was told to', async () => {
    const page = await admin.open();
    const name = admin.freshName('Rotated');
    await createTemplate(page, name);
    const first = await shownIdentifier(page);
    await closeDialog(page);

    const rotate = async (overlap: string) => {
      await menu(page, name, 'Rotate identifier');
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('radio', { name: overlap }).check();
      await dialog.getByRole('button', { name: 'Rotate identifier' }).click();
      await dialog.getByText('This is the new identifier').waitFor();
      const identifier = await shownIdentifier(page);
      await dialog.getByRole('button', { name: 'Done' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      return identifier;
    };
    const second = await rotate('1 hour');
    expect(second).not.toBe(first);
    expect([await admin.exchange(first), await admin.exchange(second)]).toEqual([200, 200]);
    const third = await rotate('Not at all');
    expect([await admin.exchange(second), await admin.exchange(third)]).toEqual([404, 200]);
    await row(page, name).getByText(third).waitFor();
  });

  test('their keys are revoked: those of one template, one by its text, those of a person, and all', async () => {
    const page = await admin.open();
    const name = admin.freshName('Revoked');
    await createTemplate(page, name);
    const identifier = await shownIdentifier(page);
    await closeDialog(page);
    const call = async (path: string, init: RequestInit = {}) =>
      (await fetch(`${admin.deployment.baseUrl}/${admin.deployment.container}${path}`, init)).json() as Promise<
        Record<string, unknown>
      >;
    const newKey = async () => String((await call(`/key/${identifier}`))['key']);
    const use = async (key: string) => {
      const answer = await call(`/key/info?key=${key}`);
      return answer['code'] ?? answer['status'];
    };
    const dialog = page.getByRole('dialog');
    const revoke = async (choice: string, text?: string) => {
      await page.getByRole('button', { name: 'Revoke keys' }).click();
      await dialog.getByRole('radio', { name: choice }).check();
      if (text !== undefined) {
        expect(await dialog.getByRole('button', { name: 'Revoke', exact: true }).isDisabled()).toBe(true);
        await dialog.getByRole('textbox').fill(text);
      }
      await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
    };

    const [leaked, other] = [await newKey(), await newKey()];
    await revoke('One key', leaked);
    expect([await use(leaked), await use(other)]).toEqual(['KEY_REVOKED', 'success']);

    await menu(page, name, 'Revoke its keys');
    await dialog.getByRole('button', { name: 'Revoke keys' }).click();
    await dialog.waitFor({ state: 'detached' });
    const later = await newKey();
    expect([await use(other), await use(later)]).toEqual(['KEY_REVOKED', 'success']);

    await revoke('All keys of a person', 'nobody@example.com');
    expect(await use(later)).toBe('success');
    await revoke('All keys of this container');
    expect([await use(later), await use(await newKey())]).toEqual(['KEY_REVOKED', 'success']);
  });

  test('several are found by search and switched off and on together', async () => {
    const page = await admin.open();
    const word = admin.freshName('Bulk');
    const identifiers: string[] = [];
    for (const end of ['a', 'b']) {
      await createTemplate(page, `${word}${end}`);
      identifiers.push(await shownIdentifier(page));
      await closeDialog(page);
    }
    await page.getByRole('searchbox', { name: 'Search security templates' }).fill(word.toLowerCase());
    await page.getByText('2 security templates').waitFor();
    await page.getByRole('checkbox', { name: 'Select all security templates on this page' }).check();
    await page.getByRole('button', { name: 'Deactivate' }).click();
    await page.getByText('2 templates deactivated').waitFor();
    expect(await Promise.all(identifiers.map((identifier) => admin.exchange(identifier)))).toEqual([404, 404]);
    await page.getByRole('checkbox', { name: 'Select all security templates on this page' }).check();
    await page.getByRole('button', { name: 'Activate', exact: true }).click();
    await page.getByText('2 templates activated').waitFor();
    expect(await Promise.all(identifiers.map((identifier) => admin.exchange(identifier)))).toEqual([200, 200]);
  });

  test('a copy has the rights and not the identifier of the original', async () => {
    const page = await admin.open();
    const name = admin.freshName('Original');
    await createTemplate(page, name, 'Editor');
    const original = await shownIdentifier(page);
    await closeDialog(page);
    await menu(page, name, 'Duplicate');
    await expect.poll(() => field(page, 'Name').inputValue()).toBe(`${name} (copy)`);
    await page.getByRole('button', { name: 'Create template' }).click();
    await page.getByRole('tab', { name: 'Embed' }).waitFor();
    expect(await shownIdentifier(page)).not.toBe(original);
    await closeDialog(page);
    await row(page, `${name} (copy)`).getByText('Editor').waitFor();
  });

  test('deleting asks, says what ends with it, and ends it', async () => {
    const page = await admin.open();
    const name = admin.freshName('Doomed');
    await createTemplate(page, name);
    const identifier = await shownIdentifier(page);
    await closeDialog(page);
    await menu(page, name, 'Delete');
    const dialog = page.getByRole('dialog', { name: `Delete “${name}”?` });
    await dialog.getByText('every key that was made from it').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await admin.exchange(identifier)).toBe(200);
    await menu(page, name, 'Delete');
    await dialog.getByRole('button', { name: 'Delete template' }).click();
    await row(page, name).waitFor({ state: 'detached' });
    expect(await admin.exchange(identifier)).toBe(404);
  });
});
