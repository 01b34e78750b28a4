// Drives the published widget on the demo page as a person does: by what is written on the screen.
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import type { Target } from '../../conformance/support/target.ts';
import type { Pages, Visit, VisitOptions } from './browser.ts';

/** A file as the file dialog hands it over. */
export interface PickedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** A message that the widget showed at the bottom of the page. */
export interface Toast {
  readonly type: string;
  readonly message: string;
}

/** What the page's own events tell; kept in the page because toasts go away by themselves. */
interface Recorded {
  readonly toasts: Toast[];
  /** Names of files whose upload ended, either way. */
  readonly ended: string[];
  /** Keys that the widget obtained, the newest last. */
  readonly keys: string[];
}

/** A file or folder as the widget keeps it. */
interface Listed {
  readonly name: string;
  /** What may be done with it: asked for when the pointer comes to rest on a file, and when the menu of a folder opens. */
  readonly permissions?: unknown;
}

/** The part of the running widget that the tests reach for. */
interface Demo {
  readonly filerobot: {
    on(event: string, listener: (...details: never[]) => void): void;
    getGlobalState(): {
      readonly Core: { readonly info: { readonly type: unknown; readonly message: unknown } };
      readonly Explorer: Readonly<
        Record<'files' | 'folders', { readonly entities: Readonly<Record<string, Listed>> }>
      > & {
        readonly search: { readonly isQuickFetching: boolean; readonly isExtendFetching: boolean };
      };
    };
    addFile(file: Readonly<Record<string, unknown>>, uploadAtOnce: boolean): void;
    getPlugin(id: string): {
      readonly opts: { readonly config: Readonly<Record<string, object>> };
      setOptions(options: Readonly<Record<string, unknown>>): void;
    };
  };
}

declare global {
  interface Window {
    recorded: Recorded;
    latchkeyDemo?: Demo;
  }
}

/** Which demo to open. */
export interface DemoOptions extends VisitOptions {
  readonly template?: string;
  readonly accessKey?: string;
  /** Whom the access key was made for, as the page tells the widget. */
  readonly user?: string;
  readonly folder?: string;
  /** Runs before the page loads. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** The widget on an open demo page. */
export class Widget {
  readonly visit: Visit;
  readonly page: Page;

  constructor(visit: Visit) {
    this.visit = visit;
    this.page = visit.page;
  }

  /** Opens the demo page and waits until the widget has stopped asking the server for things. */
  static async open(
    pages: Pages,
    target: Target,
    { template, accessKey, user, folder, prepare, ...how }: DemoOptions,
  ): Promise<Widget> {
    const visit = await pages.visit(how);
    const address = new URL('/demo/', target.baseUrl);
    if (template !== undefined) address.searchParams.set('template', template);
    if (folder !== undefined) address.searchParams.set('folder', folder);
    const given = new URLSearchParams();
    if (accessKey !== undefined) given.set('key', accessKey);
    if (user !== undefined) given.set('user', user);
    address.hash = given.toString();
    await visit.page.addInitScript(record);
    await prepare?.(visit.page);
    await visit.page.goto(address.href);
    const widget = new Widget(visit);
    await visit.page.locator('.filerobot-ProviderBrowser').waitFor();
    await visit.page.waitForLoadState('networkidle');
    return widget;
  }

  /** Changes options of the media browser, as the page around it may do at any time. */
  async setOptions(options: Readonly<Record<string, unknown>>): Promise<void> {
    await this.setPluginOptions('Explorer', options);
  }

  /** Changes options of any plugin. */
  async setPluginOptions(plugin: string, options: Readonly<Record<string, unknown>>): Promise<void> {
    await this.page.evaluate(([id, changed]) => window.latchkeyDemo?.filerobot.getPlugin(id).setOptions(changed), [
      plugin,
      options,
    ] as const);
  }

  /** Changes members of the media browser's `config`, one level deep, and leaves the others as they are. */
  async setConfig(changed: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<void> {
    await this.page.evaluate((members) => {
      const explorer = window.latchkeyDemo?.filerobot.getPlugin('Explorer');
      const config = { ...explorer?.opts.config };
      for (const [name, value] of Object.entries(members)) config[name] = { ...config[name], ...value };
      explorer?.setOptions({ config });
    }, changed);
  }

  /** Every message so far, in order. */
  toasts(): Promise<readonly Toast[]> {
    return this.page.evaluate(() => window.recorded.toasts);
  }

  /** The keys that the widget has obtained so far, the newest last. */
  keys(): Promise<readonly string[]> {
    return this.page.evaluate(() => window.recorded.keys);
  }

  /** Resolves when the widget shows this text as a message. */
  async seeToast(text: string): Promise<void> {
    try {
      await this.page.locator('.filerobot-Explorer-innerWrap').getByText(text).last().waitFor();
    } catch (cause) {
      throw new Error(`"${text}" was not seen; messages: ${JSON.stringify(await this.toasts())}`, { cause });
    }
  }

  /** Opens what stands behind the message on the screen and resolves when it says this. */
  async seeDetails(text: string | RegExp): Promise<void> {
    await this.page.getByText('See details', { exact: true }).hover();
    await this.page.getByText(text).waitFor();
  }

  /** A file in the list on the screen. */
  file(name: string): Locator {
    return this.page.getByRole('listbox').getByText(name, { exact: true });
  }

  /** A folder in the list on the screen. */
  folder(name: string): Locator {
    return this.page.locator('.item-folder').filter({ hasText: name });
  }

  /** The names of the files in the list on the screen, in their order. */
  files(): Promise<readonly string[]> {
    const infos = this.page.getByRole('listbox').locator('.filerobot-Explorer-Item-fileInfo');
    return infos.locator('.SfxEllipsed-ellipsed-text-wrapper').allTextContents();
  }

  /** Searches for a text. */
  async search(text: string): Promise<void> {
    const field = this.page.getByTestId('fmaw-common_search_group_input');
    await field.fill(text);
    await field.press('Enter');
  }

  /**
   * Sorts the list in the order that the widget proposes for this key. A search is asked twice, for what is exactly so and for what is almost
   * so, and when the second answer comes the widget hides a menu that is open: it is awaited before.
   */
  async sortBy(key: string): Promise<void> {
    await this.page.waitForFunction(() => {
      const search = window.latchkeyDemo?.filerobot.getGlobalState().Explorer.search;
      return search !== undefined && !search.isQuickFetching && !search.isExtendFetching;
    });
    await this.page.getByTestId('sort-dropdown').click();
    await this.page.getByTestId(`sortOptionsBy${key}Label`).click();
  }

  /** Chooses an option of one part of the filter panel; the part stays open. */
  async filter(part: string, option: string): Promise<void> {
    await this.page.getByText(part, { exact: true }).first().click();
    await this.page.locator('.filerobot-Provider-Filters-FilterOption').getByText(option, { exact: true }).click();
  }

  /** Gives up every choice in the part of the filter panel that is open. */
  async clearFilter(): Promise<void> {
    await this.page.getByRole('button', { name: 'Clear All' }).click();
  }

  /** Uploads through the file dialog and resolves when every upload has ended, well or badly. */
  async upload(files: readonly PickedFile[]): Promise<void> {
    const endedBefore = await this.page.evaluate(() => window.recorded.ended.length);
    await this.page.getByTestId('topbar-upload-btn').click();
    const dialog = this.page.waitForEvent('filechooser');
    await this.page.getByText('browse', { exact: true }).click();
    await (await dialog).setFiles(files.map((file) => ({ ...file })));
    await this.#startUploads();
    await this.#untilEnded(endedBefore + files.length);
  }

  /** Starts the uploads of the files that were added. */
  async #startUploads(): Promise<void> {
    await this.page.getByText('Add more', { exact: true }).waitFor();
    await this.page.getByRole('button', { name: 'Upload', exact: true }).last().click();
  }

  /** Resolves when so many uploads have ended since the page was opened. */
  async #untilEnded(count: number): Promise<void> {
    await this.page.waitForFunction((wanted) => window.recorded.ended.length >= wanted, count, { timeout: 120_000 });
  }

  /** Hands the widget an address in place of a file, as plugins for other places do, and resolves when the upload has ended. */
  async uploadFrom(uploadUrl: string, name: string, type: string): Promise<void> {
    await this.page.evaluate(
      (file) => window.latchkeyDemo?.filerobot.addFile({ ...file, source: 'Test', data: new Blob() }, true),
      { uploadUrl, name, type },
    );
    await this.page.waitForFunction((wanted) => window.recorded.ended.includes(wanted), name);
  }

  /**
   * Adds a file that a companion is to fetch, as plugins for cloud drives do, presses the button as a person does, and resolves when the
   * upload has ended, well or badly.
   */
  async uploadThrough(companionUrl: string, url: string, name: string, type: string): Promise<void> {
    const endedBefore = await this.page.evaluate(() => window.recorded.ended.length);
    const remote = { companionUrl, url: `${companionUrl}/url/get`, body: { url }, providerOptions: {} };
    await this.page.evaluate((file) => window.latchkeyDemo?.filerobot.addFile(file, false), {
      source: 'Test',
      name,
      type,
      data: { size: null },
      isRemote: true,
      remote,
    });
    await this.#startUploads();
    await this.#untilEnded(endedBefore + 1);
  }

  /** The line of the upload panel about a file, such as "Uploaded" or "Uploading failed". */
  panelLine(name: string): Locator {
    return this.page.locator('.filerobot-progressPanel').locator(`[title="${name}"]`);
  }

  /**
   * Moves the pointer to a file or folder as a person does before a click. The widget asks then what may be done with the file, and
   * with the answer puts the file back as it was when it asked: had something else begun meanwhile, it would show that as going on
   * for ever. A person's pointer rests long enough for that; here the answer is awaited.
   */
  async pointAt(item: Locator): Promise<void> {
    await this.page.mouse.move(0, 0);
    await item.hover();
    await this.#permissionsOf('files', item);
  }

  /** Resolves when the widget knows what may be done with whatever is called as is written there. */
  async #permissionsOf(kind: 'files' | 'folders', item: Locator): Promise<void> {
    await this.page.waitForFunction(
      ([entities, names]) => {
        const listed = Object.values(window.latchkeyDemo?.filerobot.getGlobalState().Explorer[entities].entities ?? {});
        return listed.every(({ name, permissions }) => !names.includes(name) || permissions !== undefined);
      },
      [kind, (await item.innerText()).split('\n').map((line) => line.trim())] as const,
    );
  }

  /** Opens the details of a file. */
  async openDetails(name: string): Promise<void> {
    await this.pointAt(this.file(name));
    await this.file(name).dblclick();
  }

  /** Chooses from the menu of a file; one name for each level of the menu. */
  async fromMenu(item: Locator, ...options: readonly string[]): Promise<void> {
    await this.pointAt(item);
    await item.click({ button: 'right' });
    await this.#permissionsOf('folders', item);
    const steps = options.map((option) => this.page.getByTestId(`fmaw-explorer-context_menu_option_${option}`));
    for (const step of steps.slice(0, -1)) await step.hover();
    await steps.at(-1)?.click();
  }

  /** Agrees to the question on the screen. */
  async confirm(): Promise<void> {
    await this.page.getByTestId('modal-primary-button').click();
  }

  /** Writes the new name into the field that stands where the old one stood. */
  async typeNewName(name: string): Promise<void> {
    const field = this.page.locator('input[data-file-name], .item-folder input[type="text"]');
    // The widget calls the list around the field disabled while the field is open; a person can write all the same.
    await field.fill(name, { force: true });
    await field.press('Enter');
  }

  /** Runs what makes the browser download something and answers with its name and bytes. */
  async download(act: () => Promise<void>): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), act()]);
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  }
}

/**
 * Has the demo page's content security policy let these in for its scripts as well, as the policy of a page that needs them does; to be
 * done before the page is opened.
 */
export async function letScriptsReach(page: Page, ...sources: readonly string[]): Promise<void> {
  await page.route(
    ({ pathname }) => pathname === '/demo/',
    async (route) => {
      const response = await route.fetch();
      const headers = response.headers();
      const own = headers['content-security-policy'] ?? '';
      const policy = own.replace("connect-src 'self'", `connect-src 'self' ${sources.join(' ')}`);
      await route.fulfill({ response, headers: { ...headers, 'content-security-policy': policy } });
    },
  );
  // A page that was handed out like this counts as one of the public internet, which may not ask this machine without permission.
  await page.context().grantPermissions(['local-network-access']);
}

/** Runs in the page before its own scripts: listens to the widget from its first moment. */
function record(): void {
  const recorded: Recorded = { toasts: [], ended: [], keys: [] };
  window.recorded = recorded;
  let demo: Demo | undefined;
  Object.defineProperty(window, 'latchkeyDemo', {
    get: () => demo,
    set(started: Demo) {
      demo = started;
      const { filerobot } = started;
      Reflect.set(window, 'filerobotForTest', filerobot);
      filerobot.on('info-visible', () => {
        const { type, message } = filerobot.getGlobalState().Core.info;
        recorded.toasts.push({ type: String(type), message: String(message) });
      });
      filerobot.on('sass-key-obtained', (key: string) => recorded.keys.push(key));
      for (const event of ['upload-success', 'upload-error']) {
        filerobot.on(event, (file: { readonly name: string }) => recorded.ended.push(file.name));
      }
    },
  });
}
