// The page around a widget of any version: asks the server for its settings and starts the widget, every endpoint being this
// server's.
import type Filerobot from '@filerobot/core';
import type { PluginClass } from '@filerobot/core';
import { replaceLostIcons } from './icons.ts';
import { loadSettings, type Settings, SettingsError } from './settings.ts';
import { offerSimilar } from './similar.ts';

declare global {
  interface Window {
    /** The running widget, for the browser's console and for tests. */
    latchkeyDemo?: { readonly filerobot: Filerobot };
  }
}

/** The packages of one version of the widget; later versions have more of them. */
export interface Packages {
  readonly Filerobot: typeof Filerobot;
  readonly Explorer: PluginClass;
  /** The other plugins, each with its options. */
  readonly plugins: readonly (readonly [PluginClass, Readonly<Record<string, unknown>>])[];
}

/** Asks the server for its settings and starts the widget with them, or says on the page why it cannot. */
export async function startPage(packages: Packages): Promise<void> {
  try {
    const settings = await loadSettings(new URL(location.href));
    showTemplate(settings);
    replaceLostIcons();
    window.latchkeyDemo = { filerobot: startWidget(packages, settings) };
  } catch (problem) {
    showProblem(problem);
  }
}

/** Starts the widget. The plugins join in the same tick as the core, or the uploader would never see a renewed key. */
function startWidget(packages: Packages, settings: Settings): Filerobot {
  const { accessKey, apiEndpoint, container, rootFolderPath, securityTemplateId, user } = settings;
  const filerobot = new packages.Filerobot({
    container,
    // Of what is said to be a project the widget asks which roles there are.
    projectUuid: container,
    ...(accessKey === undefined ? { securityTemplateId } : { sassKey: accessKey }),
    ...(user === undefined ? {} : { userInfo: { uuid: user, name: user } }),
    apiEndpoint,
    adminApiEndpoint: `${apiEndpoint}/admin`,
    i18nFetchApiEndpoint: `${apiEndpoint}/i18n`,
    shareApiEndpoint: `${apiEndpoint}/share`,
    videoApiEndpoint: `${apiEndpoint}/videos`,
  });
  offerSimilar(filerobot);
  filerobot.use(packages.Explorer, {
    target: '#widget',
    inline: true,
    width: '100%',
    height: '100%',
    config: { rootFolderPath },
    // Offers public and private to keys that name a person and hold the permission.
    enablePublishModal: true,
    // And the dialog of who has which role, to those who may see it. Whom it offers, the page around it says: `usersAndTeams`.
    enabledManageAccess: true,
    // Without "Remove background", which would send the key and the address of the picture to a service of the widget's maker. The first option
    // hides the whole menu "More", so that `offerSimilar` changes it; the second leaves the entry out in any case.
    showRemoveBackgroundOption: false,
    contextMenuSubTabs: {
      fileMore: ['FIND_SIMILAR'],
      fileShare: ['PUBLISH', 'MANAGE_ACCESS', 'GET_LINK', 'VIA_SHAREBOX', 'EMBED'],
    },
  });
  for (const [plugin, options] of packages.plugins) filerobot.use(plugin, options);
  return filerobot;
}

function showTemplate({ accessKey, container, securityTemplateId }: Settings): void {
  element('container-name').textContent = container;
  element('template-id').textContent =
    accessKey === undefined ? securityTemplateId : 'of the access key in the address';
  element('template').hidden = false;
}

function showProblem(problem: unknown): void {
  const place = element('problem');
  place.textContent =
    problem instanceof SettingsError ? problem.message : `The widget could not start: ${String(problem)}`;
  place.hidden = false;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new TypeError(`the page has no element #${id}`);
  return found;
}
