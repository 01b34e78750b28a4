// Pages for people without a key: written by the server, complete without a script, and unable to load anything from elsewhere.
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A piece of a page whose texts have been escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Markup | string | number | undefined | false | readonly Markup[];

/** A piece of a page. Every value that is no markup is escaped, in element content and in quoted attributes alike. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((text, part, index) => text + written(values[index - 1]) + part));
}

function written(value: Value): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return String(value).replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** A whole page. */
export interface Page {
  readonly title: string;
  readonly body: Markup;
  /** Runs at the end of the page; it must not be needed for anything but comfort. */
  readonly script?: string;
}

const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--sheet:#fff;--ink:#16202e;--soft:#55606f;--line:#d9dee6;--act:#1857c4;--on-act:#fff;--bad:#a3161d;--good:#146c3a;--shade:0 1px 2px rgb(15 23 42/.06),0 4px 16px rgb(15 23 42/.05)}
@media (prefers-color-scheme:dark){:root{--ground:#10151c;--sheet:#19212b;--ink:#eef2f7;--soft:#a9b4c2;--line:#313c4a;--act:#8ab4ff;--on-act:#0b1524;--bad:#ff9a9d;--good:#7fdca4;--shade:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
.page{max-width:72rem;min-height:100vh;margin:0 auto;padding:2rem 1.25rem 1rem;display:flex;flex-direction:column}
.small{max-width:30rem}
main{flex:1}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1rem;margin:2rem 0 .75rem}
p{margin:0 0 .75rem}
.words{white-space:pre-line;max-width:46rem}
.soft,footer{color:var(--soft);font-size:.875rem}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line)}
a{color:var(--act)}
:focus-visible{outline:3px solid var(--act);outline-offset:2px;border-radius:4px}
.bar{display:flex;flex-wrap:wrap;gap:.75rem 1.5rem;align-items:center;justify-content:space-between;margin:1.25rem 0}
.trail{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem .5rem;margin:0;padding:0;font-size:.9375rem}
.trail li+li::before{content:"/";color:var(--soft);margin-right:.5rem}
.button,button{display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.5rem 1.125rem;border:1px solid var(--act);border-radius:.5rem;background:var(--act);color:var(--on-act);font:inherit;font-weight:600;text-decoration:none;cursor:pointer}
.button.quiet{background:none;color:var(--act);border-color:var(--line);min-height:2.25rem;padding:.25rem .75rem;font-size:.875rem}
button[disabled]{opacity:.6;cursor:default}
.tiles{list-style:none;margin:0;padding:0;display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr))}
.tile{display:flex;flex-direction:column;background:var(--sheet);border:1px solid var(--line);border-radius:.75rem;overflow:hidden;box-shadow:var(--shade)}
.tile>a:first-child{display:block;color:inherit;text-decoration:none}
.tile>a:first-child:focus-visible{outline-offset:-3px}
.tile>a:first-child:hover .name{text-decoration:underline}
.picture{display:block;width:100%;height:auto;aspect-ratio:8/5;object-fit:cover;background:var(--ground);border-bottom:1px solid var(--line)}
.folder{display:flex;align-items:center;gap:.75rem;padding:1rem}
.folder svg{flex:none}
.name{display:block;font-weight:600}
.picture+.name{padding:.75rem .875rem 0}
.facts{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;justify-content:space-between;padding:.375rem .875rem .875rem;margin-top:auto}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:.75rem;box-shadow:var(--shade);padding:1.25rem;margin:1.25rem 0}
label{display:block;font-weight:600;margin-bottom:.375rem}
input{font:inherit;color:inherit;background:var(--ground);width:100%;min-height:2.75rem;padding:.5rem .75rem;border:1px solid var(--soft);border-radius:.5rem;margin-bottom:1rem}
.bad{color:var(--bad);font-weight:600}
.good{color:var(--good);font-weight:600}
.drop{min-height:7rem;padding:1.25rem;border:2px dashed var(--soft);cursor:pointer}
.sheet ul{margin:0 0 1rem;padding-left:1.125rem}
.sent{list-style:none;margin:0;padding:0}
.sent li{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;justify-content:space-between;padding:.625rem 0;border-bottom:1px solid var(--line)}
progress{accent-color:var(--act)}
.pager{display:flex;gap:.75rem;justify-content:center;align-items:center;margin-top:1.5rem}
@media (max-width:32rem){.page{padding-top:1.25rem}.tiles{grid-template-columns:1fr 1fr;gap:.75rem}.button,button{width:100%}.facts .button{width:100%}h1{font-size:1.5rem}}
@media (max-width:20rem){.tiles{grid-template-columns:1fr}}
`;

/** A source of a content security policy that lets exactly this text in. */
function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const STYLE_SOURCE = hashSource(STYLE);

/** A page for whoever has the address: never kept, never framed, never indexed, and without a referrer that would give it away. */
export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  const { script } = page;
  const policy = [
    "default-src 'none'",
    "img-src 'self'",
    `style-src ${STYLE_SOURCE}`,
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`, "connect-src 'self'"]),
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return reply
    .code(status)
    .header('content-security-policy', policy)
    .header('x-content-type-options', 'nosniff')
    .header('x-frame-options', 'DENY')
    .header('x-robots-tag', 'noindex, nofollow')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'private, no-store')
    .type('text/html; charset=utf-8')
    .send(
      html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${page.body}
${script === undefined ? undefined : new Markup(`<script>${script}</script>`)}
</body>
</html>
`.text,
    );
}

/** Whether the answer goes to a person who looks at it: browsers say so when they open an address, not when they fetch a picture. */
export function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true;
}

/** What a person sees in place of a page that there is none of. */
export function refusalPage({ msg, hint }: { readonly msg: string; readonly hint: string }): Page {
  return {
    title: msg,
    body: html`<div class="page small"><main><h1>${msg}</h1><p>${hint}</p></main></div>`,
  };
}

/** A moment as people write it, in the zone of whoever set it, and in UTC where there is none that we know. */
export function moment(atMs: number, zone: string | null): Markup {
  const known = zone !== null && zone !== '' && isZone(zone) ? zone : 'UTC';
  const text = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: known }).format(
    atMs,
  );
  return html`<time datetime="${new Date(atMs).toISOString()}">${text} (${known})</time>`;
}

function isZone(zone: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
