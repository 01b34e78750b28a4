// The code that a page needs to use a template, with the identifier filled in.

/** What the snippets are about. */
export interface SnippetTarget {
  /** Origin of the service. */
  readonly endpoint: string;
  readonly container: string;
  /** Public identifier, `SECU_...`. */
  readonly template: string;
}

/** A snippet with its name. */
export interface Snippet {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly code: string;
}

/** Every way to use the template, the shortest last. */
export function snippets(target: SnippetTarget): readonly Snippet[] {
  return [
    {
      id: 'widget',
      title: 'Filerobot widget',
      about: 'The published packages, unmodified. They fetch and renew the key by themselves.',
      code: widget(target),
    },
    {
      id: 'sdk',
      title: 'Latchkey library',
      about: 'Fetches, keeps and renews the key, and explains every refusal.',
      code: library(target),
    },
    {
      id: 'fetch',
      title: 'Plain fetch',
      about: 'No library at all: one request for the key, then ordinary requests with it.',
      code: plain(target),
    },
    { id: 'curl', title: 'curl', about: 'The exchange from a shell.', code: curl(target) },
  ];
}

function widget({ endpoint, container, template }: SnippetTarget): string {
  return `import Filerobot from '@filerobot/core';
import Explorer from '@filerobot/explorer';
import XHRUpload from '@filerobot/xhr-upload';
import '@filerobot/core/dist/style.css';
import '@filerobot/explorer/dist/style.css';

const endpoint = '${endpoint}';

new Filerobot({
  container: '${container}',
  securityTemplateId: '${template}',
  apiEndpoint: endpoint,
  adminApiEndpoint: \`\${endpoint}/admin\`,
  i18nFetchApiEndpoint: \`\${endpoint}/i18n\`,
  shareApiEndpoint: \`\${endpoint}/share\`,
  videoApiEndpoint: \`\${endpoint}/videos\`,
})
  .use(Explorer, { target: '#files', inline: true, config: { rootFolderPath: '/' } })
  .use(XHRUpload, {});
`;
}

function library({ endpoint, container, template }: SnippetTarget): string {
  return `import { createClient, createKeySource, uploadFile } from '@latchkey/sdk';

const endpoint = '${endpoint}';
const container = '${container}';

const keys = createKeySource({ endpoint, container, template: '${template}' });
const client = createClient({ endpoint, container, keys });

document.querySelector('input[type=file]').addEventListener('change', async (event) => {
  for (const file of event.target.files) {
    const stored = await uploadFile(client, file, { folder: '/' });
    console.log('stored', stored.name, stored.url.cdn);
  }
});
`;
}

function plain({ endpoint, container, template }: SnippetTarget): string {
  return `const base = '${endpoint}/${container}';

const { key } = await (await fetch(\`\${base}/key/${template}\`)).json();

async function upload(file, folder = '/') {
  const body = new FormData();
  body.append('file', file);
  const response = await fetch(\`\${base}/v4/files?folder=\${encodeURIComponent(folder)}\`, {
    method: 'POST',
    headers: { 'X-Filerobot-Key': key },
    body,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(\`\${answer.msg}. \${answer.hint}\`);
  return answer.file;
}
`;
}

function curl({ endpoint, container, template }: SnippetTarget): string {
  return `curl '${endpoint}/${container}/key/${template}'
`;
}
