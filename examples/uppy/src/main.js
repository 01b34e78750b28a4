// Uppy on a store of your own: it gets an access key for the template in this page's address, and uploads by tus.
import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import Tus from '@uppy/tus';
import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';
import './page.css';

const parameters = new URLSearchParams(location.search);
const api = parameters.get('api') ?? 'http://127.0.0.1:7700/demo';
const template = parameters.get('template');
const folder = parameters.get('folder') ?? '/uploads';

/** What the service says when it refuses: the sentence, and what would help. */
const refusal = ({ msg, hint }) => [msg, hint].filter(Boolean).join('. ');

const line = document.querySelector('#refusal');

/** One access key for each file: the upload belongs to the key that began it, and lives as long as the template says. */
async function getKey() {
  const answer = await (await fetch(`${api}/key/${encodeURIComponent(template)}`)).json();
  if (answer.status !== 'success') throw new Error(refusal(answer));
  return answer.key;
}

const uppy = new Uppy({ meta: { folder } })
  .use(Dashboard, { target: '#uppy', inline: true, width: '100%', theme: 'auto', proudlyDisplayPoweredByUppy: false })
  .use(Tus, {
    endpoint: `${api}/v5/tus`,
    allowedMetaFields: ['name', 'type', 'folder'],
    chunkSize: 8 * 1024 * 1024,
    retryDelays: [0, 1000, 3000, 5000, 10_000, 30_000],
    headers: (file) => ({ 'X-Filerobot-Key': file.meta.key }),
    onAfterResponse(_, response) {
      const body = response.getBody();
      if (response.getStatus() < 400 || !body.startsWith('{')) return;
      line.textContent = refusal(JSON.parse(body));
    },
  });

uppy.addPreProcessor(async (ids) => {
  line.textContent = '';
  for (const id of ids) uppy.setFileMeta(id, { key: await getKey() });
});
// Uppy's own words only where the service had none.
uppy.on('error', ({ message }) => {
  line.textContent ||= message;
});
uppy.on('upload-success', ({ name }) => {
  const item = document.createElement('li');
  item.textContent = `${folder}/${name}`;
  document.querySelector('#stored').append(item);
});
if (template === null) line.textContent = 'Name a security template in the address of this page: ?template=SECU_…';
