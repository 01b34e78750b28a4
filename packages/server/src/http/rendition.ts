// What a delivery URL asks to be drawn (wire contract 11.6). What cannot be read in it is taken as not said.
import { type Fitting, RENDITION_PIXELS_MAX, type Rendition, type RenditionFormat } from '../ports/images.ts';
import { COLOUR_NAMES } from './colour-names.ts';
import type { Query } from './query.ts';

/** A rendition, and whether it was chosen by what the client takes. */
export interface Wanted {
  readonly rendition: Rendition;
  readonly negotiated: boolean;
}

/** Any of these asks for a drawing, and so does a colour; the others only say how. */
const ASKING = ['w', 'h', 'width', 'height', 'force_format', 'doc_page', 'q'] as const;
const QUALITY = 80;
const QUALITY_STEP = 5;
const PAGE_MAX = 10_000;

const FORMATS: Readonly<Record<string, RenditionFormat>> = {
  jpeg: 'jpeg',
  jpg: 'jpeg',
  pjpg: 'jpeg',
  png: 'png',
  webp: 'webp',
  avif: 'avif',
};
/** Formats that every browser has drawn for twenty years need no asking. */
const EVERYWHERE: readonly RenditionFormat[] = ['jpeg', 'png'];

/** The rendition that the query asks for; undefined when it asks for the file itself. `accept` is the request's header. */
export function wantedOf(query: Query, accept: string | undefined): Wanted | undefined {
  const func = query.first('func')?.toLowerCase();
  const background = colourOf(query.first('bg_colour', 'bg_color', 'bg'));
  const asks = background !== undefined || ASKING.some((name) => query.first(name) !== undefined);
  if (func === 'proxy' || !asks) return undefined;
  const formats = (query.first('force_format') ?? '')
    .toLowerCase()
    .split(',')
    .slice(0, 8)
    .flatMap((name) => FORMATS[name.trim()] ?? []);
  const [width, height] = [sideOf(query.first('w', 'width')), sideOf(query.first('h', 'height'))];
  const taken = formats.find((format) => takes(accept, format));
  return {
    rendition: {
      width,
      height,
      fitting: width === undefined || height === undefined ? 'bound' : fittingOf(func, background),
      background,
      format: (formats.length > 1 ? taken : undefined) ?? formats.at(-1) ?? 'same',
      quality: qualityOf(query.first('q')),
      page: Math.min(Math.max(numberOf(query.first('doc_page')) ?? 1, 1), PAGE_MAX),
    },
    negotiated: formats.length > 1,
  };
}

/** Whether the client says that it draws the format, or does not say that it does not draw one that everybody does (RFC 9110 12.5.1). */
function takes(accept: string | undefined, format: RenditionFormat): boolean {
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    if (type === `image/${format}`) return !parameters.some((parameter) => /^q\s*=\s*0(?:\.0{0,3})?$/.test(parameter));
  }
  return EVERYWHERE.includes(format);
}

/** With one side only there is nothing to fit. `fit` pads when it is told with what. */
function fittingOf(func: string | undefined, background: string | undefined): Fitting {
  if (func === 'fit') return background === undefined ? 'bound' : 'pad';
  return func === 'bound' || func === 'bounds' ? 'bound' : 'crop';
}

function sideOf(text: string | undefined): number | undefined {
  const pixels = numberOf(text);
  return pixels === undefined || pixels < 1 ? undefined : Math.min(pixels, RENDITION_PIXELS_MAX);
}

/** In steps, so that nobody fills the store with a hundred pictures that nobody can tell apart. */
function qualityOf(text: string | undefined): number {
  const asked = numberOf(text);
  if (asked === undefined) return QUALITY;
  return Math.min(Math.max(Math.round(asked / QUALITY_STEP) * QUALITY_STEP, QUALITY_STEP), 95);
}

/** Some clients write `250px` or `250.5`. */
function numberOf(text: string | undefined): number | undefined {
  const match = /^(\d{1,7})(?:\.\d{0,9})?(?:px)?$/.exec(text ?? '');
  return match === null ? undefined : Number(match[1]);
}

function colourOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const plain = text.toLowerCase().replace(/^#/, '');
  if (/^[0-9a-f]{3}$/.test(plain)) return `#${[...plain].map((digit) => digit + digit).join('')}`;
  if (/^(?:[0-9a-f]{6}|[0-9a-f]{8})$/.test(plain)) return `#${plain}`;
  return plain === 'transparent' ? '#00000000' : COLOUR_NAMES.get(plain);
}
