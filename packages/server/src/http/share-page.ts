// The page of a share: what people see who open its address.
import { html, type Markup, moment, type Page } from './page.ts';
import { prettyBytes } from './wire.ts';

/** What the page shows. Addresses are paths of this service. */
export interface ShareView {
  readonly title: string;
  readonly description: string;
  readonly until: { readonly atMs: number; readonly zone: string | null } | undefined;
  /** The address of the share itself. */
  readonly top: string;
  /** The folders that lead here, the present one last; none at the top. */
  readonly trail: readonly { readonly name: string; readonly href: string }[];
  readonly folders: readonly { readonly name: string; readonly href: string; readonly filesRecursive: number }[];
  readonly files: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly picture: string;
    readonly href: string;
    readonly download: string | undefined;
  }[];
  readonly all: { readonly files: number; readonly bytes: number };
  readonly zip: string | undefined;
  readonly pager: {
    readonly number: number;
    readonly pages: number;
    readonly previous: string | undefined;
    readonly next: string | undefined;
  };
}

/** The page of a share, or of a folder in it. */
export function sharePage(view: ShareView): Page {
  const title = view.title === '' ? 'Shared files' : view.title;
  const here = view.trail.at(-1)?.name;
  const isEmpty = view.folders.length + view.files.length === 0;
  return {
    title: here === undefined ? title : `${here} - ${title}`,
    body: html`<div class="page">
<header>
<h1>${title}</h1>
${view.description !== '' && html`<p class="words">${view.description}</p>`}
${view.until && html`<p class="soft">Open until ${moment(view.until.atMs, view.until.zone)}</p>`}
</header>
<main>
<div class="bar">
${trailOf(view, title)}
${view.zip && html`<a class="button" href="${view.zip}">Download all (${prettyBytes(view.all.bytes)})</a>`}
</div>
${isEmpty && html`<p class="sheet">Nothing is here.</p>`}
${view.folders.length > 0 && html`<h2>Folders</h2><ul class="tiles">${view.folders.map(folderTile)}</ul>`}
${view.files.length > 0 && html`<h2>Files</h2><ul class="tiles">${view.files.map(fileTile)}</ul>`}
${pagerOf(view)}
</main>
<footer>Shared with Latchkey</footer>
</div>`,
  };
}

function trailOf({ trail, top, all }: ShareView, title: string): Markup {
  const count = html`<p class="soft">${counted(all.files)}</p>`;
  if (trail.length === 0) return count;
  const links = trail.map(({ name, href }, index) =>
    index === trail.length - 1
      ? html`<li aria-current="page">${name}</li>`
      : html`<li><a href="${href}">${name}</a></li>`,
  );
  return html`<nav aria-label="Folders above"><ol class="trail"><li><a href="${top}">${title}</a></li>${links}</ol></nav>`;
}

function folderTile({ name, href, filesRecursive }: ShareView['folders'][number]): Markup {
  return html`<li class="tile"><a href="${href}"><span class="folder">
<svg width="32" height="32" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true"><path d="M3 6.5A1.5 1.5 0 0 1 4.5 5h4.3l2 2.2h8.7A1.5 1.5 0 0 1 21 8.7v9A1.3 1.3 0 0 1 19.7 19H4.3A1.3 1.3 0 0 1 3 17.7z"/></svg>
<span><span class="name">${name}</span><span class="soft">${counted(filesRecursive)}</span></span>
</span></a></li>`;
}

function fileTile({ name, sizeBytes, picture, href, download }: ShareView['files'][number]): Markup {
  const button =
    download === undefined
      ? undefined
      : html`<a class="button quiet" href="${download}" aria-label="Download ${name}">Download</a>`;
  return html`<li class="tile"><a href="${href}">
<img class="picture" src="${picture}" alt="" width="416" height="260" loading="lazy" decoding="async">
<span class="name">${name}</span></a>
<div class="facts"><span class="soft">${prettyBytes(sizeBytes)}</span>${button}</div></li>`;
}

function pagerOf({ pager }: ShareView): Markup | undefined {
  if (pager.pages < 2) return undefined;
  return html`<nav class="pager" aria-label="Pages">
${pager.previous && html`<a class="button quiet" rel="prev" href="${pager.previous}">Previous</a>`}
<span class="soft">Page ${pager.number} of ${pager.pages}</span>
${pager.next && html`<a class="button quiet" rel="next" href="${pager.next}">Next</a>`}
</nav>`;
}

function counted(files: number): string {
  return files === 1 ? '1 file' : `${files.toLocaleString('en')} files`;
}
