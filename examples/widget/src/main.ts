// The demo page: asks the server for its settings and starts the published widget with them, every endpoint being this server's.
import Filerobot from '@filerobot/core';
import Explorer from '@filerobot/explorer';
import ImageEditor from '@filerobot/image-editor';
import ProgressPanel from '@filerobot/progress-panel';
import XHRUpload from '@filerobot/xhr-upload';
import '@filerobot/core/dist/style.min.css';
import '@filerobot/explorer/dist/style.min.css';
import '@filerobot/image-editor/dist/style.min.css';
import './page.css';
import { loadSettings, type Settings, SettingsError } from './settings.ts';

declare global {
  interface Window {
    /** The running widget, for the browser's console and for tests. */
    latchkeyDemo?: { readonly filerobot: Filerobot };
  }
}

try {
  const settings = await loadSettings(new URL(location.href));
  showTemplate(settings);
  window.latchkeyDemo = { filerobot: startWidget(settings) };
} catch (problem) {
  showProblem(problem);
}

/** Starts the widget. The plugins join in the same tick as the core, or the uploader would never see a renewed key. */
function startWidget({ accessKey, apiEndpoint, container, rootFolderPath, securityTemplateId }: Settings): Filerobot {
  return new Filerobot({
    container,
    ...(accessKey === undefined ? { securityTemplateId } : { sassKey: accessKey }),
    apiEndpoint,
    adminApiEndpoint: `${apiEndpoint}/admin`,
    i18nFetchApiEndpoint: `${apiEndpoint}/i18n`,
    shareApiEndpoint: `${apiEndpoint}/share`,
    videoApiEndpoint: `${apiEndpoint}/videos`,
  })
    .use(Explorer, {
      target: '#widget',
      inline: true,
      width: '100%',
      height: '100%',
      config: { rootFolderPath },
      // Offers public and private to keys that name a person and hold the permission.
      enablePublishModal: true,
    })
    .use(XHRUpload, {})
    .use(ProgressPanel, { target: Explorer })
    .use(ImageEditor, {});
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
