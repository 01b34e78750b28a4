// A page that opens a picture of the store in the editor and saves the result as the picture's next version.
import './react-global.js';
import React from 'react';
import { createRoot } from 'react-dom/client';
import ImageEditor, { TABS } from 'react-filerobot-image-editor';

const query = new URLSearchParams(location.search);
const wanted = (name) => {
  const value = query.get(name);
  if (value === null) throw new Error(`Add ?${name}=... to the address of this page.`);
  return value;
};
const status = document.getElementById('status');
const tell = (text) => {
  status.textContent = text;
};

/** What the store answers; a refusal becomes an error with its own words. */
async function ask(url, options = {}) {
  const response = await fetch(url, options);
  const body = await response.json();
  if (!response.ok) throw new Error(`${body.msg} (${body.code})`);
  return body;
}

async function start() {
  const api = wanted('api').replace(/\/+$/, '');
  // The page holds no secret: a template identifier is all it needs.
  const { key } = await ask(`${api}/key/${encodeURIComponent(wanted('template'))}`);
  const headers = { 'X-Filerobot-Key': key };
  const { file } = await ask(`${api}/v5/files/${encodeURIComponent(wanted('uuid'))}`, { headers });
  // Fetched with the key, so that pictures which are not public open too.
  const picture = await fetch(`${api}/v4/get/${file.uuid}`, { headers });
  if (!picture.ok) throw new Error('The picture cannot be read.');
  const source = URL.createObjectURL(await picture.blob());

  async function save({ imageBase64, mimeType }) {
    tell('Saving');
    const bytes = await (await fetch(imageBase64)).blob();
    const form = new FormData();
    form.append('files[]', new File([bytes], file.name, { type: mimeType }));
    const folder = encodeURIComponent(file.folder.name);
    const saved = await ask(`${api}/v4/files?folder=${folder}&image_editor=edited`, {
      method: 'POST',
      headers,
      body: form,
    });
    tell(`Saved ${saved.file.uuid}`);
  }

  createRoot(document.getElementById('editor')).render(
    React.createElement(ImageEditor, {
      source,
      defaultSavedImageName: file.name.replace(/\.[^.]+$/, ''),
      defaultSavedImageType: file.extension === 'jpg' ? 'jpeg' : file.extension,
      // Without it the editor asks a host of its maker for texts.
      useBackendTranslations: false,
      tabsIds: [TABS.ADJUST, TABS.FILTERS, TABS.FINETUNE],
      // Not the filters: they are drawn from a picture that has been loaded.
      defaultTabId: TABS.ADJUST,
      savingPixelRatio: 1,
      previewPixelRatio: 1,
      closeAfterSave: false,
      // The save button saves at once, under the name that the picture has.
      onBeforeSave: () => false,
      onSave: (image) => save(image).catch((error) => tell(`Not saved: ${error.message}`)),
    }),
  );
  tell(`Editing ${file.name}`);
}

start().catch((error) => tell(error.message));
