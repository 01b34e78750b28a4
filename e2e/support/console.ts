// Drives the console as an admin does: by what is written on the screen.
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { type Deployment, startDeployment } from '../../conformance/support/layout.ts';
import { type Pages, usePages, type Visit, type VisitOptions } from './browser.ts';

export const SECRET_KEYS = '/console/settings/developer/secret-keys';

/** The console of one deployment, and pages in it for the tests of one file. */
export class Console {
  readonly pages: Pages;
  #deployment: Deployment | undefined;
  #session: VisitOptions['session'];
  #names = 0;

  constructor(pages: Pages) {
    this.pages = pages;
  }

  get deployment(): Deployment {
    if (this.#deployment === undefined) throw new TypeError('the deployment runs during tests only');
    return this.#deployment;
  }

  async start(): Promise<void> {
    this.#deployment = await startDeployment();
  }

  async stop(): Promise<void> {
    await this.#deployment?.stop();
  }

  /** A name that no other test of the file uses. */
  freshName(word: string): string {
    this.#names += 1;
    return `${word} ${this.#names}`;
  }

  /** Signs the visitor in with the admin key. */
  async signIn({ page }: Visit): Promise<Page> {
    await page.goto(`${this.deployment.baseUrl}/console/`);
    await page.getByLabel('Admin key').fill(this.deployment.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Security templates').waitFor();
    return page;
  }

  /**
   * The list of templates, as an admin sees it who signed in before. The session is that of the first call: a test that ends its
   * session on the server signs in by itself.
   */
  async open(): Promise<Page> {
    if (this.#session === undefined) {
      const page = await this.signIn(await this.pages.visit());
      this.#session = await page.context().storageState();
      return page;
    }
    const { page } = await this.pages.visit({ session: this.#session });
    await page.goto(`${this.deployment.baseUrl}/console/`);
    await heading(page, 'Security templates').waitFor();
    return page;
  }

  /** What a visitor without any session gets for the identifier. */
  async exchange(identifier: string): Promise<number> {
    const { baseUrl, container } = this.deployment;
    const answer = await fetch(`${baseUrl}/${container}/key/${identifier}`);
    await answer.arrayBuffer();
    return answer.status;
  }
}

/** Registers start and stop of a deployment and a browser with the test file, and returns the way to open its console. */
export function useConsole(): Console {
  const admin = new Console(usePages());
  beforeAll(() => admin.start());
  afterAll(() => admin.stop());
  return admin;
}

/** The one-time link that the service prints when it starts. Throws when there is none. */
export function signInLink(of: Deployment): string {
  const [link] = of.output().match(/http:\S+\/console\/login\S+/) ?? [];
  if (link === undefined) throw new Error(`no sign-in link was printed:\n${of.output()}`);
  return link;
}

export const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });
export const row = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name });
export const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });

/** Chooses from the menu of a row. */
export async function menu(page: Page, name: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

/** Makes a template in the editor and leaves the panel that opens afterwards open. */
export async function createTemplate(page: Page, name: string, preset = 'Browse and upload'): Promise<void> {
  await page.getByRole('link', { name: 'Add template' }).click();
  await field(page, 'Name').fill(name);
  await page.getByRole('button', { name: preset, exact: true }).click();
  await page.getByRole('button', { name: 'Create template' }).click();
  await page.getByRole('tab', { name: 'Embed' }).waitFor();
}

export async function closeDialog(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** The identifier that the panel shows. */
export async function shownIdentifier(page: Page): Promise<string> {
  const text = await page
    .getByRole('dialog')
    .getByText(/^SECU_[0-9A-F]{32}$/)
    .first()
    .textContent();
  return text ?? '';
}

/** The message that a field points to. */
export async function messageOf(input: Locator): Promise<string> {
  const ids = (await input.getAttribute('aria-describedby'))?.split(' ').filter((id) => id !== '') ?? [];
  const texts = await Promise.all(ids.map((id) => input.page().locator(`[id="${id}"]`).textContent()));
  return texts.join(' ');
}
