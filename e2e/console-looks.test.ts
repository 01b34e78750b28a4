// Every page of the console, judged by the rules of accessibility: wide and narrow, light and dark.
import { describe, expect, test } from 'vitest';
import { accessFaults, policyViolations } from './support/access.ts';
import { closeDialog, createTemplate, field, heading, menu, row, SECRET_KEYS, useConsole } from './support/console.ts';

const NARROW = { width: 390, height: 844 } as const;
const SCHEMES = ['light', 'dark'] as const;
/** Looking at ten pages with every rule takes minutes on a machine that is busy with something else. */
const LOOK_TIMEOUT_MS = 420_000;

const admin = useConsole();

describe.each(SCHEMES)('in the %s colour scheme', (scheme) => {
  test.each([
    ['wide', undefined],
    ['narrow', NARROW],
  ])(
    'every page is accessible, fits and loads nothing from elsewhere (%s)',
    async (_, viewport) => {
      const visit = await admin.pages.visit(viewport === undefined ? {} : { viewport });
      const { page } = visit;
      const violations = policyViolations(page);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const seen: Record<string, readonly string[]> = {};
      const look = async (name: string) => {
        seen[name] = await accessFaults(page);
      };
      await page.goto(`${admin.deployment.baseUrl}/console/`);
      await heading(page, 'Sign in to the console').waitFor();
      await look('sign-in');
      await admin.signIn(visit);
      expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe(scheme);
      const name = admin.freshName('Seen');
      await createTemplate(page, name, 'Everything');
      await look('embed');
      await page.getByRole('tab', { name: 'Try this key' }).click();
      await page.getByRole('button', { name: 'Get an access key' }).click();
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByRole('region', { name: 'Call the API with it' }).getByLabel('Status 200').waitFor();
      await look('try this key');
      await closeDialog(page);
      await look('list of templates');
      await page.getByRole('button', { name: `Actions for ${name}` }).click();
      await page.getByRole('menuitem', { name: 'Delete' }).waitFor();
      await look('menu');
      await page.getByRole('menuitem', { name: 'Delete' }).click();
      await page.getByRole('button', { name: 'Delete template' }).waitFor();
      await look('delete dialog');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await menu(page, name, 'Edit');
      await field(page, 'Largest file').fill('huge');
      await page.getByRole('combobox', { name: 'Allowed addresses' }).fill('nowhere,');
      await page.getByRole('button', { name: 'Add a quota' }).click();
      await page.getByRole('button', { name: 'Save changes' }).click();
      await page.getByText('3 fields need another look').waitFor();
      await look('editor with faults');
      await page.goto(`${admin.deployment.baseUrl}${SECRET_KEYS}`);
      await row(page, 'Admin key').waitFor();
      await look('secret keys');
      await page.goto(`${admin.deployment.baseUrl}/console/guide`);
      await heading(page, 'Guide').waitFor();
      await look('guide');
      await page.goto(`${admin.deployment.baseUrl}/console/nowhere`);
      await heading(page, 'There is nothing at this address').waitFor();
      await look('unknown address');

      expect(Object.entries(seen).filter(([, faults]) => faults.length > 0)).toEqual([]);
      expect(visit.outside).toEqual([]);
      expect(visit.errors).toEqual([]);
      expect(violations).toEqual([]);
    },
    LOOK_TIMEOUT_MS,
  );
});

test('the judge of these pages sees what is too pale, what has no name, and what is too wide', async () => {
  const { page } = await admin.pages.visit({ viewport: NARROW });
  await page.setContent(`<html lang="en"><title>Faults</title><body style="margin: 0"><main>
    <h1>Faults</h1><p style="color: #bbb; background: #fff">Pale</p><button></button><div style="width: 900px">Wide</div>
  </main></body></html>`);
  const faults = (await accessFaults(page)).map((fault) => fault.split(':')[0]);
  expect(faults.sort()).toEqual(['510 pixels too wide', 'button-name', 'color-contrast']);
});
