// The page of an airbox: where people without a key hand files in. Its script only adds progress; the form works without it.
import { html, type Markup, moment, type Page } from './page.ts';
import { prettyBytes } from './wire.ts';

/** What the page shows. */
export interface AirboxView {
  readonly title: string;
  readonly message: string;
  readonly until: { readonly atMs: number; readonly zone: string | null } | undefined;
  /** Where files are sent to. */
  readonly path: string;
  readonly filesMax: number | null;
  readonly bytesMax: number | null;
  readonly fileBytesMax: number | null;
  readonly allowedTypes: readonly string[];
  /** Files that arrived with the form before. */
  readonly received: number;
}

/** The page of an airbox. */
export function airboxPage(view: AirboxView): Page {
  const title = view.title === '' ? 'Hand in files' : view.title;
  const bounds = boundsOf(view);
  const accept = view.allowedTypes.map((type) => (type.includes('/') ? type : `.${type.replace(/^\./, '')}`)).join(',');
  return {
    title,
    body: html`<div class="page small">
<header>
<h1>${title}</h1>
${view.message !== '' && html`<p class="words">${view.message}</p>`}
${view.until && html`<p class="soft">Open until ${moment(view.until.atMs, view.until.zone)}</p>`}
</header>
<main>
${view.received > 0 && html`<p class="good" role="status">${arrived(view.received)}</p>`}
<form class="sheet" method="post" action="${view.path}" enctype="multipart/form-data">
<label for="files">Files</label>
<input id="files" class="drop" name="files[]" type="file" multiple required${bounds.length > 0 && html` aria-describedby="bounds"`}${accept !== '' && html` accept="${accept}"`}>
${bounds.length > 0 && html`<ul id="bounds" class="soft">${bounds.map((bound) => html`<li>${bound}</li>`)}</ul>`}
<button type="submit">Send</button>
</form>
<ul id="sent" class="sent" aria-live="polite"></ul>
</main>
<footer>What you send goes to whoever gave you this address. You cannot see or change it afterwards.</footer>
</div>`,
    script: SCRIPT,
  };
}

function arrived(files: number): string {
  return files === 1 ? 'Your file has arrived. Thank you.' : `Your ${files} files have arrived. Thank you.`;
}

function boundsOf({ filesMax, bytesMax, fileBytesMax, allowedTypes }: AirboxView): readonly (string | Markup)[] {
  return [
    ...(allowedTypes.length === 0 ? [] : [`Accepted: ${allowedTypes.join(', ')}`]),
    ...(fileBytesMax === null ? [] : [`Largest file: ${prettyBytes(fileBytesMax)}`]),
    ...(filesMax === null ? [] : [`Files taken from all senders together: ${filesMax.toLocaleString('en')}`]),
    ...(bytesMax === null ? [] : [`Space for all senders together: ${prettyBytes(bytesMax)}`]),
  ];
}

/** Sends one file after the other and shows how far each is; what is refused says why, and the others go on. */
const SCRIPT = `
(() => {
  const form = document.querySelector('form[enctype]');
  const field = form.querySelector('input[type=file]');
  const button = form.querySelector('button');
  const list = document.getElementById('sent');
  const put = (parent, tag, text, name) => {
    const node = document.createElement(tag);
    node.textContent = text;
    if (name) node.className = name;
    parent.append(node);
    return node;
  };
  const reason = (request) => {
    try {
      const said = JSON.parse(request.responseText);
      return said.msg + '. ' + said.hint;
    } catch {
      return 'The connection was lost. Try again.';
    }
  };
  const send = (file) => new Promise((done) => {
    const row = put(list, 'li', '');
    put(row, 'span', file.name, 'name');
    const bar = put(row, 'progress', '');
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute('aria-label', file.name);
    const end = (text, name) => {
      bar.remove();
      put(row, 'span', text, name);
      done();
    };
    const request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.setRequestHeader('Accept', 'application/json');
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    };
    request.onload = () => (request.status < 300 ? end('Arrived', 'good') : end(reason(request), 'bad'));
    request.onerror = () => end(reason(request), 'bad');
    const body = new FormData();
    body.append('files[]', file);
    request.send(body);
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const files = [...field.files];
    button.disabled = true;
    for (const file of files) await send(file);
    form.reset();
    button.disabled = false;
  });
})();
`;
