// The console as an admin uses it: sign in, make secret keys, and choose how it looks.
import { describe, expect, test } from 'vitest';
import { startDeployment } from '../conformance/support/layout.ts';
import { closeDialog, field, heading, menu, row, SECRET_KEYS, signInLink, useConsole } from './support/console.ts';

const TEMPLATES = '/console/settings/developer/security-templates';

const admin = useConsole();

describe('sign-in', () => {
  test('the printed link signs in once, leaves the address, and does nothing the second time', async () => {
    const own = await startDeployment();
    try {
      const link = signInLink(own);
      const first = await admin.pages.visit();
      await first.page.goto(link);
      await heading(first.page, 'Security templates').waitFor();
      expect(first.page.url()).not.toContain('token');

      // Pasted into a sign-in page that is open already.
      const second = await admin.pages.visit();
      await second.page.goto(`${own.baseUrl}/console/login`);
      await heading(second.page, 'Sign in to the console').waitFor();
      await second.page.goto(link);
      await second.page.getByText('This link does not work any more').waitFor();
      expect(second.page.url()).not.toContain('token');
    } finally {
      await own.stop();
    }
  });

  test('a wrong admin key is refused beside its field, the right one signs in, and signing out ends it', async () => {
    const { page } = await admin.pages.visit();
    await page.goto(`${admin.deployment.baseUrl}/console/`);
    await page.getByLabel('Admin key').fill('not-the-key-of-anybody-0123456789');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This is not a key that may sign in here').waitFor();

    await page.getByLabel('Admin key').fill(admin.deployment.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Security templates').waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'Sign in to the console').waitFor();
    await page.goto(`${admin.deployment.baseUrl}${TEMPLATES}`);
    await heading(page, 'Sign in to the console').waitFor();
  });

  test('the address that was asked for is shown after signing in', async () => {
    const { page } = await admin.pages.visit();
    await page.goto(`${admin.deployment.baseUrl}${SECRET_KEYS}`);
    await page.getByLabel('Admin key').fill(admin.deployment.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Secret keys').waitFor();
  });

  test('a session that ends while somebody types asks to sign in again and loses nothing', async () => {
    const page = await admin.open();
    const name = admin.freshName('Kept');
    await page.getByRole('link', { name: 'Add template' }).click();
    await field(page, 'Name').fill(name);
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Create template' }).click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('Admin key').fill(admin.deployment.adminKey);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Create template' }).click();
    await page.getByRole('tab', { name: 'Embed' }).waitFor();
    await closeDialog(page);
    await row(page, name).waitFor();
  });
});

test('a secret key is shown exactly once, works, and stops working when it is deleted', async () => {
  const page = await admin.open();
  const name = admin.freshName('Importer');
  await page.getByRole('link', { name: 'Secret keys' }).click();
  await page.getByRole('link', { name: 'Add secret key' }).click();
  await field(page, 'Name').fill(name);
  await page.getByRole('button', { name: 'Browse', exact: true }).click();
  expect(await page.getByLabel('Keys expire after').count()).toBe(0);
  await page.getByRole('button', { name: 'Create secret key' }).click();
  const dialog = page.getByRole('dialog', { name: `Secret of “${name}”` });
  const secret = (await dialog.getByText(/^lk_/).textContent()) ?? '';
  const statusWithSecret = async () => {
    const headers = { 'x-filerobot-key': secret };
    const answer = await fetch(`${admin.deployment.baseUrl}/${admin.deployment.container}/v5/files`, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  expect(await statusWithSecret()).toBe(200);
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'I have stored it' }).click();
  await row(page, name).waitFor();
  expect(await page.content()).not.toContain(secret);
  await page.reload();
  await row(page, name).waitFor();
  expect(await page.content()).not.toContain(secret);
  expect(await row(page, name).textContent()).not.toContain('Never');

  await menu(page, name, 'Delete');
  await page.getByRole('button', { name: 'Delete secret key' }).click();
  await row(page, name).waitFor({ state: 'detached' });
  expect(await statusWithSecret()).toBe(401);
});

test('the colour scheme that was chosen is there before anything is drawn on the next visit', async () => {
  const page = await admin.open();
  await page.getByRole('button', { name: /^Colour scheme/ }).click();
  await page.getByRole('menuitem', { name: 'Dark' }).click();
  await expect.poll(() => page.locator('html').getAttribute('data-mantine-color-scheme')).toBe('dark');
  // The page's own scripts do not run: what is left is what comes before them.
  await page.route('**/assets/index-*.js', (route) => route.abort());
  await page.reload();
  expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe('dark');
});
