// The picture of a file that is no picture: a sheet with its extension, drawn here so that no outside host is asked.
import type { FileRecord } from '../ports/metadata.ts';

/** Formats that browsers draw by themselves; a preview of them is the file itself. */
const DRAWN = /^image\/(jpeg|png|gif|webp|avif|svg\+xml|bmp|x-icon|vnd\.microsoft\.icon|apng)$/;

/** Colours by the first part of the type; quiet, and readable on light and dark. */
const COLOURS: Readonly<Record<string, string>> = {
  image: '#0e7490',
  video: '#7c3aed',
  audio: '#be185d',
  text: '#475569',
  font: '#b45309',
  model: '#4d7c0f',
  application: '#1d4ed8',
};

/** The media type of an icon. */
export const ICON_TYPE = 'image/svg+xml';

/** Whether a preview of this file has to be an icon. */
export function needsIcon(file: FileRecord): boolean {
  return !DRAWN.test(file.mime);
}

/** An SVG of the file's kind, in the size of a tile, since widgets show it unscaled. The extension is the only text of a user's that gets in, and only plain letters of it. */
export function iconOf(file: FileRecord): string {
  const colour = COLOURS[file.mime.split('/')[0] ?? ''] ?? '#475569';
  const extension = /\.([A-Za-z0-9]{1,8})$/.exec(file.name)?.[1]?.toUpperCase() ?? 'FILE';
  const size = extension.length > 4 ? 26 : 34;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 26 400 250" width="224" height="140">
<rect y="26" width="400" height="250" fill="#f1f5f9"/>
<path d="M138 40h84l44 44v168a10 10 0 0 1-10 10H138a10 10 0 0 1-10-10V50a10 10 0 0 1 10-10z" fill="#fff" stroke="#cbd5e1" stroke-width="3"/>
<path d="M222 40v34a10 10 0 0 0 10 10h34z" fill="#e2e8f0"/>
<rect x="112" y="150" width="170" height="62" rx="10" fill="${colour}"/>
<text x="197" y="${181 + size / 3}" text-anchor="middle" font-family="system-ui, sans-serif" font-weight="700" font-size="${size}" fill="#fff">${extension}</text>
</svg>`;
}
